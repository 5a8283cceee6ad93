#pragma once

#include "pinion/definitions/definition_directory.hpp"
#include "pinion/definitions/diagnostic.hpp"
#include "pinion/model/definition.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// How definition files are read. Where a set of files comes from is an argument of the functions.
struct load_options {
  /// Files and folders, for `load_set` and `collect_sources`. A folder is read recursively: every
  /// `*.yaml` and `*.yml`, hidden files and folders (a leading dot) left out, in order of path.
  std::vector<std::string> roots;

  /// One of `environments:` of pinion.yaml; empty: none. A name that no pinion.yaml of the set
  /// knows is an error; a pinion.yaml without it, beside one that has it, is used as it is.
  std::string environment;

  /// Whether the workflow `project.name` exists outside this set (it came over the API, or its
  /// file is not among the roots). Absent: nothing exists elsewhere.
  std::function<bool(const std::string& id)> exists_elsewhere;

  /// The definitions of such workflows, where they are at hand: then needs on their tasks and
  /// triggers are checked too, and cycles that lead through them found. Absent: they are not.
  definition_lookup definition_elsewhere;

  /// The present time: then triggers that have no slot any more are told (an expression that is
  /// over is an error, a window or dates that are, a warning), and calendars whose dates end soon.
  /// Absent: not told, so that a set that was good yesterday is good today.
  std::optional<instant> now;

  /// The settings of a project that this set brings no pinion.yaml for: names of pools, secrets
  /// and channels are looked up there. Absent, or nothing returned: the project has none.
  std::function<std::optional<project_settings>(const std::string& project)> settings_elsewhere;
};

/// One definition file in memory. `path` decides whether it is a pinion.yaml (its last element),
/// which pinion.yaml is above it, the default project and the default `cwd` of its tasks.
struct source_text {
  std::string path;
  std::string text;
};

struct loaded_workflow {
  workflow_definition definition;
  std::string file; ///< As in diagnostics: the root as it was given, then the way to the file.
  std::uint32_t line = 1; ///< Where the document begins.
};

/// What came of a set of files. The set is taken as a whole: with any error nothing of it is to be
/// used, and `workflows` and `projects` are empty.
struct load_result {
  std::vector<loaded_workflow> workflows; ///< In order of file, then of document.
  std::vector<project_settings>
      projects;                     ///< By name: each project of `workflows`, or of a pinion.yaml.
  std::vector<diagnostic> errors;   ///< In order of file, line, column.
  std::vector<diagnostic> warnings; ///< Likewise.
  std::vector<std::string> files;   ///< All that was read, pinion.yaml included.

  bool ok() const noexcept { return errors.empty(); }
};

/// The texts of `options.roots`: what `apply` posts. `problems` are errors of reading (a root that
/// does not exist, a file over the size limit, no permission); such a file is not among `sources`.
struct collected_sources {
  std::vector<source_text> sources;
  std::vector<diagnostic> problems;
};

/// Reads files and folders. A pinion.yaml beside a root that is a file belongs to it and is read
/// too. Links to folders are followed; a folder that was seen already is not read twice. Blocks.
collected_sources collect_sources(const load_options& options);

/// Reads and checks all files of `options.roots` as one set. Never throws; blocks on the disk.
/// A folder without any workflow is no error. The nearest pinion.yaml upward from a workflow's
/// file, within the root, gives it its settings; outer ones add nothing.
load_result load_set(const load_options& options);

/// The same for texts in memory (`options.roots` is not used). Pure apart from making relative
/// paths absolute.
load_result load_texts(std::span<const source_text> sources, const load_options& options);

/// The same for one text. `name` serves as path.
load_result load_text(std::string_view name, std::string_view text, const load_options& options);

} // namespace pinion
