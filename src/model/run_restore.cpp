#include "run_graph.hpp"

#include <algorithm>

namespace pinion {
namespace {

problem misfit(const std::string& what, const instance_key& key) {
  return {errc::corrupt, what + " of " + to_string(process_key{key, {}}) + " does not fit the run"};
}

/// Puts `rows`, sorted by key, in the place of the initial records.
result<void> place_rows(const workflow_definition& workflow, run_id run,
                        std::vector<instance_record>& rows,
                        std::vector<std::vector<instance_record>>& instances) {
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    const auto task = rows[begin].key.task;
    while (end < rows.size() && rows[end].key.task == task)
      ++end;
    if (rows[begin].key.run != run || task >= workflow.tasks.size())
      return misfit("the row", rows[begin].key);
    const bool expanded = rows[begin].key.element != no_element;
    if (expanded && !workflow.tasks[task].for_each)
      return misfit("the element", rows[begin].key);
    for (auto at = begin; at < end; ++at) {
      const auto element = expanded ? static_cast<std::uint32_t>(at - begin) : no_element;
      if (rows[at].key != instance_key{run, task, element} || (!expanded && at > begin))
        return misfit("the element", rows[at].key);
      if (static_cast<std::size_t>(rows[at].state) >= instance_state_count ||
          (is_polling(rows[at]) && !workflow.tasks[task].poll))
        return misfit("the state", rows[at].key);
    }
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = rows.begin() + static_cast<std::ptrdiff_t>(end);
    instances[task].assign(std::make_move_iterator(first), std::make_move_iterator(last));
  }
  return ok();
}

} // namespace

result<run_core> run_core::restore(std::shared_ptr<const workflow_definition> definition,
                                   run_record run, std::vector<instance_record> instances,
                                   std::vector<attempt_record> attempts,
                                   std::vector<output_record> outputs,
                                   std::vector<bound_edge> edges,
                                   std::vector<edge_record> settled) {
  run_core core{std::move(definition), std::move(run), std::move(edges)};
  auto& graph = *core.graph_;
  for (const auto& row : instances)
    if (row.state == instance_state::pre_trigger || row.state == instance_state::triggered)
      graph.early_rows.insert(row.key);
  std::sort(instances.begin(), instances.end(),
            [](const instance_record& a, const instance_record& b) { return a.key < b.key; });
  BOOST_OUTCOME_TRY(place_rows(*core.definition_, core.run_.id, instances, graph.instances));
  for (auto& attempt : attempts) {
    const auto* at = graph.find(attempt.instance);
    if (attempt.state == attempt_state::ended)
      continue; // History.
    const bool between_looks = attempt.state == attempt_state::waiting && at != nullptr &&
                               (is_polling(*at) || at->state == instance_state::pre_ready);
    if (at == nullptr || (!is_active(at->state) && !between_looks) ||
        attempt.number != at->attempt || attempt.epoch != at->epoch)
      return misfit("the live attempt", attempt.instance);
    graph.attempts.emplace(attempt.instance, std::move(attempt));
  }
  for (auto& output : outputs) {
    const auto* at = graph.find(output.instance);
    if (at == nullptr || !at->has_outputs)
      return misfit("the outputs", output.instance);
    graph.outputs.emplace(output.instance, std::move(output.values));
  }
  for (auto& edge : settled) {
    if (edge.need >= edge_record::first_dropped && edge.need != bound_edge::after_gate) {
      const auto upstream = edge.need - edge_record::first_dropped;
      const auto count = graph.instances.size();
      if (edge.run != core.run_.id || edge.task >= count || upstream >= count)
        return misfit("the dropped upstream " + std::to_string(upstream),
                      {edge.run, edge.task, no_element});
      graph.dropped[edge.task].push_back(std::move(edge));
      continue;
    }
    const auto place = graph.edge_at(edge.task, edge.need);
    if (!place || edge.run != core.run_.id)
      return misfit("the settled edge " + std::to_string(edge.need),
                    {edge.run, edge.task, no_element});
    graph.settled[*place] = std::move(edge);
  }
  for (const auto& elements : graph.instances)
    for (const auto& at : elements)
      if (((is_active(at.state) && needs_dispatcher(graph.task(at.key.task))) || is_polling(at)) &&
          !graph.attempts.contains(at.key))
        return misfit("the missing attempt", at.key);
  graph.recount(core.run_);
  return core;
}

} // namespace pinion
