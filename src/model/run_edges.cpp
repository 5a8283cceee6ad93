#include "run_graph.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>

namespace pinion {
namespace {

upstream_class class_for(edge_record::counts_as outcome) {
  switch (outcome) {
  case edge_record::counts_as::success:
    return upstream_class::success;
  case edge_record::counts_as::skipped:
    return upstream_class::skipped;
  case edge_record::counts_as::failed:
    return upstream_class::failed;
  }
  return upstream_class::failed;
}

std::pair<std::uint32_t, std::uint32_t> place_of(const bound_edge& edge) {
  return {edge.task, edge.need};
}

} // namespace

void run_core::graph::place_edges(std::vector<bound_edge> bound) {
  edges = std::move(bound);
  std::erase_if(edges, [this](const bound_edge& edge) {
    return edge.task >= workflow.tasks.size() || workflow.tasks[edge.task].fallback_of ||
           workflow.tasks[edge.task].is_end_task();
  });
  std::stable_sort(edges.begin(), edges.end(), [](const bound_edge& a, const bound_edge& b) {
    return place_of(a) < place_of(b);
  });
  const auto same = [](const bound_edge& a, const bound_edge& b) {
    return place_of(a) == place_of(b);
  };
  edges.erase(std::unique(edges.begin(), edges.end(), same), edges.end());
  settled.assign(edges.size(), std::nullopt);
}

std::optional<std::size_t> run_core::graph::edge_at(std::uint32_t task,
                                                    std::uint32_t need) const noexcept {
  const auto sought = std::pair{task, need};
  const auto found = std::lower_bound(
      edges.begin(), edges.end(), sought,
      [](const bound_edge& edge, const auto& key) { return place_of(edge) < key; });
  if (found == edges.end() || place_of(*found) != sought)
    return std::nullopt;
  return static_cast<std::size_t>(found - edges.begin());
}

std::pair<std::size_t, std::size_t> run_core::graph::edges_of(std::uint32_t task) const noexcept {
  const auto below = [](const bound_edge& edge, std::uint32_t key) { return edge.task < key; };
  const auto first = std::lower_bound(edges.begin(), edges.end(), task, below);
  auto last = first;
  while (last != edges.end() && last->task == task)
    ++last;
  return {static_cast<std::size_t>(first - edges.begin()),
          static_cast<std::size_t>(last - edges.begin())};
}

const edge_tally* run_core::graph::tally_of(std::uint32_t task) const noexcept {
  const auto found = tallies.find(task);
  return found == tallies.end() ? nullptr : &found->second;
}

void run_core::graph::count_edge(std::size_t place) {
  const auto& edge = edges[place];
  auto& tally = tallies[edge.task];
  auto& join = joins[edge.task];
  const auto& how = settled[place];
  tally.open += how ? 0 : 1;
  if (!is_gate(edge.need)) {
    ++join.total;
    if (how)
      join.add(class_for(how->outcome), 1);
    return;
  }
  tally.gates_open += how ? 0 : 1;
  tally.gates_skipped += how && how->outcome == edge_record::counts_as::skipped ? 1 : 0;
  tally.gates_failed += how && how->outcome == edge_record::counts_as::failed ? 1 : 0;
}

void run_core::graph::settle_edge(std::size_t place, edge_record as) {
  const auto& edge = edges[place];
  auto& tally = tallies.at(edge.task);
  --tally.open;
  if (is_gate(edge.need)) {
    --tally.gates_open;
    tally.gates_skipped += as.outcome == edge_record::counts_as::skipped ? 1 : 0;
    tally.gates_failed += as.outcome == edge_record::counts_as::failed ? 1 : 0;
  } else {
    joins[edge.task].add(class_for(as.outcome), 1);
  }
  settled[place] = std::move(as);
}

join_decision run_core::graph::decide(std::uint32_t task) const {
  if (workflow.tasks[task].is_end_task()) {
    if (!outcome())
      return join_decision::wait;
    if (!is_meant(task) && !PINION_MUTATION("run_any_end_task"))
      return join_decision::skip;
  }
  if (const auto* tally = tally_of(task)) {
    if (tally->gates_failed > 0)
      return join_decision::upstream_fail;
    if (tally->gates_skipped > 0)
      return join_decision::skip;
    if (tally->gates_open > 0)
      return join_decision::wait;
  }
  if (const auto setup = setups.decide(task); setup != join_decision::run)
    return setup;
  if (const auto found = conditions.find(task); found != conditions.end())
    return decide_condition(task, found->second);
  return decide_join(workflow.tasks[task].join, counts_of(task), no_element);
}

const edge_record* run_core::graph::drop_of(std::uint32_t task,
                                            std::uint32_t upstream) const noexcept {
  const auto found = dropped.find(task);
  if (found == dropped.end())
    return nullptr;
  const auto sought = edge_record::first_dropped + upstream;
  const auto at = std::find_if(found->second.begin(), found->second.end(),
                               [&](const edge_record& each) { return each.need == sought; });
  return at == found->second.end() ? nullptr : &*at;
}

join_counts run_core::graph::counts_of(std::uint32_t task) const {
  auto counts = joins[task];
  const auto found = dropped.find(task);
  if (found == dropped.end())
    return counts;
  for (const auto& each : found->second) {
    const auto upstream = each.need - edge_record::first_dropped;
    const auto units = units_of(upstream);
    for (std::uint32_t unit = 0; unit < units; ++unit) {
      const auto outcome =
          chained(upstream) ? chain_outcome(upstream) : instance_outcome(instances[upstream][unit]);
      counts.add(outcome.join, 0xffff'ffffU); // Modulo 2^32: minus one.
      counts.add(upstream_class::success, 1);
    }
  }
  return counts;
}

bool run_core::graph::awaits(std::uint32_t task) const {
  const auto& at = instances[task].front();
  return (at.state == instance_state::triggered || at.state == instance_state::waiting) &&
         at.key.element == no_element && at.first_ready_at == never;
}

bool run_core::graph::could_begin(std::uint32_t task) const {
  if (!awaits(task) || instances[task].front().mode != task_mode::normal)
    return false;
  if (workflow.tasks[task].fallback_of) {
    const auto primary = primary_of(task);
    return current_member(primary) == task && (!at_end(primary) || is_meant(primary));
  }
  return decide(task) == join_decision::run;
}

void run_core::graph::set_startable(std::uint32_t task, bool on) {
  if (startable.empty()) {
    if (!on)
      return;
    startable.resize(instances.size());
  }
  if (startable[task] == on)
    return;
  startable[task] = on;
  startable_count += on ? 1U : 0xffff'ffffU; // Modulo 2^32.
}

const std::vector<bound_edge>& run_core::edges() const noexcept { return graph_->edges; }

std::vector<const bound_edge*> run_core::open_edges() const {
  std::vector<const bound_edge*> open;
  for (std::size_t place = 0; place < graph_->edges.size(); ++place)
    if (!graph_->settled[place])
      open.push_back(&graph_->edges[place]);
  return open;
}

const edge_record* run_core::settled_edge(std::uint32_t task, std::uint32_t need) const noexcept {
  if (need >= edge_record::first_dropped && need != bound_edge::after_gate)
    return graph_->drop_of(task, need - edge_record::first_dropped);
  const auto place = graph_->edge_at(task, need);
  return place && graph_->settled[*place] ? &*graph_->settled[*place] : nullptr;
}

const json_text* run_core::outputs_as(std::uint32_t task, std::string_view as) const noexcept {
  if (task >= graph_->instances.size() || as.empty())
    return nullptr;
  const auto head = graph_->primary_of(task);
  const auto& needs = graph_->task(head).outside_needs;
  for (std::uint32_t need = 0; need < needs.size(); ++need)
    if (needs[need].as == as)
      if (const auto* settled = settled_edge(head, need))
        return &settled->outputs;
  return nullptr;
}

upstream_class run_core::class_of(std::uint32_t task) const {
  return task < graph_->instances.size() ? graph_->class_of(task) : upstream_class::pending;
}

void run_core::tell_tasks(bool on) noexcept { graph_->tell_tasks = on; }

bool run_core::wants_place() const noexcept {
  return run_.fired_at != never && graph_->live > 0 &&
         (run_.admitted || graph_->startable_count > 0);
}

bool run_core::only_waits() const noexcept {
  if (!run_.admitted || graph_->live == 0)
    return false;
  return graph_->polling == 0 &&
         graph_->live == run_.counts[static_cast<std::size_t>(instance_state::waiting)];
}

bool run_core::could_begin() const noexcept {
  if (run_.fired_at != never)
    return wants_place();
  const auto& tasks = definition_->tasks;
  for (std::uint32_t task = 0; task < tasks.size(); ++task) {
    const auto& at = graph_->instances[task].front();
    if (at.state == instance_state::pre_trigger && at.mode == task_mode::normal &&
        !tasks[task].fallback_of && graph_->decide(task) == join_decision::run)
      return true;
  }
  return false;
}

} // namespace pinion
