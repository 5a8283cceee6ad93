#include "actors/forecast.hpp"

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
  return order;
}

forecast::forecast(const run_core& run, const kv_reader& store, instant now) {
  const auto count = run.definition().tasks.size();
  if (count > max_tasks)
    return;
  std::vector<duration> took(count, duration{-1});
  learn(run, store, took);
  spans_.resize(count);
  for (const auto task : in_order(run.definition()))
    spans_[task] = predict(run, task, took[task], now);
}

void forecast::learn(const run_core& run, const kv_reader& store,
                     std::vector<duration>& took) const {
  const store_reader reader{store};
  run_filter filter;
  filter.workflow = run.run().workflow;
  filter.state = run_state::success;
  const auto last = reader.latest(filter);
  if (!last || !last.value() || last.value()->version != run.run().version)
    return;
  const auto rows = reader.instances_of(last.value()->id);
  if (!rows)
    return;
  for (const auto& row : rows.value())
    if (row.key.task < took.size() && row.started_at != never && row.ended_at >= row.started_at)
      took[row.key.task] = std::max(took[row.key.task], row.ended_at - row.started_at);
}

forecast::span forecast::predict(const run_core& run, std::uint32_t task, duration took,
                                 instant now) const {
  span out;
  bool known = true;
  for (const auto& at : run.instances_of(task))
    if (is_terminal(at.state)) {
      out.start = std::max(out.start, at.started_at);
      out.end = std::max(out.end, at.ended_at);
    } else {
      known = false;
      out.start = std::max(out.start, at.started_at);
    }
  if (known)
    return out;
  const auto& needs = run.definition().tasks[task].needs;
  instant ready = std::max(now, run.run().slot);
  bool guessed = true;
  for (const auto need : needs) {
    const auto& upstream = spans_[need];
    guessed = guessed && upstream.end != never;
    if (upstream.end > ready || (out.after == no_element && upstream.end != never)) {
      ready = std::max(ready, upstream.end);
      out.after = need;
    }
  }
  const bool running = std::any_of(run.instances_of(task).begin(), run.instances_of(task).end(),
                                   [](const auto& at) { return is_active(at.state) || is_polling(at); });
  if (!running)
    out.start = guessed ? ready : never;
  out.end = took < duration{0} || out.start == never ? never : std::max(out.start + took, now);
  return out;
}

instant forecast::end_of_run() const {
  auto latest = never;
  for (const auto& each : spans_) {
    if (each.end == never && each.start == never)
      continue;
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
