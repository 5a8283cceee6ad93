#include "actors/forecast.hpp"

#include "actors/why_foreign.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>

namespace pinion {

std::vector<std::uint32_t> in_order(const workflow_definition& workflow) {
  const auto count = workflow.tasks.size();
  std::vector<std::vector<std::uint32_t>> behind(count);
  std::vector<std::uint32_t> missing(count, 0);
  const auto edge = [&](std::uint32_t from, std::uint32_t to) {
    behind[from].push_back(to);
    ++missing[to];
  };
  for (std::uint32_t task = 0; task < count; ++task) {
    for (const auto need : workflow.tasks[task].needs)
      edge(need, task);
    if (const auto primary = workflow.tasks[task].fallback_of)
      edge(*primary, task);
  }
  std::vector<std::uint32_t> order;
  order.reserve(count);
  for (std::uint32_t task = 0; task < count; ++task)
    if (missing[task] == 0)
      order.push_back(task);
  for (std::size_t next = 0; next < order.size(); ++next)
    for (const auto to : behind[order[next]])
      if (--missing[to] == 0)
        order.push_back(to);
  std::stable_partition(order.begin(), order.end(), [&](std::uint32_t task) {
    while (workflow.tasks[task].fallback_of)
      task = *workflow.tasks[task].fallback_of;
    return !workflow.tasks[task].is_end_task();
  });
  return order;
}

forecast::forecast(const run_core& run, const kv_reader& store, instant now,
                   const forecast_limits& limits) {
  const auto count = run.definition().tasks.size();
  if (count > max_tasks)
    return;
  std::vector<duration> took(count, duration{-1});
  learn(run, store, took);
  spans_.resize(count);
  std::optional<std::uint32_t> last; // Of all before the end tasks.
  bool known = true;
  for (const auto task : in_order(run.definition())) {
    auto& of = spans_[task] = predict(run, task, took[task], now, limits);
    if (run.definition().tasks[task].is_end_task())
      put_at_end(run, task, known ? last : std::nullopt, of);
    if (run.belongs_to_end(task) || !of.counts)
      continue;
    known = known && of.end != never;
    if (!last || of.end > spans_[*last].end)
      last = task;
  }
}

// As long as the outcome is open, success is what is expected.
void forecast::put_at_end(const run_core& run, std::uint32_t task,
                          std::optional<std::uint32_t> last, span& of) const {
  const auto& at = run.instances_of(task).front();
  if (is_terminal(at.state) || at.attempt > 0 || run.outcome())
    return;
  of.counts = run.definition().tasks[task].on_run_success;
  if (!of.counts || !last || of.start == never) {
    of.start = of.end = never;
    return;
  }
  const auto later = spans_[*last].end - of.start;
  if (later <= duration{0})
    return;
  of.start += later;
  of.end = of.end == never ? never : of.end + later;
  if (of.after == no_element)
    of.after = *last;
}

void forecast::learn(const run_core& run, const kv_reader& store,
                     std::vector<duration>& took) const {
  foreign_runs others{store, never};
  const auto last = others.last_success(run.run().workflow);
  if (!last)
    return;
  // An edit in between changes positions, not names.
  const auto then = last->version == run.run().version
                        ? run.definition_ptr()
                        : others.version_of(last->workflow, last->version);
  const auto rows = store_reader{store}.instances_of(last->id);
  if (!then || !rows)
    return;
  for (const auto& row : rows.value()) {
    const auto task = then == run.definition_ptr() ? std::optional{row.key.task}
                      : row.key.task < then->tasks.size()
                          ? run.task_named(then->tasks[row.key.task].name)
                          : std::nullopt;
    if (!task || *task >= took.size() || !is_terminal(row.state))
      continue;
    // What was skipped took no time.
    const auto lasted = row.started_at == never ? duration{0} : row.ended_at - row.started_at;
    took[*task] = std::max(took[*task], lasted);
  }
}

forecast::span forecast::predict(const run_core& run, std::uint32_t task, duration took,
                                 instant now, const forecast_limits& limits) const {
  span out;
  bool over = true;
  bool begun = false;
  bool frozen = false;
  instant ready = std::max({now, run.run().slot, limits.earliest});
  for (const auto& at : run.instances_of(task)) {
    out.start = std::max(out.start, at.started_at);
    if (is_terminal(at.state)) {
      out.end = std::max(out.end, at.ended_at);
      continue;
    }
    over = false;
    begun = begun || is_active(at.state) || is_polling(at);
    frozen = frozen || at.mode == task_mode::frozen;
    if (at.state == instance_state::retry_wait)
      ready = std::max(ready, at.retry_at);
  }
  if (over)
    return out;
  out.end = never;
  const auto& definition = run.definition().tasks[task];
  bool known = begun || !limits.nothing_begins;
  for (const auto need : definition.needs) {
    const auto& upstream = spans_[need];
    known = known && upstream.end != never;
    if (upstream.end > ready || (out.after == no_element && upstream.end != never)) {
      ready = std::max(ready, upstream.end);
      out.after = need;
    }
  }
  if (!begun) {
    out.counts = !definition.fallback_of || run.instances_of(task).front().attempt > 0;
    const auto blocked = limits.blocked.find(task);
    const bool for_ever = frozen || (definition.fallback_of && out.counts == false) ||
                          (blocked != limits.blocked.end() && blocked->second == never);
    if (blocked != limits.blocked.end())
      ready = std::max(ready, blocked->second);
    out.start = known && !for_ever ? ready : never;
  }
  out.end = took < duration{0} || out.start == never ? never : std::max(out.start + took, now);
  return out;
}

instant forecast::end_of_run() const {
  auto latest = never;
  for (const auto& each : spans_) {
    if (!each.counts)
      continue;
    if (each.end == never)
      return never;
    latest = std::max(latest, each.end);
  }
  return latest;
}

std::uint32_t forecast::last_task() const {
  std::uint32_t last = 0;
  for (std::uint32_t task = 0; task < spans_.size(); ++task)
    if (spans_[task].end > spans_[last].end)
      last = task;
  return last;
}

std::vector<std::uint32_t> forecast::critical_path(std::uint32_t task) const {
  std::vector<std::uint32_t> path;
  for (auto next = task; next < spans_.size() && path.size() < spans_.size();
       next = spans_[next].after)
    path.push_back(next);
  std::reverse(path.begin(), path.end());
  return path;
}

} // namespace pinion
