#pragma once

#include "pinion/definitions/definition_directory.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>

namespace pinion {

/// The present definitions of all workflows that are not retired. Immutable once shared: any thread
/// may read it.
class known_definitions {
public:
  using map = std::map<std::string, std::shared_ptr<const workflow_definition>, std::less<>>;

  explicit known_definitions(map all);
  known_definitions(const known_definitions&) = delete;
  known_definitions& operator=(const known_definitions&) = delete;

  const map& all() const noexcept { return all_; }
  const definition_directory& directory() const noexcept { return directory_; }

  /// Some task, maybe of another slot of the same workflow, needs runs of this workflow. Who waits
  /// by an older definition is not known here: see `engine_context::is_needed`.
  bool needed(std::string_view workflow) const { return needed_.contains(workflow); }
  /// The workflows whose planned runs are bound to slots of `workflow`.
  std::set<std::string> dependents_of(std::string_view workflow) const;

private:
  map all_;
  std::set<std::string, std::less<>> needed_;
  definition_directory directory_;
};

/// The workflows, also its own, of which `of` needs other runs.
std::set<std::string> upstream_workflows(const workflow_definition& of);

} // namespace pinion
