#pragma once

#include <pinion/timing/slot_rule.hpp>

namespace pinion {

/// A search for the nearest slot: forward in (from, bound], backward in [bound, from).
struct physical_search {
  instant from;
  instant bound;
  bool forward;
  bool with_dry; ///< Slots on off days come as dry ones.
};

/// The nearest slot of a fixed interval on the days of the rule's calendar.
std::optional<ruled_slot> nearest_beat(const physical_search& s, const slot_rule& rule,
                                       const every_schedule& of) noexcept;

/// The nearest of a list's instants, where the rule's calendar puts them.
std::optional<ruled_slot> nearest_listed(const physical_search& s, const slot_rule& rule,
                                         const date_schedule& of) noexcept;

} // namespace pinion
