#pragma once

#include <catch2/catch.hpp>
#include <pinion/timing/instant_text.hpp>

namespace pinion {

/// The zone of that name; a test that has no such zone ends.
inline zone in(std::string_view name) {
  const auto found = zone::load(name);
  REQUIRE(found);
  return found.value();
}

/// The instant that the text names, in UTC unless it has an offset.
inline instant at(std::string_view text, zone where = {}) {
  const auto found = parse_instant(text, where);
  INFO(text);
  REQUIRE(found);
  return found.value();
}

} // namespace pinion
