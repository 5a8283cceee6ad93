#pragma once

#include "pinion/execution/launcher.hpp"

#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// What an executor does for an attempt is `launcher_port`: `start` (its request is what was
/// prepared), `started` and `ended` events (be told) or `inquire` (poll), `stop`, and the end,
/// which carries what was collected. An executor for another engine implements that interface. What
/// is here prepares requests for local processes: it turns the rendered text of a task into the
/// command, script and environment of a `start_request`. Values are rendered strings; nothing here
/// knows definitions.

using environment_list = std::vector<std::pair<std::string, std::string>>;

/// `run: text` of type shell: the text as a file to `shell`, "bash" meaning `/bin/bash -eo
/// pipefail` (a failing line is a failed task); another shell is `shell -e` if it is `sh` or
/// `dash`, else as it is. Fails with `errc::invalid` for empty text, a shell name that is empty, or
/// a NUL byte.
result<void> set_shell_command(start_request& to, std::string text,
                               const std::string& shell = "bash");

/// `run: [list]`: executed without a shell, one argument an element. Fails with `errc::invalid` for
/// an empty list, an empty first element, or a NUL byte.
result<void> set_list_command(start_request& to, std::vector<std::string> argv);

/// Type python: `python -u FILE args...`, where the file holds `script`. Fails like the others.
result<void> set_python_command(start_request& to, std::string script,
                                std::vector<std::string> args,
                                const std::string& python = "python3");

/// PATH, HOME, USER and LANG, from the process's own environment where they are set (PATH without
/// empty and relative entries), else from the password file and sane defaults. Read once at start
/// by the program: the environment of a process is shared by its threads.
environment_list base_environment();

/// `base` with the variables of `more` added; the later one of a name wins. Fails with
/// `errc::invalid` for a name that is empty or has `=` or NUL in it, or a value with NUL.
result<environment_list> merge_environment(environment_list base, const environment_list& more);

} // namespace pinion
