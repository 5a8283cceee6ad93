#include "run_stepper.hpp"

#include <algorithm>

namespace pinion {
namespace {

/// Its next attempt is still to be asked for, or has been asked for and not been given.
bool may_be_edited(const instance_record& at) {
  return !is_terminal(at.state) && !is_active(at.state);
}

} // namespace

void run_stepper::edit(const run_operation& operation) {
  const bool pools = operation.what == run_operation::verb::repool;
  auto keys = resolve(operation.targets);
  if (!keys)
    return;
  std::erase_if(*keys, [&](const instance_key& key) {
    // Without a process and without pools there is nothing that it would wait for.
    return !may_be_edited(*graph_.find(key)) || (pools && !needs_dispatcher(graph_.task(key.task)));
  });
  if (keys->empty())
    return refuse(errc::refused, pools ? "nothing named waits for permits: it has begun or ended, "
                                         "or its task asks for none"
                                       : "nothing named waits: it has begun or ended");
  for (const auto& key : *keys) {
    auto& at = *graph_.find(key);
    if (pools) {
      at.repooled = true;
      at.pools = operation.pools;
    } else {
      at.priority = operation.priority;
    }
    note(key);
    if (at.state == instance_state::pre_trigger || at.state == instance_state::triggered)
      graph_.early_rows.insert(key);
    if (at.state == instance_state::pre_ready && !is_held(at))
      announce(key); // It has asked already: it asks anew.
  }
}

/// What is dropped counts as success for this task alone. Refused if the task does not wait for
/// upstream, or not for what is named.
void run_stepper::unblock(const run_operation& operation) {
  const auto keys = resolve(operation.targets);
  if (!keys)
    return;
  const auto task = keys->front().task;
  const auto name = name_of(graph_.workflow, *graph_.find(keys->front()));
  if (operation.targets.empty() || keys->size() > 1 || !graph_.awaits(task) ||
      graph_.task(task).fallback_of)
    return refuse(errc::refused, name + " does not wait for upstream");
  if (graph_.task(task).is_end_task() && !graph_.outcome())
    return refuse(errc::refused,
                  name + " waits for the end of the run: no upstream can be dropped from it");
  if (!graph_.task(task).join_condition.empty())
    return refuse(errc::refused,
                  name + " joins by a condition: no upstream can be dropped from it");
  const auto& needed = graph_.task(task).needs;
  for (const auto upstream : operation.upstream)
    if (!std::binary_search(needed.begin(), needed.end(), upstream))
      return refuse(errc::not_found, name + " does not need " + graph_.task(upstream).name);
  for (const auto need : operation.needs)
    if (!graph_.edge_at(task, need))
      return refuse(errc::not_found, name + " has no need " + std::to_string(need));

  auto upstream = operation.upstream;
  std::vector<std::size_t> places;
  for (const auto need : operation.needs)
    places.push_back(*graph_.edge_at(task, need));
  if (upstream.empty() && places.empty()) {
    for (const auto need : needed)
      if (!is_terminal(graph_.aggregate_state(graph_.current_member(need))))
        upstream.push_back(need);
    const auto [first, last] = graph_.edges_of(task);
    for (auto place = first; place < last; ++place)
      places.push_back(place);
  }
  std::erase_if(upstream,
                [&](std::uint32_t each) { return graph_.drop_of(task, each) != nullptr; });
  std::erase_if(places, [&](std::size_t place) { return graph_.settled[place].has_value(); });
  if (upstream.empty() && places.empty())
    return refuse(errc::refused, name + " waits for nothing that could be dropped");
  for (const auto each : upstream)
    drop_upstream(task, each, operation.message);
  for (const auto place : places)
    drop_edge(place, operation.message);
  joins_.push_back(task);
}

void run_stepper::enter_again() {
  for (std::uint32_t task = 0; task < graph_.instances.size(); ++task) {
    for (const auto& at : graph_.instances[task])
      if (!is_terminal(at.state) && !is_held(at) && run_.fired_at != never)
        announce(at.key);
    if (run_.ended_at == never && run_.fired_at != never && graph_.awaits(task))
      joins_.push_back(task);
  }
}

void run_stepper::drop_upstream(std::uint32_t task, std::uint32_t upstream,
                                const std::string& message) {
  changed_ = true;
  edge_record drop;
  drop.run = run_.id;
  drop.task = task;
  drop.need = edge_record::first_dropped + upstream;
  drop.message = message;
  drop.at = time_;
  out_.edges_settled.push_back(drop);
  graph_.dropped[task].push_back(std::move(drop));
}

void run_stepper::drop_edge(std::size_t place, const std::string& message) {
  changed_ = true;
  const auto& edge = graph_.edges[place];
  edge_record drop;
  drop.run = run_.id;
  drop.task = edge.task;
  drop.need = edge.need;
  drop.message = message;
  drop.at = time_;
  out_.edges_settled.push_back(drop);
  graph_.settle_edge(place, std::move(drop));
}

} // namespace pinion
