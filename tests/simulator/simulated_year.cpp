#include "simulator/simulated_year.hpp"

#include "pinion/definitions/loader.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <stdexcept>

namespace pinion::testing {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;

constexpr const char* names[] = {"hourly", "daily", "weekly", "monthly"};

std::string name_of(const year_workflow& of, std::size_t place) {
  return std::string{names[static_cast<int>(of.what)]} + std::to_string(place);
}

std::string cron_of(const year_workflow& of) {
  const auto minute = std::to_string(of.minute) + ' ';
  const auto time = minute + std::to_string(of.hour) + ' ';
  switch (of.what) {
  case year_workflow::kind::hourly:
    return minute + "* * * *";
  case year_workflow::kind::daily:
    return time + "* * *";
  case year_workflow::kind::weekly:
    return time + "* * " + std::to_string(of.weekday);
  case year_workflow::kind::monthly:
    return time + "1 * *";
  }
  return {};
}

std::string text_of(const std::vector<year_workflow>& all, std::size_t place) {
  const auto& of = all[place];
  std::string text = "workflow: " + name_of(of, place) + "\ntriggers: [{id: clock, cron: \"" +
                     cron_of(of) + "\"}]\ntasks:\n  load:\n    run: ./load\n" +
                     "    retry: {max: 5, delay: 30s}\n";
  if (of.needs != year_workflow::need::none) {
    static constexpr const char* kinds[] = {"", "slot: nearest", "window: day", "window: week",
                                            "window: month"};
    text += "    needs: [{task: " + name_of(all[of.upstream], of.upstream) + ".load, " +
            kinds[static_cast<int>(of.needs)] + "}]\n";
  }
  if (of.previous)
    text += "    depends_on_previous: self\n";
  if (of.pool)
    text += "    pool: db\n";
  return text + "  publish: {needs: load, run: ./publish, retry: {max: 5, delay: 30s}}\n";
}

/// The slots of [from, to), by arithmetic on days.
std::vector<instant> due_slots(const year_workflow& of, instant from, instant to) {
  std::vector<instant> out;
  for (auto day = std::chrono::floor<days>(from); day < to; day += days{1}) {
    const std::chrono::year_month_day date{day};
    const bool comes =
        of.what <= year_workflow::kind::daily ||
        (of.what == year_workflow::kind::weekly &&
         std::chrono::weekday{day}.c_encoding() == static_cast<unsigned>(of.weekday)) ||
        (of.what == year_workflow::kind::monthly && date.day() == std::chrono::day{1});
    if (!comes)
      continue;
    const bool hourly = of.what == year_workflow::kind::hourly;
    for (int hour = hourly ? 0 : of.hour; hour <= (hourly ? 23 : of.hour); ++hour) {
      const instant slot = day + hours{hour} + minutes{of.minute};
      if (slot >= from && slot < to)
        out.push_back(slot);
    }
  }
  return out;
}

/// [first, last] of the upstream's slots that a slot needs.
std::pair<instant, instant> needed(const year_workflow& of, const year_workflow& upstream,
                                   instant slot, instant from) {
  const auto day = std::chrono::floor<days>(slot);
  const auto up_to = [](instant end) { return end - duration{1}; };
  switch (of.needs) {
  case year_workflow::need::nearest: {
    const auto all = due_slots(upstream, from, slot + duration{1});
    return all.empty() ? std::pair{slot, up_to(slot)} : std::pair{all.back(), all.back()};
  }
  case year_workflow::need::day:
    return {day - days{1}, up_to(day)};
  case year_workflow::need::week: {
    const auto monday = day - (std::chrono::weekday{day} - std::chrono::Monday);
    return {monday - days{7}, up_to(monday)};
  }
  case year_workflow::need::month: {
    const std::chrono::year_month_day date{day};
    const auto first = date.year() / date.month() / 1;
    return {sys_days{first - std::chrono::months{1}}, up_to(sys_days{first})};
  }
  case year_workflow::need::none:
    break;
  }
  return {slot, up_to(slot)};
}

/// Looks through a result.
class inspection {
public:
  inspection(const std::vector<year_workflow>& of, const simulation_result& result)
      : of_{of}, result_{result}, runs_(of.size()) {}

  std::vector<std::string> all() {
    sort_runs();
    for (std::size_t place = 0; place < of_.size(); ++place) {
      check_slots(place);
      check_runs(place);
    }
    check_load("processes", year_slots, [](const auto&) { return true; });
    check_load("permits of db", year_permits, [this](const simulated_instance& at) {
      return at.task == 0 && of_[result_.runs[at.run].workflow].pool;
    });
    return std::move(faults_);
  }

private:
  void complain(std::string what) {
    if (faults_.size() < 20)
      faults_.push_back(std::move(what));
  }

  std::string name(std::size_t place, instant slot) const {
    return name_of(of_[place], place) + '@' + print_utc(slot);
  }

  void sort_runs() {
    for (const auto& run : result_.runs)
      runs_[run.workflow].push_back(&run);
    for (auto& of : runs_)
      std::stable_sort(of.begin(), of.end(),
                       [](const auto* a, const auto* b) { return a->slot < b->slot; });
  }

  void check_slots(std::size_t place) {
    const auto due = due_slots(of_[place], result_.from, result_.to);
    std::vector<instant> got;
    for (const auto* run : runs_[place])
      got.push_back(run->slot);
    if (got != due)
      complain(name_of(of_[place], place) + " has other slots than are due: " +
               std::to_string(got.size()) + " instead of " + std::to_string(due.size()));
  }

  const simulated_instance& instance(const simulated_run& run, std::uint32_t task) const {
    return result_.instances[run.first + task];
  }

  void check_runs(std::size_t place) {
    const simulated_run* before = nullptr;
    for (const auto* run : runs_[place]) {
      if (run->count != 2 || run->state != run_state::success) {
        complain(name(place, run->slot) + " did not end in success");
        continue;
      }
      const auto& load = instance(*run, 0);
      const auto& publish = instance(*run, 1);
      if (load.started_at < run->slot || publish.started_at < load.ended_at ||
          run->ended_at != publish.ended_at)
        complain(name(place, run->slot) + " has its tasks in the wrong order");
      if (before != nullptr && load.started_at < before->ended_at)
        complain(name(place, run->slot) + " began beside the run before it");
      check_needs(place, *run);
      before = run;
    }
  }

  void check_needs(std::size_t place, const simulated_run& run) {
    const auto& of = of_[place];
    if (of.needs == year_workflow::need::none)
      return;
    const auto [first, last] = needed(of, of_[of.upstream], run.slot, result_.from);
    const auto& upstream = runs_[of.upstream];
    auto at = std::lower_bound(upstream.begin(), upstream.end(), first,
                               [](const auto* a, instant slot) { return a->slot < slot; });
    for (; at != upstream.end() && (*at)->slot <= last; ++at) {
      const auto& load = instance(**at, 0);
      if (load.state != instance_state::success || load.ended_at > instance(run, 0).started_at)
        complain(name(place, run.slot) + " began before " + name(of.upstream, (*at)->slot));
    }
  }

  template <class Counts>
  void check_load(const char* what, int most, Counts counts) {
    std::vector<std::pair<instant, int>> changes;
    for (const auto& at : result_.instances)
      // A retry frees the slot in between: only attempts that are known whole are counted.
      if (at.started_at != never && at.ended_at > at.started_at && counts(at)) {
        changes.emplace_back(at.started_at, 1);
        changes.emplace_back(at.ended_at, -1);
      }
    std::sort(changes.begin(), changes.end());
    int now = 0;
    for (const auto& [_, by] : changes)
      if ((now += by) > most)
        return complain("more " + std::string{what} + " than there are");
  }

  const std::vector<year_workflow>& of_;
  const simulation_result& result_;
  std::vector<std::vector<const simulated_run*>> runs_;
  std::vector<std::string> faults_;
};

} // namespace

std::vector<year_workflow> mixed_workflows(std::size_t count) {
  using kind = year_workflow::kind;
  using need = year_workflow::need;
  std::vector<year_workflow> out;
  std::vector<std::size_t> hourly, daily;
  for (std::size_t place = 0; place < count; ++place) {
    year_workflow made;
    const auto share = place * 100 / count; // Upstreams stand before what needs them.
    made.minute = static_cast<int>(place * 7 % 60);
    made.hour = static_cast<int>(place * 5 % 24);
    made.weekday = static_cast<int>(place % 7);
    made.pool = place % 3 == 0;
    made.previous = place % 11 == 0;
    if (share < 5) {
      made.what = kind::hourly;
      hourly.push_back(place);
    } else if (share < 65) {
      made.what = kind::daily;
      if (place % 3 == 0 || daily.empty()) {
        made.needs = place % 2 == 0 ? need::day : need::nearest;
        made.upstream = hourly[place % hourly.size()];
      } else if (place % 3 == 1) {
        made.needs = need::nearest;
        made.upstream = daily[place % daily.size()];
      }
      daily.push_back(place);
    } else {
      made.what = share < 90 ? kind::weekly : kind::monthly;
      made.needs = place % 4 == 0 ? need::nearest : share < 90 ? need::week : need::month;
      made.upstream = daily[place * 13 % daily.size()];
    }
    out.push_back(made);
  }
  return out;
}

simulated_set load_year(const std::vector<year_workflow>& of) {
  std::vector<source_text> texts{
      {"/year/pinion.yaml", "project: year\npools: {db: " + std::to_string(year_permits) + "}\n"}};
  for (std::size_t place = 0; place < of.size(); ++place)
    texts.push_back({"/year/" + name_of(of[place], place) + ".yaml", text_of(of, place)});
  auto loaded = load_texts(texts, {});
  if (!loaded.ok())
    throw std::runtime_error{to_text(loaded.errors.front())};
  simulated_set out;
  out.workflows.resize(of.size());
  for (auto& each : loaded.workflows)
    for (std::size_t place = 0; place < of.size(); ++place)
      if (each.definition.name == name_of(of[place], place))
        out.workflows[place] =
            std::make_shared<const workflow_definition>(std::move(each.definition));
  for (auto& each : loaded.projects)
    out.projects[each.project] = each;
  return out;
}

std::vector<std::string> faults_of(const std::vector<year_workflow>& of,
                                   const simulation_result& result) {
  return inspection{of, result}.all();
}

duration_table durations_of_year(std::uint64_t seed) {
  duration_table out{seed};
  given_process given;
  given.mean = std::chrono::seconds{90};
  given.spread = std::chrono::seconds{20};
  given.fails = 0.005;
  out.set("*", given);
  return out;
}

} // namespace pinion::testing
