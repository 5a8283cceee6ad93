#pragma once

#include "pinion/definitions/text_template.hpp"
#include "pinion/model/definition.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// One text of a task that may hold expressions.
struct task_text {
  enum class kind : std::uint8_t {
    plain,
    shell,   ///< For a shell whose quoting we know.
    foreign, ///< For another interpreter: every value must be `raw`.
    python,  ///< Source.
  };
  std::string field; ///< As in `text_problem`.
  const std::string* text = nullptr;
  kind of = kind::plain;
  bool secrets = false; ///< May name them.
};

/// The texts of a task's body, of one check, and its environment and standard input.
std::vector<task_text> body_texts(const task_definition& task);
std::vector<task_text> check_texts(const task_definition& task, std::size_t check);
std::vector<task_text> process_texts(const task_definition& task);

/// Parses one. With `expressions: off` the text is taken as it is.
text_result<text_template> parse_text(const task_text& what, bool expressions);

/// The interpreter of shell text: `/bin/bash -eo pipefail` for none or `bash`; `-e` for `sh` and
/// `dash`; other text is split at blanks.
std::vector<std::string> shell_command(const std::string& shell);

} // namespace pinion
