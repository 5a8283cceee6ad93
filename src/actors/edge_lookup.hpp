#pragma once

#include "actors/context.hpp"
#include "pinion/model/binding.hpp"
#include "pinion/storage/store_reader.hpp"

#include <map>
#include <optional>

namespace pinion {

/// What the store says about the slots that edges are bound to, as of the moment it was made: the
/// rows of a live run change while they are read. For one question, or for a few that are asked at
/// the same moment: it remembers the runs that it has read.
class edge_lookup {
public:
  explicit edge_lookup(const engine_context& context);

  /// How `slot` of the edge stands.
  result<bound_state> state_of(const bound_edge& edge, instant slot);

  /// The last slot of the edge's trigger before `slot` that has a run: where a previous slot was
  /// left out, it is the one that counts.
  result<std::optional<instant>> run_before(const bound_edge& edge, instant slot) const;

  /// One slot of an edge in words: "dw.orders/hourly@... is planned", and its reference.
  blocked_by explain(const bound_edge& edge, instant slot);

private:
  /// ", and dw.orders is paused by ann (repairs)", or nothing.
  std::string pause_of(const bound_edge& edge) const;
  /// In which slots of a workflow are shown; UTC if it is gone.
  zone zone_of(const std::string& workflow) const;
  result<bound_state> without_row(const bound_edge& edge, instant slot) const;
  /// Whether what is owed from the time before a trigger's first apply, or a backfill that is under
  /// way, still makes this slot.
  result<bool> is_to_be_made(const bound_edge& edge, instant slot) const;
  result<bound_state> of_isolated(const bound_edge& edge, instant slot) const;
  result<bound_state> of_run(const bound_edge& edge, const run_record& run);
  result<const run_core*> restored(const run_record& run);
  result<std::shared_ptr<const workflow_definition>> version_of(const run_record& run);

  const engine_context& context_;
  std::unique_ptr<const kv_reader> view_;
  store_reader store_;
  std::shared_ptr<const known_definitions> definitions_;
  static constexpr std::size_t max_read = 64;
  std::map<run_id, std::unique_ptr<run_core>> read_;
  std::map<std::pair<std::string, std::uint32_t>, std::shared_ptr<const workflow_definition>>
      versions_;
};

/// How the end of a whole run counts for those that need it.
upstream_class class_of(run_state state) noexcept;

/// The key of one slot of an edge.
keys::slot_key key_of(const bound_edge& edge, instant slot);

} // namespace pinion
