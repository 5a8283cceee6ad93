#include "run_stepper.hpp"

namespace pinion {

void run_stepper::on(const run_happening::edge_settled& event) {
  const auto place = graph_.edge_at(event.edge.task, event.edge.need);
  if (!place)
    return refuse(errc::not_found, to_string(run_.id) + " has no need " +
                                       std::to_string(event.edge.need) + " of its task " +
                                       std::to_string(event.edge.task));
  if (graph_.settled[*place])
    return refuse(errc::exists, "the need is settled already");
  if (run_.ended_at != never)
    return refuse(errc::refused, to_string(run_.id) + " has ended");
  changed_ = true;
  auto edge = event.edge;
  edge.run = run_.id;
  edge.at = time_;
  out_.edges_settled.push_back(edge);
  graph_.settle_edge(*place, std::move(edge));
  joins_.push_back(event.edge.task);
}

std::string run_stepper::message_of(std::uint32_t task, edge_record::counts_as outcome,
                                    const char* otherwise) const {
  const auto [first, last] = graph_.edges_of(task);
  for (auto place = first; place < last; ++place)
    if (const auto& edge = graph_.settled[place];
        edge && edge->outcome == outcome && !edge->message.empty())
      return edge->message;
  return otherwise;
}

void run_stepper::open_edges(std::uint32_t task) {
  const auto [first, last] = graph_.edges_of(task);
  bool opened = false;
  for (auto place = first; place < last; ++place) {
    if (!graph_.settled[place])
      continue;
    out_.edges_dropped.push_back(std::move(*graph_.settled[place]));
    graph_.settled[place].reset();
    opened = true;
  }
  if (const auto dropped = graph_.dropped.find(task); dropped != graph_.dropped.end()) {
    for (auto& each : dropped->second)
      out_.edges_dropped.push_back(std::move(each));
    graph_.dropped.erase(dropped);
  }
  if (opened)
    out_.effects.emplace_back(run_effect::edges_opened{task});
}

} // namespace pinion
