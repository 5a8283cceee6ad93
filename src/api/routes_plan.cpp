#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/paging.hpp"
#include "api/plan.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "pinion/timing/instant_text.hpp"

#include <charconv>
#include <cmath>

namespace pinion::routes {
namespace {

using minutes = std::chrono::minutes;

constexpr std::uint64_t most_minutes = 1500; ///< A day of 25 hours.
constexpr std::uint64_t most_instances = 10'000;

/// The day that is asked for.
struct asked_day {
  civil_day date;
  zone in;
  std::string zone_name;
  instant from{};
  instant to{};
  std::string workflow;
};

/// The zone that all workflows share; else UTC.
result<std::string> common_zone(const store_view& view) {
  BOOST_OUTCOME_TRY(all, view.rows.workflows());
  std::string common;
  for (const auto& record : all) {
    if (record.retired)
      continue;
    BOOST_OUTCOME_TRY(definition, view.definition(record.id, record.version));
    if (definition->triggers.empty())
      continue;
    if (!common.empty() && common != definition->timezone)
      return std::string{"UTC"};
    common = definition->timezone;
  }
  return common.empty() ? "UTC" : common;
}

/// Today without `date`; of the zone given, of the workflow's, or of all workflows'.
result<asked_day> day_of(const store_view& view, const http_request& request) {
  asked_day day;
  day.workflow = query_text(request, "workflow");
  day.zone_name = query_text(request, "timezone");
  if (!day.workflow.empty()) {
    BOOST_OUTCOME_TRY(definition, current_definition(view, day.workflow));
    if (day.zone_name.empty())
      day.zone_name = definition->timezone;
  }
  if (day.zone_name.empty()) {
    BOOST_OUTCOME_TRY(common, common_zone(view));
    day.zone_name = common;
  }
  BOOST_OUTCOME_TRY(in, zone::load(day.zone_name));
  day.in = in;
  day.date = pinion::day_of(view.now(), in);
  if (const auto text = query_text(request, "date"); !text.empty()) {
    BOOST_OUTCOME_TRY(date, parse_day(text));
    day.date = date;
  }
  day.from = begin_of(day.date, in);
  day.to = begin_of(day.date + std::chrono::days{1}, in);
  return day;
}

/// "02:00"
std::string clock_of(instant at, zone in) { return print_local(at, in).substr(11, 5); }

/// Two digits are enough for an expectation.
double rounded(double value) { return std::round(value * 100) / 100; }

json load_of(const plan_minute& minute) {
  json pools = json::object();
  for (const auto& [pool, busy] : minute.busy_pools)
    pools[pool] = rounded(busy);
  return {{"slots", rounded(minute.busy_slots)}, {"pools", std::move(pools)}};
}

json minute_of(const plan_minute& minute, instant at, zone in) {
  json states = json::object();
  for (const auto& [state, count] : minute.states)
    states[std::string{state}] = count;
  return {{"minute", objects::time(at)}, {"local", clock_of(at, in)},   {"count", minute.instances},
          {"runs", minute.runs},         {"states", std::move(states)}, {"load", load_of(minute)}};
}

result<json> show_plan(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"date", "timezone", "workflow", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(limit, query_number(request, "limit", 1, most_minutes, most_minutes));
  BOOST_OUTCOME_TRY(first, query_number(request, "cursor", 0, most_minutes, 0));
  const store_view view{state};
  BOOST_OUTCOME_TRY(day, day_of(view, request));
  BOOST_OUTCOME_TRY(plan, plan_by_minute(view, day.workflow, day.from, day.to));
  json items = json::array();
  std::uint64_t runs = 0;
  std::uint64_t count = 0;
  std::size_t peak = 0;
  std::string next;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    runs += plan[i].runs;
    count += plan[i].instances;
    if (plan[i].busy_slots > plan[peak].busy_slots)
      peak = i;
    if (plan[i].states.empty() || i < first || !next.empty())
      continue;
    if (items.size() == limit)
      next = std::to_string(i);
    else
      items.push_back(minute_of(plan[i], day.from + minutes{static_cast<std::int64_t>(i)}, day.in));
  }
  json answer{{"date", print_day(day.date)},
              {"timezone", day.zone_name},
              {"from", objects::time(day.from)},
              {"to", objects::time(day.to)},
              {"runs", runs},
              {"count", count},
              {"peak", json()}};
  if (!plan.empty() && plan[peak].busy_slots > 0)
    answer["peak"] = {
        {"minute", objects::time(day.from + minutes{static_cast<std::int64_t>(peak)})},
        {"local", clock_of(day.from + minutes{static_cast<std::int64_t>(peak)}, day.in)},
        {"slots", rounded(plan[peak].busy_slots)}};
  answer.update(objects::list(std::move(items), next));
  return answer;
}

/// Where a page of instances ended: "SLOT:TASK:workflow/trigger", the slot in microseconds.
struct plan_place {
  std::string trigger; ///< Empty: the beginning.
  instant slot{};
  std::uint64_t task = 0;
};

std::string to_cursor(const plan_place& at) {
  return std::to_string(to_us(at.slot)) + ':' + std::to_string(at.task) + ':' + at.trigger;
}

result<plan_place> place_of(const std::string& cursor) {
  plan_place place;
  if (cursor.empty())
    return place;
  std::int64_t us = 0;
  const auto* const end = cursor.data() + cursor.size();
  const auto slot = std::from_chars(cursor.data(), end, us);
  const auto task = slot.ptr == end ? slot : std::from_chars(slot.ptr + 1, end, place.task);
  if (slot.ec != std::errc{} || task.ec != std::errc{} || task.ptr == end || *task.ptr != ':')
    return problem{errc::invalid, "the cursor is not one that this list has given",
                   "start the list again without a cursor"};
  place.slot = from_us(us);
  place.trigger.assign(task.ptr + 1, end);
  return place;
}

/// The minutes of the day that a clock shows as "02:00": two where it is set back, none in a gap.
result<std::vector<instant>> minutes_named(const asked_day& day, const std::string& text) {
  std::vector<instant> found;
  for (auto at = day.from; at < day.to; at += minutes{1})
    if (clock_of(at, day.in) == text)
      found.push_back(at);
  if (found.empty())
    return problem{errc::invalid,
                   "There is no minute '" + text + "' on " + print_day(day.date) + " in " +
                       day.zone_name,
                   "Write it as 02:00"};
  return found;
}

/// Gathers the instances of slots, one trigger after another.
class instance_page {
public:
  instance_page(const store_view& view, plan_place begin, std::size_t limit)
      : view_{view}, last_{std::move(begin)}, limit_{limit} {}

  bool full() const noexcept { return items_.size() == limit_ && more_; }
  const plan_place& resumes() const noexcept { return last_; }

  /// Whether the page begins behind all slots of a trigger.
  bool is_past(const std::string& trigger) const {
    return !last_.trigger.empty() && trigger < last_.trigger;
  }

  result<void> add(const planned_trigger& of, const plan_entry& entry) {
    const auto name = of.record.workflow + '/' + of.record.trigger;
    const bool same = name == last_.trigger;
    if (!entry.runs() || (same && entry.slot < last_.slot))
      return ok();
    BOOST_OUTCOME_TRY(definition, view_.definition(of.record.workflow, entry.version));
    std::size_t first = same && entry.slot == last_.slot ? last_.task + 1 : 0;
    auto run = entry.run;
    if (run.value == 0 && first < definition->tasks.size()) {
      BOOST_OUTCOME_TRY(known, view_.rows.run_by_key(
                                   {"main", of.record.workflow, of.record.trigger, entry.slot}));
      run = known.value_or(run_id{});
    }
    const auto shown = common_part(of, entry, *definition, run);
    for (auto task = first; task < definition->tasks.size(); ++task) {
      more_ = items_.size() == limit_;
      if (more_)
        return ok();
      items_.push_back(shown);
      auto& item = items_.back();
      item["id"] = item["id"].get_ref<const std::string&>() + definition->tasks[task].name;
      item["task"] = definition->tasks[task].name;
      last_ = {name, entry.slot, task};
    }
    return ok();
  }

  json take() { return objects::list(std::move(items_), more_ ? to_cursor(last_) : ""); }

private:
  /// What all instances of a slot have in common: `id` lacks the task's name, `task` is to be set.
  static json common_part(const planned_trigger& of, const plan_entry& entry,
                          const workflow_definition& definition, run_id run) {
    const auto in = objects::zone_of(definition);
    const auto whole =
        run.value != 0
            ? to_string(run)
            : objects::slot_name({"main", of.record.workflow, of.record.trigger, entry.slot}, in);
    return {{"id", whole + '/'},
            {"minute", objects::time(std::chrono::floor<minutes>(entry.slot))},
            {"run", run.value == 0 ? json() : json(to_string(run))},
            {"workflow", of.record.workflow},
            {"trigger", of.record.trigger},
            {"task", json()},
            {"slot", print_local(entry.slot, in)},
            {"version", entry.version},
            {"state", entry.state()},
            {"dry", entry.dry}};
  }

  const store_view& view_;
  plan_place last_;
  std::size_t limit_;
  json items_ = json::array();
  bool more_ = false;
};

result<json> show_instances(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"date", "timezone", "workflow", "minute", "limit", "cursor"}));
  BOOST_OUTCOME_TRY(limit, query_number(request, "limit", 1, most_instances, default_page));
  BOOST_OUTCOME_TRY(begin, place_of(query_text(request, "cursor")));
  const store_view view{state};
  BOOST_OUTCOME_TRY(day, day_of(view, request));
  std::vector<std::pair<instant, instant>> spans{{day.from, day.to}};
  if (const auto minute = query_text(request, "minute"); !minute.empty()) {
    BOOST_OUTCOME_TRY(found, minutes_named(day, minute));
    spans.clear();
    for (const auto at : found)
      spans.emplace_back(at, at + minutes{1});
  }
  const store_directory others{view};
  BOOST_OUTCOME_TRY(triggers, planned_triggers(view, day.workflow));
  instance_page page{view, std::move(begin), static_cast<std::size_t>(limit)};
  for (const auto& trigger : triggers) {
    if (page.full())
      break;
    const auto name = trigger.record.workflow + '/' + trigger.record.trigger;
    if (page.is_past(name))
      continue;
    for (const auto& [from, to] : spans) {
      const auto since =
          name == page.resumes().trigger ? std::max(from, page.resumes().slot) : from;
      BOOST_OUTCOME_TRY(entries, plan_of(view, others, trigger, since, std::max(since, to)));
      for (const auto& entry : entries) {
        BOOST_OUTCOME_TRYV(page.add(trigger, entry));
        if (page.full())
          break;
      }
    }
  }
  return page.take();
}

} // namespace

void add_plan(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"GET", "/api/v1/plan",
                   "The plan of a day by minute, with counts and the expected load.",
                   answering(state, show_plan)});
  table.push_back({"GET", "/api/v1/plan/instances",
                   "The instances of a day's plan, or of one minute of it.",
                   answering(state, show_instances)});
}

} // namespace pinion::routes
