#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/model/join.hpp"
#include "pinion/model/records.hpp"
#include "pinion/timing/problem.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace pinion {

/// A trigger of some workflow as others see it. For `after:` triggers the rule, the interval rule
/// and the zone are those of the trigger at the end of the chain.
struct known_trigger {
  const slot_rule* slots = nullptr;
  interval_rule interval;
  zone in; ///< Of the workflow: its data intervals are cut there.
};

/// What binding asks about workflows: current definitions in an engine, the files in `validate`.
class trigger_directory {
public:
  virtual ~trigger_directory() = default;
  /// Nothing if there is no such workflow or trigger. With `trigger` empty: its only one.
  virtual std::optional<known_trigger> find(std::string_view workflow,
                                            std::string_view trigger) const = 0;
  /// The id of the only trigger; empty if there is none or more than one.
  virtual std::string only_trigger(std::string_view workflow) const = 0;
};

/// A slot for which a run is to be made, and what covers it.
struct binding_slot {
  std::string_view trigger; ///< Of the same workflow; "@manual" and the like have no previous slot.
  instant slot{};
  data_interval interval;
};

/// The most slots that one need binds to; more is `errc::limit`.
inline constexpr std::size_t max_bound_slots = 10'000;

/// Binds every need of every task on other runs to exact slots: `outside_needs` first, then
/// `depends_on_previous`, then, for an `after:` trigger, one edge for each task without upstream in
/// the run. Tasks in order, edges of a task in the order of its needs; fallbacks have none, they
/// share their primary's. An edge whose choice or window holds no slot has none; what that means is
/// the need's `missing`, but a need on the slot's own trigger is then satisfied: it is the first
/// ever. `same_slot` binds to the instant itself, also where the upstream has no slot there. Days,
/// weeks and months are those of the workflow's zone, data intervals of the upstream those of its
/// own. Dry slots are slots. Pure; the same for plan, validation, backfill and simulation. Fails
/// with `errc::limit`, `errc::not_found` (an upstream that does not exist, or whose trigger must be
/// named) or `errc::invalid` (the workflow's zone).
result<std::vector<bound_edge>> bind_needs(const workflow_definition& of, const binding_slot& at,
                                           const trigger_directory& others);

/// How one slot of an edge stands.
struct bound_state {
  enum class kind : std::uint8_t {
    pending,  ///< Planned, or its run is under way.
    ended,    ///< `outcome` tells how.
    left_out, ///< No run, and the clock makes none.
    /// Likewise, and before all slots that the trigger ever owed: the first ever needs none of its
    /// own before it.
    before_first,
  } what = kind::pending;
  upstream_class outcome = upstream_class::pending;
  json_text outputs = "{}"; ///< Of the task; of a whole run "{}".
};

/// What the slots of an edge come to as one upstream: nothing while one of them is to be waited
/// for. `slots` are in the order of `edge.slots`. All satisfied: success, with their outputs (the
/// object for one slot, a list under a window or `last`); one failed (only with `state: done` or
/// `missing: fail`): failed; else one skipped: skipped. An edge of depends_on_previous is satisfied
/// by skipped too, and by there being no slot. `run` and `at` of the answer are the run's to set.
/// Pure.
std::optional<edge_record> settle_edge(const bound_edge& edge, std::span<const bound_state> slots);

} // namespace pinion
