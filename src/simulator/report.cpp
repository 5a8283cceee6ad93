#include "pinion/simulator/simulation_report.hpp"

#include <algorithm>

namespace pinion {
namespace {

zone zone_of_workflow(const workflow_definition& of) {
  const auto in = zone::load(of.timezone);
  return in ? in.value() : zone{};
}

bool has_deadline(const workflow_definition& of) {
  return std::any_of(of.tasks.begin(), of.tasks.end(),
                     [](const auto& task) { return task.deadline.has_value(); });
}

/// The instance itself, or where it failed the backup that made good.
const simulated_instance& settled(const simulation_result& result, const simulated_instance& at) {
  const auto& tasks = result.workflow_of(result.runs[at.run]).tasks;
  const auto& run = result.runs[at.run];
  const auto* found = &at;
  for (auto next = tasks[at.task].fallback; next && found->state == instance_state::failed;
       next = tasks[*next].fallback)
    for (auto place = run.first; place < run.first + run.count; ++place)
      if (result.instances[place].task == *next)
        found = &result.instances[place];
  return *found;
}

void find_late(const simulation_result& result, simulation_report& into) {
  std::vector<bool> concerned;
  for (const auto& workflow : result.workflows)
    concerned.push_back(has_deadline(*workflow));
  for (std::uint32_t at = 0; at < result.instances.size(); ++at) {
    const auto& each = result.instances[at];
    const auto& run = result.runs[each.run];
    if (!concerned[run.workflow])
      continue;
    const auto& task = result.task_of(each);
    // A dry run does nothing that anybody waits for; nor does what was skipped.
    if (!task.deadline || run.dry || each.state == instance_state::skipped)
      continue;
    const auto deadline = deadline_of(result.workflow_of(run), task, run.slot);
    const auto& end = settled(result, each);
    if (end.state != instance_state::success || end.ended_at > deadline)
      into.late.push_back({at, deadline});
  }
  std::stable_sort(into.late.begin(), into.late.end(),
                   [](const auto& a, const auto& b) { return a.deadline < b.deadline; });
}

void add_run(workflow_summary& to, const simulated_run& run) {
  ++to.slots;
  if (run.outcome != slot_outcome::fired) {
    ++to.left_out;
    return;
  }
  switch (run.state) {
  case run_state::success:
    ++to.success;
    break;
  case run_state::failed:
    ++to.failed;
    break;
  case run_state::cancelled:
    ++to.cancelled;
    break;
  case run_state::skipped:
    ++to.skipped;
    break;
  default:
    ++to.unfinished;
  }
}

/// Ends of a workflow's runs, as its clock shows them.
class ends_of {
public:
  explicit ends_of(zone in) : in_{in} {}

  void add(const simulated_run& run) {
    const auto took = run.ended_at - run.slot;
    const auto local = in_.local(run.ended_at);
    times_.push_back(local - civil_time{day_of(local).time_since_epoch()});
    sum_ += took;
    last_ = std::max(last_, run.ended_at);
    longest_ = std::max(longest_, took);
    const auto slot_day = day_of(in_.local(run.slot));
    latest_ = std::max<duration>(latest_, local - civil_time{slot_day.time_since_epoch()});
  }

  void write(workflow_summary& to) {
    if (times_.empty())
      return;
    const auto middle = times_.begin() + static_cast<std::ptrdiff_t>(times_.size() / 2);
    std::nth_element(times_.begin(), middle, times_.end());
    to.usual_end = *middle;
    to.mean = sum_ / static_cast<std::int64_t>(times_.size());
    to.longest = longest_;
    to.latest_end = latest_;
    to.last_end = last_;
  }

private:
  zone in_;
  std::vector<duration> times_;
  duration sum_{0};
  duration longest_{0};
  duration latest_{0};
  instant last_ = never;
};

} // namespace

simulation_report report_of(const simulation_result& result) {
  simulation_report out;
  find_late(result, out);
  out.deadline_missed = !out.late.empty();
  std::vector<ends_of> ends;
  for (std::uint32_t at = 0; at < result.workflows.size(); ++at) {
    out.workflows.emplace_back().workflow = at;
    ends.emplace_back(zone_of_workflow(*result.workflows[at]));
    auto found = surprises_of(*result.workflows[at], at, result.from, result.to);
    std::move(found.begin(), found.end(), std::back_inserter(out.surprises));
  }
  for (std::uint32_t at = 0; at < result.runs.size(); ++at) {
    const auto& run = result.runs[at];
    add_run(out.workflows[run.workflow], run);
    if (run.outcome != slot_outcome::fired) {
      out.missed.push_back(at);
      out.deadline_missed = out.deadline_missed || has_deadline(result.workflow_of(run));
    } else if (run.ended_at == never) {
      out.stuck.push_back(at);
    } else {
      ends[run.workflow].add(run);
    }
  }
  for (std::size_t at = 0; at < ends.size(); ++at)
    ends[at].write(out.workflows[at]);
  if (!result.runs.empty())
    out.makespan = result.ended_at - result.runs.front().slot;
  return out;
}

} // namespace pinion
