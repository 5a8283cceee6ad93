#pragma once

#include "definitions/calendar_reader.hpp"
#include "definitions/diagnostic_sink.hpp"
#include "definitions/task_reader.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/model/definition.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// What a pinion.yaml says, the chosen environment applied.
struct project_file {
  std::string path;
  std::string folder;  ///< Absolute.
  std::string project; ///< Empty: the folder of each workflow's file names it.
  std::string timezone = "UTC";
  nlohmann::json vars = nlohmann::json::object();
  nlohmann::json environment_vars = nlohmann::json::object(); ///< Win over those of workflows.
  project_settings settings; ///< `project` is empty if it is above.
  calendar_table calendars;
  task_definition defaults;                    ///< What its `defaults:` make of an unsaid task.
  std::shared_ptr<const profile_set> profiles; ///< Null: it has none.
  std::vector<std::string> environments;
  bool has_environment = false; ///< The chosen one is among them.
};

/// Reads a pinion.yaml; without content it says nothing. `environment` may be empty.
project_file read_project(const reporter& report, std::string folder, std::string_view environment);

/// Reads `vars:`: a map of any values.
nlohmann::json read_vars(const reporter& report, const node& at);

std::vector<std::string_view> project_keys();
std::vector<std::string_view> environment_keys();
std::vector<std::string_view> secret_keys();
std::vector<std::string_view> channel_keys();

} // namespace pinion::definitions
