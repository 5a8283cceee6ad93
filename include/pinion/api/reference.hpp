#pragma once

#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pinion {

/// Which run of a workflow or trigger a reference means.
enum class run_selector : std::uint8_t {
  none,   ///< No run: a workflow, a version or a trigger.
  id,     ///< `r123`
  slot,   ///< `@2026-11-20T02:00`
  latest, ///< `@latest`, `@latest:failed`
  biz,    ///< `@biz:2026-11-19`
};

/// A reference as users write it, taken apart; not yet looked up.
///
///     retail.replenish   retail.replenish:v7   retail.replenish/nightly
///     retail.replenish/nightly@2026-11-20T02:00   retail.replenish@latest:failed   r123
///     r123/train:DEU#2   retail.replenish/nightly@latest/train:DEU
struct reference {
  std::string text;     ///< As given.
  std::string workflow; ///< "retail.replenish"; empty with `run_selector::id`.
  std::optional<std::uint32_t> version;
  std::string trigger;
  run_selector selects = run_selector::none;
  std::uint64_t run = 0; ///< For `id`.
  std::string when;      ///< For `slot` and `biz`: the text behind `@` or `@biz:`.
  std::string state;     ///< For `latest`: a run state, or empty.
  std::string task;      ///< Not empty: an instance, or all of a fan-out.
  std::optional<std::string> index;
  std::optional<std::uint32_t> attempt;

  bool names_run() const noexcept { return selects != run_selector::none; }
};

/// "b12", the name of a backfill.
std::string to_backfill_name(std::uint64_t id);
/// The number in such a name; nothing for anything else.
std::optional<std::uint64_t> backfill_number(std::string_view text);

/// `project.workflow.task`: a task with all its instances to come.
struct task_reference {
  std::string workflow; ///< "project.workflow"
  std::string task;
};
/// Nothing for anything else.
std::optional<task_reference> parse_task_reference(std::string_view text);

/// Takes a reference apart. Fails with `errc::invalid`; the suggestion shows the forms.
result<reference> parse_reference(std::string_view text);

} // namespace pinion
