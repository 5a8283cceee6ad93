#pragma once

#include "pinion/model/binding.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace pinion {

/// Finds the present definition of the workflow `project.name`; null if there is none. What it
/// returns lives at least until the function ends that the lookup was given to.
using definition_lookup = std::function<const workflow_definition*(std::string_view id)>;

/// What the runs of a trigger cover: the workflow's `data_interval:`, or where that is not given
/// the default of the trigger's rule. Not for `after:` triggers, see `definition_directory`.
interval_rule interval_of_trigger(const workflow_definition& workflow,
                                  const trigger_definition& trigger) noexcept;

/// A trigger and the workflow that it belongs to; null what does not exist.
struct found_trigger {
  const workflow_definition* workflow = nullptr;
  const trigger_definition* trigger = nullptr;

  explicit operator bool() const noexcept { return trigger != nullptr; }
};

/// The triggers of a set of definitions, `after:` chains followed to their end. Validation, the
/// engine and the simulation bind needs through it. As thread-safe as its lookup.
class definition_directory final : public trigger_directory {
public:
  /// Asks `lookup` each time.
  explicit definition_directory(definition_lookup lookup) : lookup_{std::move(lookup)} {}

  /// Of the definitions given, which must outlive this; of two with one id the first counts.
  explicit definition_directory(std::span<const workflow_definition* const> definitions);

  /// Nothing also for a chain of `after:` that leads into nothing or in a circle.
  std::optional<known_trigger> find(std::string_view workflow,
                                    std::string_view trigger) const override;
  std::string only_trigger(std::string_view workflow) const override;

  /// Null if there is no such workflow.
  const workflow_definition* definition(std::string_view workflow) const {
    return lookup_(workflow);
  }

  /// The trigger itself; with `trigger` empty the workflow's only one.
  found_trigger trigger(std::string_view workflow, std::string_view trigger) const;

  /// Whose slots a trigger has: itself, or for `after:` the trigger at the end of the chain.
  /// Nothing for a chain that leads into nothing or in a circle.
  found_trigger source_of(found_trigger of) const;

private:
  definition_lookup lookup_;
};

} // namespace pinion
