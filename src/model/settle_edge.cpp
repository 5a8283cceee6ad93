#include "pinion/model/binding.hpp"

#include "pinion/model/mutation.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion {
namespace {

/// How one slot of an edge counts; nothing while it is waited for.
using slot_count = std::optional<edge_record::counts_as>;

slot_count count_left_out(missing_policy missing) {
  switch (missing) {
  case missing_policy::wait:
    return std::nullopt;
  case missing_policy::satisfied:
    return edge_record::counts_as::success;
  case missing_policy::skip:
    return edge_record::counts_as::skipped;
  case missing_policy::fail:
    return edge_record::counts_as::failed;
  }
  return std::nullopt;
}

slot_count count_ended(const bound_edge& edge, upstream_class outcome) {
  switch (outcome) {
  case upstream_class::success:
  case upstream_class::removed:
    return edge_record::counts_as::success;
  case upstream_class::skipped:
    return edge.previous() ? edge_record::counts_as::success : edge_record::counts_as::skipped;
  case upstream_class::failed:
  case upstream_class::upstream_failed:
    if (PINION_MUTATION("take_a_failed_upstream_for_well"))
      return edge_record::counts_as::success;
    if (edge.state == need_state::done)
      return edge_record::counts_as::failed;
    return std::nullopt;
  case upstream_class::pending:
    return std::nullopt;
  }
  return std::nullopt;
}

slot_count count_of(const bound_edge& edge, const bound_state& slot) {
  switch (slot.what) {
  case bound_state::kind::pending:
    return std::nullopt;
  case bound_state::kind::left_out:
    return count_left_out(edge.missing);
  case bound_state::kind::before_first:
    return edge.previous() ? edge_record::counts_as::success : count_left_out(edge.missing);
  case bound_state::kind::ended:
    return count_ended(edge, slot.outcome);
  }
  return std::nullopt;
}

/// "dw.orders/hourly", with the task where one is meant.
std::string name_of(const bound_edge& edge) {
  auto name = edge.workflow + '/' + edge.trigger;
  if (!edge.upstream_task.empty())
    name += " (task " + edge.upstream_task + ')';
  return name;
}

std::string text_of(edge_record::counts_as outcome) {
  return outcome == edge_record::counts_as::failed ? "failed or is missing"
                                                   : "was skipped or is missing";
}

json_text list_of(std::span<const bound_state> slots) {
  json_text all{'['};
  for (const auto& slot : slots) {
    if (all.size() > 1)
      all += ',';
    all += slot.outputs;
  }
  return all + ']';
}

} // namespace

std::optional<edge_record> settle_edge(const bound_edge& edge, std::span<const bound_state> slots) {
  using counts_as = edge_record::counts_as;
  edge_record settled;
  settled.task = edge.task;
  settled.need = edge.need;
  std::optional<std::size_t> worst; // The first slot that counts worst.
  for (std::size_t place = 0; place < slots.size(); ++place) {
    const auto counts = count_of(edge, slots[place]);
    if (!counts)
      return std::nullopt;
    if (*counts <= settled.outcome)
      continue;
    settled.outcome = *counts;
    worst = place;
  }
  if (slots.empty()) {
    const auto counts = edge.previous() ? counts_as::success : count_left_out(edge.missing);
    if (!counts)
      return std::nullopt;
    settled.outcome = *counts;
  }
  if (settled.outcome == counts_as::success) {
    if (edge.list)
      settled.outputs = list_of(slots);
    else if (!slots.empty())
      settled.outputs = slots.front().outputs;
    return settled;
  }
  settled.message = worst && *worst < edge.slots.size()
                        ? "slot " + print_utc(edge.slots[*worst]) + " of " + name_of(edge) + ' ' +
                              text_of(settled.outcome)
                        : name_of(edge) + " has no slot to bind to";
  return settled;
}

} // namespace pinion
