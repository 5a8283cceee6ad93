#pragma once

#include "definitions/project_reader.hpp"
#include "definitions/yaml_tree.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// What a file is read with.
struct workflow_context {
  std::string folder; ///< Absolute, of the file.
  std::string project;
  const project_file* above = nullptr;        ///< The nearest pinion.yaml; may be null.
  const project_settings* settings = nullptr; ///< Effective ones of the project; never null.
  std::optional<instant> now;                 ///< For what is over already; unknown: not told.
};

/// A task of type `workflow`, for the checks over the whole set.
struct workflow_call {
  std::uint32_t task = 0;
  file_place at;
};

/// Where an `after:` of a trigger, or a need of a task on another workflow, is written.
struct outside_reference {
  std::optional<std::uint32_t> task; ///< Position; empty: of a trigger.
  std::uint32_t position = 0;        ///< In the task's `outside_needs`, or in the triggers.
  file_place whole;
  file_place upstream; ///< The name of the workflow or task.
  file_place trigger;  ///< The name of the trigger, else as `upstream`.
};

struct read_workflow_result {
  workflow_definition definition;
  file_place at;      ///< Of the document.
  file_place name_at; ///< Of the value of `workflow:`.
  std::vector<workflow_call> calls;
  std::vector<outside_reference> references; ///< Of triggers, then of tasks, in order.
  std::vector<std::string> calendars;        ///< Names of those that triggers use.
};

/// Reads one document: everything about it that needs no other file, expressions included.
read_workflow_result read_workflow(const reporter& report, const yaml_document& document,
                                   const workflow_context& context);

std::vector<std::string_view> workflow_keys();

} // namespace pinion::definitions
