#pragma once

#include "pinion/model/binding.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pinion {

/// Finds the present definition of the workflow `project.name`; null if there is none. What it
/// returns lives as long as the question that it was asked for.
using definition_lookup = std::function<const workflow_definition*(std::string_view id)>;

/// A trigger and the workflow that it belongs to; both null if there is no such trigger.
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
