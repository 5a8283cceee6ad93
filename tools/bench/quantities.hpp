#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace pinion::bench {

enum class aim : std::uint8_t { none, at_least, at_most };

/// What a figure means: a row of the table.
struct quantity {
  std::string_view key;
  std::string_view title;
  std::string_view unit;
  /// The quantity of the same run that bounds it from the machine's side; empty: none.
  std::string_view floor = {};
  /// So many of the floor's units go into one of this one's.
  double per_unit = 1;
  aim expect = aim::none;
  double limit = 0;
  /// The limit is on the ratio to the floor, not on the value.
  bool limit_on_ratio = false;
};

/// In the order of the table.
std::span<const quantity> all_quantities();

} // namespace pinion::bench
