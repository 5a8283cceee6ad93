#pragma once

#include "api/api_state.hpp"
#include "pinion/definitions/definition_directory.hpp"

#include <map>
#include <string>

namespace pinion {

/// The present definitions of a store's workflows as binding and `after:` chains ask for them; each
/// is read when it is asked for first. For one request; the view must outlive it.
class store_directory {
public:
  explicit store_directory(const store_view& view)
      : view_{view}, directory_{[this](std::string_view id) { return find(id); }} {}
  store_directory(const store_directory&) = delete;
  store_directory& operator=(const store_directory&) = delete;

  const definition_directory& definitions() const noexcept { return directory_; }

  /// What the slots of a trigger are: its own rule, for `after:` that of the trigger at the end of
  /// the chain. Null for a chain that leads into nothing.
  const slot_rule* rule_of(const workflow_definition& of, const trigger_definition& trigger) const {
    if (!trigger.after)
      return &trigger.slots;
    const auto source = directory_.source_of({&of, &trigger});
    return source ? &source.trigger->slots : nullptr;
  }

  /// From when on the slots of its present version count, after an edit for the next day.
  instant rule_from(std::string_view workflow) const;

private:
  const workflow_definition* find(std::string_view id);

  const store_view& view_;
  /// Null for what does not exist or is retired.
  std::map<std::string, definition_cache::definition_ptr, std::less<>> known_;
  definition_directory directory_;
};

} // namespace pinion
