#pragma once

#include "pinion/definitions/secrets.hpp"
#include "pinion/model/run_core.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// From what an attempt is rendered. The references live as long as the call.
struct render_input {
  const run_core& run;
  instance_key key;
  std::uint32_t attempt = 1; ///< Number of the attempt that starts.
  const project_settings& settings;
  const secret_reader& secrets;
};

/// What one process of an attempt is given; the fields of a start request.
struct rendered_task {
  std::vector<std::string> argv;        ///< The interpreter, if `script` is set; else the command.
  std::string script;                   ///< Goes to a file whose path is appended to `argv`.
  std::vector<std::string> script_args; ///< Follow the script's path.
  /// The task's `env:`, then PINION_PROJECT, _WORKFLOW, _RUN, _TASK, _INDEX (empty outside a
  /// fan-out), _ATTEMPT, _LANE, _SLOT, _BIZ_DATE, _DATA_INTERVAL_START, _DATA_INTERVAL_END.
  /// Instants as `print_local` in the workflow's zone, the business date as 2026-11-19. Each name
  /// once.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string cwd;
  std::string stdin_text;
  json_text inputs_json = "{}"; ///< {name: outputs} of all ancestors and named needs
                                ///< on other workflows that have outputs.
  json_text params_json = "{}"; ///< The run's effective parameters.
  duration timeout{0};
  duration grace{0};
  /// {"argv": [...], "script": "...", "script_args": [...], "env": {...}, "stdin": "..."}, empty
  /// parts left out, every occurrence of a used secret's value as `***`.
  json_text masked = "{}";
};

/// Limits: script and standard input 1 MiB each, arguments together 1 MiB, environment together 128
/// KiB, one argument or variable 128 KiB less one byte (Linux refuses longer ones), inputs 16 MiB.
inline constexpr std::size_t max_script_bytes = 1U << 20U;
inline constexpr std::size_t max_environment_bytes = 128U << 10U;

/// Renders the body of a task of type shell, python or java. Fails with `errc::not_found` (a name),
/// `errc::invalid` (a value, a NUL byte, another task type), `errc::limit`, or the error of a
/// secret; the message names the field.
result<rendered_task> render_task(const render_input& input);

/// Renders check `check` (from 0) of the task; same environment as the body.
result<rendered_task> render_check(const render_input& input, std::uint32_t check);

/// Renders the parameters that a `workflow` task hands to the run it creates: a JSON object, to be
/// given to `resolve_params` of the called workflow. Fails like `render_task`.
result<json_text> render_call_params(const render_input& input);

} // namespace pinion
