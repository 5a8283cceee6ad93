#include "pinion/model/run_core.hpp"

#include "run_graph.hpp"
#include "run_move.hpp"
#include "run_stepper.hpp"

#include <algorithm>

namespace pinion {

run_core::run_core(std::shared_ptr<const workflow_definition> definition, run_record run,
                   std::vector<bound_edge> edges)
    : definition_(std::move(definition)), run_(std::move(run)),
      graph_(std::make_unique<graph>(*definition_, run_)) {
  graph_->place_edges(std::move(edges));
  graph_->recount(run_);
}

run_core::~run_core() = default;
run_core::run_core(run_core&&) noexcept = default;
run_core& run_core::operator=(run_core&&) noexcept = default;

run_step run_core::step(const run_event& event, instant now, const run_evaluator& evaluate) {
  if (const auto* operation = std::get_if<run_operation>(&event);
      operation != nullptr && operation->definition)
    return run_move{*this, *operation}.step(now, evaluate);
  return run_stepper{*this, now, evaluate}.apply(event);
}

std::vector<run_effects> run_core::resume() const {
  std::vector<run_effects> effects;
  if (run_.started_at != never && run_.ended_at == never)
    effects.emplace_back(run_effect::activated{});
  if (!run_.admitted && wants_place())
    effects.emplace_back(run_effect::wants_place{});
  for (const auto& elements : graph_->instances)
    for (const auto& at : elements)
      if (!is_terminal(at.state) && !is_held(at))
        effects.emplace_back(run_effect::entered{at.key, at.state});
  return effects;
}

const instance_record* run_core::find(const instance_key& key) const noexcept {
  return graph_->find(key);
}

const std::vector<instance_record>& run_core::instances_of(std::uint32_t task) const noexcept {
  static const std::vector<instance_record> none;
  return task < graph_->instances.size() ? graph_->instances[task] : none;
}

const attempt_record* run_core::newest_attempt(const instance_key& key) const noexcept {
  const auto found = graph_->attempts.find(key);
  return found == graph_->attempts.end() ? nullptr : &found->second;
}

std::optional<std::uint32_t> run_core::task_named(std::string_view name) const noexcept {
  const auto& order = graph_->by_name;
  const auto& tasks = definition_->tasks;
  const auto found = std::lower_bound(
      order.begin(), order.end(), name,
      [&](std::uint32_t task, std::string_view sought) { return tasks[task].name < sought; });
  if (found == order.end() || tasks[*found].name != name)
    return std::nullopt;
  return *found;
}

std::vector<std::uint32_t> run_core::pending_upstream(std::uint32_t task) const {
  std::vector<std::uint32_t> pending;
  if (task >= definition_->tasks.size())
    return pending;
  if (definition_->tasks[task].is_end_task() && !graph_->outcome()) {
    for (std::uint32_t other = 0; other < definition_->tasks.size(); ++other)
      if (!graph_->at_end(other) && graph_->current_member(graph_->primary_of(other)) == other &&
          !is_terminal(graph_->aggregate_state(other)))
        pending.push_back(other);
    return pending;
  }
  for (const auto need : definition_->tasks[task].needs) {
    if (graph_->drop_of(task, need) != nullptr)
      continue;
    const auto member = graph_->current_member(need);
    if (!is_terminal(graph_->aggregate_state(member)))
      pending.push_back(member);
  }
  const auto add = [&](std::span<const std::uint32_t> from_afar) {
    for (const auto other : from_afar) {
      const auto member = graph_->current_member(other);
      if (!is_terminal(graph_->aggregate_state(member)) &&
          std::find(pending.begin(), pending.end(), member) == pending.end())
        pending.push_back(member);
    }
  };
  add(graph_->setups.around(task));
  add(graph_->setups.before_end(task));
  return pending;
}

bool run_core::ended() const noexcept { return graph_->live == 0; }

const join_counts& run_core::upstream_counts(std::uint32_t task) const noexcept {
  return graph_->joins[task];
}

const run_standing& run_core::standing() const noexcept { return graph_->standing; }

} // namespace pinion
