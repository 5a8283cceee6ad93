#pragma once

#include "pinion/definitions/name_scope.hpp"
#include "pinion/definitions/text_problem.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace pinion {

struct expression_node;

/// One expression, parsed: what stands between `{{` and `}}`. The language is described in
/// docs/reference/expressions.md. Immutable and cheap to copy; may be used by any thread.
///
/// Bounded by construction: there are no loops and no effects; a text has at most 64 KiB, 128
/// levels and 10,000 nodes; an evaluation takes at most 100,000 steps and makes no string over 1
/// MiB and no list over 100,000 elements. Past a limit it fails with `errc::limit`.
class expression {
public:
  /// Reads one whole expression. Offsets of problems count from the start of `text`.
  static text_result<expression> parse(std::string_view text);

  /// Every name that the expression mentions, in the order of the text.
  const std::vector<name_reference>& references() const noexcept;

  /// The value. Fails with `errc::not_found` for an absent name or key, `errc::invalid` for wrong
  /// types and values (integer overflow included), `errc::limit`.
  text_result<expression_value> evaluate(const name_scope& scope) const;

  /// Ends with the filter `raw`: the value stands in shell text unquoted.
  bool raw() const noexcept;

private:
  friend class expression_parser;
  struct content;
  explicit expression(std::shared_ptr<const content> of);
  std::shared_ptr<const content> content_;
};

} // namespace pinion
