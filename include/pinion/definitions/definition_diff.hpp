#pragma once

#include "pinion/model/definition.hpp"

#include <string>
#include <vector>

namespace pinion {

/// A definition as people compare it, one JSON object: the canonical form with names in place of
/// positions (tasks, triggers and parameters are maps) and durations as text. For reading only:
/// the path of the file and the format are left out, and its keys may change.
json_text readable_form(const workflow_definition& definition);

/// One place at which two definitions differ.
struct definition_change {
  std::string path; ///< "tasks.load.retry.max"
  json_text before; ///< Empty: it was added.
  json_text after;  ///< Empty: it was removed.

  friend bool operator==(const definition_change&, const definition_change&) = default;
};

/// What leads from one definition to the other, by path; empty if they are the same version.
/// Maps are compared key by key, lists as a whole.
std::vector<definition_change> definition_changes(const workflow_definition& before,
                                                  const workflow_definition& after);

} // namespace pinion
