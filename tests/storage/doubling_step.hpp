#pragma once

#include "pinion/storage/format_steps.hpp"

#include <functional>
#include <utility>

namespace pinion::test {

/// A step of formats that writes each value of `in` twice, so that one that is rewritten twice
/// shows it; `at_once` rows at a time.
inline format_step doubling(
    family in, std::size_t at_once, std::function<void()> before_each = [] {}) {
  return {[in, at_once, before_each = std::move(before_each)](
              const kv_reader& rows, const std::string& place,
              kv_batch& batch) -> result<std::optional<std::string>> {
    before_each();
    std::optional<std::string> next;
    BOOST_OUTCOME_TRYV(rows.scan(in, place, {}, [&](std::string_view key, std::string_view value) {
      if (batch.writes.size() == at_once) {
        next = std::string{key};
        return false;
      }
      batch.put(in, std::string{key}, std::string{value} + std::string{value});
      return true;
    }));
    return next;
  }};
}

} // namespace pinion::test
