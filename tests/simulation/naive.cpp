#include "simulation/naive.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

counts_as class_of(const task_definition& task, const instance_record& at) {
  switch (at.state) {
  case instance_state::success:
    return counts_as::success;
  case instance_state::skipped:
    return counts_as::skipped;
  case instance_state::upstream_failed:
    return counts_as::upstream_failed;
  case instance_state::failed:
    return task.ignore_failure ? counts_as::success : counts_as::failed;
  case instance_state::cancelled:
    return counts_as::failed;
  default:
    return counts_as::pending;
  }
}

bool any_failed(const task_rows& rows, std::uint32_t task) {
  const auto found = rows.find(task);
  return found != rows.end() &&
         std::any_of(found->second.begin(), found->second.end(),
                     [](const auto& row) { return row.state == instance_state::failed; });
}

} // namespace

void tally::add(counts_as what) {
  ++total;
  success += what == counts_as::success;
  skipped += what == counts_as::skipped;
  failed += what == counts_as::failed;
  upstream_failed += what == counts_as::upstream_failed;
}

std::optional<bool> may_run(join_rule rule, const tally& of) {
  const bool all_done = of.done() == of.total;
  switch (rule) {
  case join_rule::all_success:
    return of.success == of.total;
  case join_rule::all_failed:
    return of.failed + of.upstream_failed == of.total;
  case join_rule::all_done:
    return all_done;
  case join_rule::one_success:
    return of.success > 0;
  case join_rule::one_failed:
    return of.failed + of.upstream_failed > 0;
  case join_rule::one_done:
    return of.success + of.failed > 0;
  case join_rule::none_failed:
    return all_done && of.failed + of.upstream_failed == 0;
  case join_rule::none_failed_min_one_success:
    return all_done && of.failed + of.upstream_failed == 0 && of.success > 0;
  case join_rule::none_skipped:
    return all_done && of.skipped == 0;
  case join_rule::all_skipped:
    return of.skipped == of.total;
  case join_rule::always:
    return true;
  default:
    return std::nullopt;
  }
}

task_rows by_task(const std::vector<instance_record>& rows) {
  task_rows out;
  for (const auto& row : rows)
    out[row.key.task].push_back(row);
  return out;
}

// The chain of fallbacks counts as its last member that ran; one that ignores its failure covers
// the failures of the chain, not that it was cut off.
std::vector<counts_as> classes_of(const workflow_definition& of, std::uint32_t task,
                                  const task_rows& rows) {
  bool ignored = false;
  while (of.tasks[task].fallback && any_failed(rows, task)) {
    ignored = ignored || of.tasks[task].ignore_failure;
    task = *of.tasks[task].fallback;
  }
  const auto found = rows.find(task);
  if (found == rows.end())
    return {counts_as::pending};
  std::vector<counts_as> out;
  for (const auto& row : found->second) {
    const auto as = class_of(of.tasks[task], row);
    out.push_back(ignored && row.state == instance_state::failed ? counts_as::success : as);
  }
  return out;
}

std::uint8_t ways_of(const workflow_definition& of, std::uint32_t task, const task_rows& rows) {
  tally all;
  for (const auto each : classes_of(of, task, rows))
    all.add(each);
  if (all.done() < all.total)
    return 0;
  if (all.failed + all.upstream_failed > 0)
    return ways::failed;
  if (all.skipped > 0)
    return all.success > 0 ? ways::skipped | ways::success : ways::skipped;
  return ways::success;
}

std::uint8_t ways_of(run_state state) {
  switch (state) {
  case run_state::success:
    return ways::success;
  case run_state::skipped:
    return ways::skipped;
  case run_state::failed:
  case run_state::cancelled:
    return ways::failed;
  default:
    return 0;
  }
}

bool may_count(const bound_edge& edge, std::uint8_t how, edge_record::counts_as outcome) {
  using as = edge_record::counts_as;
  const bool out = (how & ways::left_out) != 0;
  switch (outcome) {
  case as::success:
    return (how & ways::success) != 0 || (edge.previous() && (how & ways::skipped) != 0) ||
           (out && (edge.previous() || edge.missing == missing_policy::satisfied));
  case as::skipped:
    return (!edge.previous() && (how & ways::skipped) != 0) ||
           (out && edge.missing == missing_policy::skip);
  case as::failed:
    return ((how & ways::failed) != 0 && edge.state == need_state::done) ||
           (out && edge.missing == missing_policy::fail);
  }
  return false;
}

// -- binding

naive_binder::upstream naive_binder::find(const std::string& workflow,
                                          const std::string& trigger) const {
  for (const auto& of : all_)
    for (const auto& each : of.triggers)
      if (of.id() == workflow && (each.id == trigger || trigger.empty())) {
        if (!each.after) {
          const auto rule =
              of.data_interval_given ? of.data_interval : default_interval(each.slots);
          return {each.id, &each.slots, rule, zone::load(of.timezone).value()};
        }
        auto end = find(each.after->workflow, each.after->trigger);
        end.trigger = each.id;
        return end;
      }
  return {};
}

// Some days around the scenario: farther back than any need that is drawn looks, which of a trigger
// that fires on few days, for a backfilled slot, is several weeks.
const std::vector<instant>& naive_binder::slots_of(const slot_rule& rule) {
  auto& known = slots_[&rule];
  if (!known.empty())
    return known;
  constexpr std::size_t few = 1'000;
  const auto begins = scenario_.begins;
  const bool rare = slots_between(rule, begins - std::chrono::days{12}, begins, few).size() < few;
  for (const auto& slot :
       slots_between(rule, begins - std::chrono::days{rare ? 60 : 12},
                     scenario_.begins + scenario_.lasts + std::chrono::days{9}, 100'000))
    known.push_back(slot.at);
  return known;
}

std::vector<instant> naive_binder::choose(const outside_need& need, instant slot,
                                          data_interval mine, zone in, const upstream& of) {
  const auto& all = slots_of(*of.rule);
  const auto day = day_of(slot, in);
  const auto full_hour = slot - (in.local(slot).time_since_epoch() % std::chrono::hours{1});
  const auto last = std::max(need.last, 1U);
  std::vector<instant> out;
  if (need.window != need_window::none) {
    for (const auto each : all) {
      const auto its_day = day_of(each, in);
      const auto start = interval_of(*of.rule, each, of.interval, of.in).start;
      if ((need.window == need_window::data && mine.start <= start && start < mine.end) ||
          (need.window == need_window::slot_day && its_day == day) ||
          (need.window == need_window::hour && each < full_hour &&
           each >= full_hour - std::chrono::hours{last}) ||
          (need.window == need_window::day && its_day < day &&
           its_day >= day - std::chrono::days{last}))
        out.push_back(each);
    }
    return out;
  }
  if (need.slot == slot_choice::same_slot)
    return {slot};
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < all.size(); ++i)
    if ((all[i] < slot || (all[i] == slot && need.slot != slot_choice::previous)) &&
        (need.slot != slot_choice::same_day || day_of(all[i], in) == day))
      chosen = i;
  if (need.slot == slot_choice::back && chosen)
    chosen = *chosen >= need.back ? std::optional{*chosen - need.back} : std::nullopt;
  if (!chosen && (need.slot == slot_choice::nearest || need.slot == slot_choice::same_day))
    for (std::size_t i = 0; i < all.size() && !chosen; ++i)
      if (day_of(all[i], in) == day)
        chosen = i;
  if (!chosen)
    return {};
  const auto first = *chosen + 1 >= last ? *chosen + 1 - last : 0;
  return {all.begin() + static_cast<std::ptrdiff_t>(first),
          all.begin() + static_cast<std::ptrdiff_t>(*chosen) + 1};
}

std::vector<bound_edge> naive_binder::bind(const workflow_definition& of,
                                           const std::string& trigger, instant slot) {
  std::vector<bound_edge> out;
  const auto in = zone::load(of.timezone).value();
  const auto own = std::find_if(of.triggers.begin(), of.triggers.end(),
                                [&](const auto& each) { return each.id == trigger; });
  if (own == of.triggers.end())
    return out;
  upstream me{trigger, &own->slots,
              of.data_interval_given ? of.data_interval : default_interval(own->slots), in};
  if (own->after)
    me = find(own->after->workflow, own->after->trigger);
  const auto mine = interval_of(*me.rule, slot, me.interval, me.in);
  std::optional<instant> before;
  for (const auto each : slots_of(*me.rule))
    if (each < slot)
      before = each;
  for (std::uint32_t task = 0; task < of.tasks.size(); ++task) {
    if (of.tasks[task].fallback_of || of.tasks[task].is_end_task())
      continue;
    const auto& needs = of.tasks[task].outside_needs;
    for (std::uint32_t place = 0; place < needs.size(); ++place) {
      const auto& need = needs[place];
      const auto other = find(need.workflow, need.trigger);
      bound_edge edge{task,          place,     need.workflow,
                      other.trigger, need.task, need.state,
                      need.missing,  false,     {}};
      edge.list = need.window != need_window::none || need.last > 0;
      edge.slots = choose(need, slot, mine, in, other);
      if (edge.slots.empty() && need.workflow == of.id() && other.trigger == trigger)
        edge.missing = missing_policy::satisfied;
      out.push_back(std::move(edge));
    }
    if (before)
      bind_previous(of, trigger, task, *before, out);
    if (own->after && of.tasks[task].needs.empty())
      out.push_back({task,
                     bound_edge::after_gate,
                     own->after->workflow,
                     find(own->after->workflow, own->after->trigger).trigger,
                     {},
                     own->after->state,
                     missing_policy::skip,
                     false,
                     {slot}});
  }
  return out;
}

void naive_binder::bind_previous(const workflow_definition& of, const std::string& trigger,
                                 std::uint32_t task, instant before,
                                 std::vector<bound_edge>& out) const {
  std::set<std::uint32_t> upstreams;
  const auto& definition = of.tasks[task];
  if (definition.depends_on_previous == previous_need::self)
    upstreams = {task};
  if (definition.depends_on_previous == previous_need::tasks)
    upstreams = {definition.previous_tasks.begin(), definition.previous_tasks.end()};
  for (std::uint32_t child = 0; child < of.tasks.size(); ++child)
    if (definition.depends_on_previous == previous_need::children &&
        std::count(of.tasks[child].needs.begin(), of.tasks[child].needs.end(), task) > 0)
      upstreams.insert(child);
  for (const auto each : upstreams)
    out.push_back({task,
                   bound_edge::first_previous + each,
                   of.id(),
                   trigger,
                   of.tasks[each].name,
                   need_state::success,
                   missing_policy::satisfied,
                   false,
                   {before}});
}

} // namespace pinion::sim
