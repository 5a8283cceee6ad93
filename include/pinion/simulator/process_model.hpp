#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/model/ids.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pinion {

/// A process that would start now. The references live as long as the question.
struct process_question {
  const workflow_definition& workflow;
  std::string_view trigger; ///< Of its run; begins with "@call." where a task called it.
  instant slot{};
  std::uint32_t task = 0;
  std::string_view index; ///< Of its fan-out element; empty: none.
  std::uint32_t attempt = 1;
  std::uint32_t check = 0; ///< 0: the body; from 1: a check, by its place.
  std::uint32_t look = 1;  ///< Of a `poll:`, which look of the attempt.
};

/// What becomes of it. A process that would take longer than its timeout is ended by that.
struct process_fate {
  duration takes{0};
  int exit_code = 0;
  json_text outputs = "{}"; ///< An object; of a body that succeeds.
};

/// Says how long processes take. Answers must depend on the question alone, so that a simulation is
/// the same each time.
class process_model {
public:
  virtual ~process_model() = default;
  virtual process_fate of(const process_question& what) const = 0;
  /// So many elements has a fan-out whose list cannot be made without running what is before it;
  /// nothing: `assumed_elements`.
  virtual std::optional<std::uint32_t> elements(const workflow_definition& workflow,
                                                std::uint32_t task) const = 0;
};

inline constexpr std::uint32_t assumed_elements = 3;
inline constexpr duration assumed_duration{std::chrono::minutes{1}};
inline constexpr duration assumed_check{std::chrono::seconds{1}};

/// What is given for one task, or for many.
struct given_process {
  std::optional<duration> mean;
  duration spread{0}; ///< Standard deviation.
  double fails = 0;   ///< Share of the attempts that exit with 1.
  /// Exit codes of the attempts in order; those behind them exit with 0. Takes precedence.
  std::vector<int> exits;
  /// So many looks of a `poll:` say not yet, in each attempt.
  std::uint32_t looks = 0;
  std::optional<duration> check; ///< Of each of its checks.
  json_text outputs = "{}";
  std::optional<std::uint32_t> elements;
};

/// Durations by name, drawn by a hash of (seed, workflow, trigger, slot, task, index, attempt): the
/// same on every machine, and not moved by what else is simulated.
class duration_table final : public process_model {
public:
  explicit duration_table(std::uint64_t seed = 1) noexcept : seed_{seed} {}

  /// `name` is `project.workflow.task`, `project.workflow` (all its tasks), `project`, or `*`; the
  /// longest that fits a task counts, each field of it by itself.
  void set(std::string name, given_process what) { given_[std::move(name)] = std::move(what); }
  bool empty() const noexcept { return given_.empty(); }
  const std::map<std::string, given_process, std::less<>>& given() const noexcept { return given_; }

  process_fate of(const process_question& what) const override;
  std::optional<std::uint32_t> elements(const workflow_definition& workflow,
                                        std::uint32_t task) const override;

private:
  std::map<std::string, given_process, std::less<>> given_;
  std::uint64_t seed_;
};

/// Reads JSON:
///
///     {"*": 30, "dw.orders": {"default": 60}, "dw.orders.load": {"mean": "2m", "spread": 20,
///      "fails": 0.02, "exits": [1, 0], "outputs": {"rows": 7}, "elements": 12, "checks": 5}}
///
/// Times are seconds as numbers or durations as text; `default` is another word for `mean`. Fails
/// with `errc::invalid`; the message names the entry and the key.
result<duration_table> parse_durations(std::string_view json, std::uint64_t seed = 1);

} // namespace pinion
