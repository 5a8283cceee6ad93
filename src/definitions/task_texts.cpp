#include "definitions/task_texts.hpp"

#include <algorithm>
#include <array>

namespace pinion {

namespace {

std::string indexed(std::string_view field, std::size_t i) {
  return std::string{field} + '[' + std::to_string(i) + ']';
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; (at = text.find_first_not_of(" \t", at)) != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(" \t", at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

task_text::kind kind_of_shell(const std::string& shell) {
  static constexpr std::array<std::string_view, 7> known{"bash", "sh",   "dash", "ash",
                                                         "ksh",  "mksh", "zsh"};
  const auto command = words(shell);
  if (command.empty())
    return task_text::kind::shell;
  const auto name = command.front().substr(command.front().rfind('/') + 1); // npos + 1 is 0
  return std::find(known.begin(), known.end(), name) != known.end() ? task_text::kind::shell
                                                                    : task_text::kind::foreign;
}

void add_list(std::vector<task_text>& out, const std::string& field,
              const std::vector<std::string>& list) {
  for (std::size_t i = 0; i < list.size(); ++i)
    out.push_back({indexed(field, i), &list[i], task_text::kind::plain, false});
}

} // namespace

std::vector<task_text> body_texts(const task_definition& task) {
  std::vector<task_text> out;
  if (task.type == task_type::shell) {
    if (task.argv.empty())
      out.push_back({"run", &task.run, kind_of_shell(task.shell), false});
    add_list(out, "argv", task.argv);
  } else if (task.type == task_type::python) {
    const bool source = task.script.find('\n') != std::string::npos;
    out.push_back(
        {"script", &task.script, source ? task_text::kind::python : task_text::kind::plain, false});
    add_list(out, "args", task.args);
  } else if (task.type == task_type::java) {
    add_list(out, "jvm", task.jvm);
    out.push_back({"jar", &task.jar, task_text::kind::plain, false});
    add_list(out, "args", task.args);
  }
  return out;
}

std::vector<task_text> check_texts(const task_definition& task, std::size_t check) {
  std::vector<task_text> out;
  const auto field = indexed("checks", check);
  const auto& what = task.checks[check];
  if (what.argv.empty())
    out.push_back({field + ".command", &what.command, kind_of_shell(task.shell), false});
  add_list(out, field + ".argv", what.argv);
  return out;
}

std::vector<task_text> process_texts(const task_definition& task) {
  std::vector<task_text> out;
  for (const auto& [name, value] : task.env)
    out.push_back({"env." + name, &value, task_text::kind::plain, true});
  if (!task.stdin_text.empty())
    out.push_back({"stdin", &task.stdin_text, task_text::kind::plain, true});
  return out;
}

text_result<text_template> parse_text(const task_text& what, bool expressions) {
  if (!expressions)
    return text_template::literal(*what.text);
  const auto kind = what.of == task_text::kind::shell    ? text_kind::shell
                    : what.of == task_text::kind::python ? text_kind::python
                                                         : text_kind::plain;
  auto parsed = text_template::parse(*what.text, kind);
  if (parsed && what.of == task_text::kind::foreign && !parsed.value().raw_only())
    return text_problem{{},
                        std::min(what.text->find("{{"), what.text->size()),
                        {errc::invalid, "the quoting of this `shell:` is not known",
                         "pass the value through `env:`, or write `| raw` to insert it as it is"}};
  return parsed;
}

std::vector<std::string> shell_command(const std::string& shell) {
  auto out = words(shell);
  if (out.empty() || (out.size() == 1 && out.front() == "bash"))
    return {"/bin/bash", "-eo", "pipefail"};
  if (out.size() == 1 && (out.front() == "sh" || out.front() == "dash"))
    out.emplace_back("-e");
  return out;
}

} // namespace pinion
