#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/needs_reader.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/model/definition.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// What a task says about other tasks; resolved when all of them are known.
struct task_links {
  std::uint32_t offset = 0;   ///< Of its name.
  const node* body = nullptr; ///< Its map.
  bool has_needs = false;     ///< `needs:` stands there, even if it is empty.
  std::uint32_t needs_offset = 0;
  std::vector<name_use> needs;
  std::vector<need_places> outside_needs;   ///< Of `task_definition::outside_needs`, in order.
  std::uint32_t previous_offset = 0;        ///< Of the value of `depends_on_previous`.
  std::vector<name_use> previous_tasks;     ///< `depends_on_previous: [tasks]`.
  std::vector<std::vector<name_use>> cases; ///< Of a switch, in the order of its cases.
  std::vector<name_use> otherwise;          ///< `default:` of a switch.
  const node* join = nullptr;               ///< The value of `join` if that is a condition.
  std::uint32_t teardown_offset = 0;        ///< Of the value of `teardown`.
  std::vector<name_use> teardown_of;
  std::optional<name_use> fallback;
  std::optional<name_use> call; ///< `workflow:` of a task of that type.
};

/// `profiles:` of a pinion.yaml: read anew over each task that uses one. They were checked when the
/// file was read, so nothing is told a second time.
struct profile_set {
  source_file file;
  std::string folder; ///< Absolute, of the file.
  node profiles;      ///< The map from names to what `defaults:` may hold.
};

/// A task while it is read.
struct task_draft {
  task_definition task;
  task_links links;
  const std::string* folder = nullptr;  ///< Absolute, of the file; relative `cwd:` starts there.
  const std::string* project = nullptr; ///< Of the file, for references without project.
  const project_settings* settings = nullptr; ///< Pools and channels by name.
  const profile_set* profiles = nullptr;      ///< For `use:`; null: there are none.
  const node* groups_by_pool = nullptr;       ///< `groups: pool`, until the pools are known.
};

/// What tasks get that say nothing, made of one or more `defaults:` maps: a task as it is before
/// its own keys are read.
void read_defaults(const reporter& report, const node& defaults, task_draft& into);

/// Checks `profiles:` of a pinion.yaml; what a profile holds means the same in a task.
void check_profiles(const reporter& report, const node& profiles, const task_draft& unsaid);

/// Reads one task over `draft`, which holds the defaults. Reports all that is wrong with it alone.
void read_task(const reporter& report, const node& name, const node& body, task_draft& draft);

/// The node that holds the text of a field as `template_checker` names it, below the map of a task
/// or of `defaults:`; null pointer if it is not there.
const node* find_field(const node& body, std::string_view field);

/// `path` made absolute below `folder`, without dots.
std::string below(const std::string& folder, std::string_view path);

std::vector<std::string_view> task_keys();
std::vector<std::string_view> default_keys();

} // namespace pinion::definitions
