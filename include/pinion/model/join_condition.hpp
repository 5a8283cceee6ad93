#pragma once

#include "pinion/model/join.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion {

/// `join: "a.success && (b.failed || !c.skipped)"`: a condition over how the tasks that one needs
/// have ended. Until all of an operand's tasks have ended it may be unknown (Kleene's three
/// values), so the whole is often decided before all have.
class join_condition {
public:
  /// What an operand asks of a task.
  enum class question : std::uint8_t { success, failed, skipped, done };
  enum class node_kind : std::uint8_t { operand, all, any, negation };
  enum class truth : std::uint8_t { unknown, no, yes };

  struct node {
    node_kind kind = node_kind::operand;
    std::uint32_t parent = no_parent; ///< Of the root: none.
    std::uint32_t children = 0;
    std::uint32_t task = 0; ///< Of an operand.
    question asks = question::success;
  };
  static constexpr std::uint32_t no_parent = 0xffff'ffffU;
  static constexpr std::size_t max_bytes = 16'384;
  static constexpr std::size_t max_nodes = 1'000;

  /// The position of the task of that name; nothing: there is none.
  using resolver = std::function<std::optional<std::uint32_t>(std::string_view)>;

  struct failure {
    std::size_t offset = 0; ///< In the text, in bytes.
    problem what;
  };

  /// Reads `NAME.success .failed .skipped .done`, `&&`, `||`, `!` and parentheses. `failed`
  /// includes cancelled and upstream_failed.
  static std::optional<failure> parse(std::string_view text, const resolver& find,
                                      join_condition& into);

  /// Children before their parents; the last one is the root. Not empty.
  const std::vector<node>& nodes() const noexcept { return nodes_; }
  /// Positions of the tasks that occur, ascending, each once.
  std::vector<std::uint32_t> tasks() const;

  /// How the operand's question is answered by a task that counts as `of`.
  static truth answer(question asks, upstream_class of) noexcept;

  /// The operands about `task`, as places in `nodes`.
  std::span<const std::pair<std::uint32_t, std::uint32_t>>
  operands_of(std::uint32_t task) const noexcept;

private:
  friend class join_condition_parser;
  std::vector<node> nodes_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> operands_; ///< (task, node), ascending.
};

/// The truth of a condition, kept while its tasks come to their ends: a change costs O(depth) for
/// each operand of the task, and nothing where the value of a part stays.
class join_condition_state {
public:
  join_condition_state() = default;
  /// Reads `of` as long as it lives.
  explicit join_condition_state(const join_condition& of);

  /// The task counts as `as` from now on (`pending` again after a rerun).
  void set(std::uint32_t task, upstream_class as);

  join_condition::truth value() const noexcept { return values_.back(); }

private:
  void change(std::uint32_t node, join_condition::truth to);

  const join_condition* of_ = nullptr;
  std::vector<join_condition::truth> values_;
  struct tally {
    std::uint32_t yes = 0;
    std::uint32_t no = 0;
  };
  std::vector<tally> tallies_; ///< Of the children.
};

} // namespace pinion
