#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// One node of a YAML document. There are no anchors, aliases or tags; keys of maps are scalars and
/// differ from each other.
struct node {
  enum class kind : std::uint8_t { null, scalar, list, map };

  kind is = kind::null;
  bool plain = false;       ///< A scalar without quotes and not a block (`|`, `>`).
  bool flow = false;        ///< A list or map in brackets.
  bool stamped = false;     ///< Made by a template: its text is not that of the file.
  std::uint32_t offset = 0; ///< Of its first byte in the file; for nothing (null) what follows.
  std::string text;         ///< Of a scalar; empty otherwise.
  std::vector<node> items;  ///< Of a list: its elements. Of a map: key, value, key, value ...

  bool is_null() const noexcept { return is == kind::null; }
  bool is_scalar() const noexcept { return is == kind::scalar; }
  bool is_list() const noexcept { return is == kind::list; }
  bool is_map() const noexcept { return is == kind::map; }

  /// The number of pairs of a map.
  std::size_t pairs() const noexcept { return items.size() / 2; }
  const node& key(std::size_t i) const noexcept { return items[2 * i]; }
  const node& value(std::size_t i) const noexcept { return items[2 * i + 1]; }

  /// The value under a key of a map; null pointer if there is none. Linear.
  const node* find(std::string_view name) const noexcept {
    for (std::size_t i = 0; is_map() && i < pairs(); ++i)
      if (key(i).text == name)
        return &value(i);
    return nullptr;
  }
};

} // namespace pinion::definitions
