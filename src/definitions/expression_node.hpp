#pragma once

#include "pinion/definitions/expression.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pinion {

enum class node_kind : std::uint8_t {
  literal,     ///< `literal`
  name,        ///< References[`reference`]: root and constant keys
  member,      ///< children[0], key in children[1]
  list,        ///< children
  map,         ///< children: key, value, key, value ...
  negate,      ///< - children[0]
  logical_not, ///< not children[0]
  binary,      ///< children[0] `text` children[1]
  both,        ///< children[0] and children[1]
  either,      ///< children[0] or children[1]
  conditional, ///< children[0] if children[1] else children[2]
  coalesce,    ///< children[0] ?? children[1]
  call,        ///< `text`(children); `named[i]` names the argument, empty: positional
};

/// A node of a parsed expression.
struct expression_node {
  node_kind kind = node_kind::literal;
  std::size_t offset = 0;    ///< Where a problem of this node is shown.
  unsigned height = 1;       ///< Of the tree below; bounds the recursion of the evaluation.
  std::size_t reference = 0; ///< Of a name.
  bool piped = false;        ///< Of a call: written as a filter, `x | f`.
  std::string text;
  nlohmann::json literal;
  std::vector<std::unique_ptr<expression_node>> children;
  std::vector<std::string> named;
};

struct expression::content {
  std::unique_ptr<expression_node> root;
  std::vector<name_reference> references;
  bool raw = false;
};

namespace expression_limits {
inline constexpr std::size_t text_bytes = 64U << 10U;
inline constexpr unsigned height = 128;
inline constexpr std::size_t nodes = 10'000;
inline constexpr std::size_t steps = 100'000;
inline constexpr std::size_t string_bytes = 1U << 20U;
inline constexpr std::size_t list_elements = 100'000;
inline constexpr std::size_t copied_bytes = 64U << 20U; ///< Of one evaluation, all values together.
} // namespace expression_limits

/// An expression inside `{{ ... }}`: reads from `begin` (just behind the braces) up to `}}`.
struct embedded_expression {
  expression what;
  std::size_t end = 0; ///< Just behind `}}`.
};

/// Offsets of problems and references count from the start of `text`.
text_result<embedded_expression> parse_embedded(std::string_view text, std::size_t begin);

} // namespace pinion
