#include "simulation/observer.hpp"

#include "pinion/storage/codecs.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

std::string name_of(const bound_edge& edge) {
  auto out = "t" + std::to_string(edge.task) + " need " + std::to_string(edge.need) + " on " +
             edge.workflow + '/' + edge.trigger + '.' + edge.upstream_task + " of";
  for (const auto slot : edge.slots)
    out += ' ' + print_utc(slot);
  return out;
}

std::string name_of(const slot_record& row) {
  return row.workflow + '/' + row.trigger + '@' + print_utc(row.slot);
}

bool by_place(const bound_edge& a, const bound_edge& b) {
  return std::pair{a.task, a.need} < std::pair{b.task, b.need};
}

} // namespace

// Before and after an edit either set of definitions may have been the present one, and between the
// edits of two workflows one of each.
void observer::check_binding(const slot_record& row) {
  if (row.trigger.starts_with('@') || (row.outcome != slot_outcome::planned && row.run == run_id{}))
    return;
  const auto* of = definition_of(row.workflow, row.version);
  if (of == nullptr)
    return log_.violation("slot " + name_of(row) + " is of a version that nobody applied");
  auto is = row.edges;
  std::sort(is.begin(), is.end(), by_place);
  std::string differs;
  for (std::size_t set = 0; set < (scenario_.edited.empty() ? 1U : 2U); ++set) {
    auto expected = binders_[set].bind(*of, row.trigger, row.slot);
    std::sort(expected.begin(), expected.end(), by_place);
    if (expected == is)
      return;
    const auto [a, b] = std::mismatch(is.begin(), is.end(), expected.begin(), expected.end());
    differs = (a == is.end() ? "nothing" : name_of(*a)) + " instead of " +
              (b == expected.end() ? "nothing" : name_of(*b));
  }
  const auto workflows = scenario_.edited.size();
  for (std::size_t mix = 1; workflows > 1 && mix + 1 < (std::size_t{1} << workflows); ++mix) {
    auto set = scenario_.workflows;
    for (std::size_t i = 0; i < workflows; ++i)
      if ((mix >> i & 1U) != 0)
        set[i] = scenario_.edited[i];
    auto expected = naive_binder{scenario_, set}.bind(*of, row.trigger, row.slot);
    std::sort(expected.begin(), expected.end(), by_place);
    if (expected == is)
      return;
  }
  log_.violation("[4] slot " + name_of(row) + " is bound to " + differs);
}

void observer::note_run(run_id id) {
  const auto run = store_.run(id);
  if (!run || !run.value())
    return;
  const auto& is = *run.value();
  const auto* of = definition_of(is);
  const auto rows = store_.instances_of(id);
  if (of == nullptr || !rows)
    return;
  const keys::slot_key key{"main", is.workflow, is.trigger, is.slot};
  history_[{key, {}}] |= ways_of(is.state);
  const auto instances = by_task(rows.value());
  note_failure(is, *of, instances);
  for (std::uint32_t task = 0; task < of->tasks.size(); ++task) {
    const bool never_was = is_terminal(is.state) && !instances.contains(task);
    history_[{key, of->tasks[task].name}] |=
        never_was ? std::uint8_t{ways::any} : ways_of(*of, task, instances);
  }
}

// Its trigger makes no slots by the clock, in either set of definitions.
bool observer::is_off(const bound_edge& edge) const {
  for (const auto* all : {&scenario_.workflows, &scenario_.edited})
    for (const auto& of : *all)
      for (const auto& each : of.triggers)
        if (of.id() == edge.workflow && each.id == edge.trigger && !each.enabled)
          return true;
  return false;
}

// There is no run, and the clock makes none.
bool observer::is_left_out(const bound_edge& edge, instant slot) const {
  const auto row = store_.slot({"main", edge.workflow, edge.trigger, slot});
  if (row && row.value() && row.value()->outcome != slot_outcome::planned)
    return row.value()->run == run_id{};
  const auto trigger = store_.trigger(edge.workflow, edge.trigger);
  if (!trigger || !trigger.value() || trigger.value()->retired || slot <= trigger.value()->since)
    return true;
  if (row && !row.value() && slot <= trigger.value()->cursor && !is_to_be_made(edge, slot))
    return true;
  const auto* rule = rule_of(scenario_.workflows, edge.workflow, edge.trigger);
  const auto* edited = rule_of(scenario_.edited, edge.workflow, edge.trigger);
  return is_off(edge) || (rule != nullptr && !is_slot(*rule, slot)) ||
         (edited != nullptr && !is_slot(*edited, slot));
}

// The clock has passed it, and a backfill makes it still.
bool observer::is_to_be_made(const bound_edge& edge, instant slot) const {
  const auto owed = disk_.get(family::meta, "catchup/" + edge.workflow + '/' + edge.trigger);
  const auto items = store_.open_backfill_items(edge.workflow, edge.trigger, slot);
  return (owed && owed.value()) ||
         (items && std::any_of(items.value().begin(), items.value().end(), [&](const auto& item) {
            const auto of = store_.backfill(item.backfill);
            return of && of.value() && !of.value()->isolated;
          }));
}

std::uint8_t observer::ways_of_slot(const bound_edge& edge, instant slot, when at) const {
  const keys::slot_key key{"main", edge.workflow, edge.trigger, slot};
  std::uint8_t out = is_left_out(edge, slot) ? std::uint8_t{ways::left_out} : std::uint8_t{0};
  if (at == when::ever) {
    // What a backfill makes of it later does not change that it was left out.
    const auto trigger = store_.trigger(edge.workflow, edge.trigger);
    if (is_off(edge) || (trigger && trigger.value() && slot <= trigger.value()->since))
      out |= std::uint8_t{ways::left_out};
    for (const auto& name : {edge.upstream_task, std::string{"(left out)"}})
      if (const auto known = history_.find({key, name}); known != history_.end())
        out |= known->second;
    return out;
  }
  const auto id = store_.run_by_key(key);
  if (!id || !id.value())
    return out;
  const auto run = store_.run(*id.value());
  const auto rows = store_.instances_of(*id.value());
  const auto* of = run && run.value() ? definition_of(*run.value()) : nullptr;
  if (of == nullptr || !rows)
    return out;
  if (edge.upstream_task.empty())
    return out | ways_of(run.value()->state);
  for (std::uint32_t task = 0; task < of->tasks.size(); ++task)
    if (of->tasks[task].name == edge.upstream_task)
      out |= ways_of(*of, task, by_task(rows.value()));
  return out;
}

bool observer::may_be(const bound_edge& edge, edge_record::counts_as outcome, when at) const {
  using as = edge_record::counts_as;
  if (edge.slots.empty())
    return may_count(edge, ways::left_out, outcome);
  // A previous slot that was left out is passed over for the run before it.
  if (edge.previous()) {
    auto slot = edge.slots.front();
    for (;;) {
      const auto how = ways_of_slot(edge, slot, at);
      if ((how & (ways::success | ways::skipped)) != 0)
        return outcome == as::success;
      const auto before = store_.slot_before({"main", edge.workflow, edge.trigger, slot});
      if ((how & ways::left_out) == 0 || !before)
        return false;
      // A run before it may have been made by a backfill since.
      if (!before.value() || at == when::ever)
        return outcome == as::success;
      slot = before.value()->slot;
    }
  }
  bool worst = outcome == as::success;
  for (const auto slot : edge.slots) {
    const auto how = ways_of_slot(edge, slot, at);
    worst = worst || may_count(edge, how, outcome);
    bool counts = false;
    for (const auto each : {as::success, as::skipped, as::failed})
      counts = counts || (each <= outcome && may_count(edge, how, each));
    if (!counts)
      return false;
  }
  return worst;
}

const bound_edge* observer::edge_of(const run_record& run, std::uint32_t task, std::uint32_t need) {
  const auto row = store_.slot({"main", run.workflow, run.trigger, run.slot});
  if (!row || !row.value())
    return nullptr;
  auto& known = slots_of_runs_[run.id];
  known = *row.value();
  for (const auto& edge : known.edges)
    if (edge.task == task && edge.need == need)
      return &edge;
  return nullptr;
}

void observer::check_edge(std::string_view key, const std::string& now) {
  const auto at = keys::decode_edge(key);
  const auto row = at ? codecs::decode_edge(at.value(), now) : result<edge_record>{at.error()};
  if (!row)
    return log_.violation("an edge's row cannot be read: " + row.error().message);
  const auto run = store_.run(row.value().run);
  if (!run || !run.value())
    return log_.violation("an edge is settled of " + to_string(row.value().run) +
                          ", which is not on the disk");
  log_.note("  " + to_string(row.value().run) + " need " + std::to_string(row.value().need) +
            " of t" + std::to_string(row.value().task) + " is settled as " +
            std::to_string(static_cast<int>(row.value().outcome)));
  const auto* edge = edge_of(*run.value(), row.value().task, row.value().need);
  if (edge == nullptr)
    return log_.violation("[4] an edge is settled that " + to_string(row.value().run) +
                          " does not have");
  if (!may_be(*edge, row.value().outcome, when::ever))
    log_.violation("[4] " + to_string(row.value().run) + ' ' + name_of(*edge) + " is settled as " +
                   std::to_string(static_cast<int>(row.value().outcome)) + ", which it never was");
}

void observer::check_dropped_edge(std::string_view key) {
  const auto at = keys::decode_edge(key);
  if (!at || !before_.contains({family::slots, std::string{key}}))
    return;
  const auto run = store_.run(at.value().run);
  if (run && run.value() && !operated_.contains(at.value().run) && run.value()->backfill == 0)
    log_.violation("[4] a settled edge of " + to_string(at.value().run) + " is lost");
}

std::vector<run_id> observer::judge_waiting() {
  std::vector<run_id> out;
  const auto live = store_.live_runs();
  if (!live)
    return out;
  for (const auto& run : live.value()) {
    const auto slot = store_.slot({"main", run.workflow, run.trigger, run.slot});
    const auto settled = store_.edges_of(run.id);
    const auto rows = store_.instances_of(run.id);
    if (!slot || !slot.value() || !settled || !rows || run.cancel_requested)
      continue;
    const auto instances = by_task(rows.value());
    bool waits = false;
    for (const auto& edge : slot.value()->edges) {
      const auto known = instances.find(edge.task);
      const bool over =
          known != instances.end() &&
          std::all_of(known->second.begin(), known->second.end(), [](const auto& each) {
            return each.state != instance_state::waiting && each.state != instance_state::triggered;
          });
      if (over ||
          std::any_of(settled.value().begin(), settled.value().end(), [&](const auto& each) {
            return each.task == edge.task && each.need == edge.need;
          }))
        continue;
      waits = true;
      for (const auto each : {edge_record::counts_as::success, edge_record::counts_as::skipped,
                              edge_record::counts_as::failed})
        if (!edited_ && !operated_.contains(run.id) && may_be(edge, each, when::now))
          log_.violation("[6] " + to_string(run.id) + ' ' + name_of(edge) +
                         " counts, and nobody has noticed");
    }
    if (waits)
      out.push_back(run.id);
  }
  return out;
}

} // namespace pinion::sim
