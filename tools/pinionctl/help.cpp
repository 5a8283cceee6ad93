#include "verb.hpp"

#include <algorithm>

namespace pinion::ctl {
namespace {

std::string left_of(const option_spec& one) {
  const auto letter =
      one.letter == 0 ? std::string{"    "} : std::string{'-', one.letter, ',', ' '};
  const auto* gap = one.value.empty() || one.value.starts_with("[=") ? "" : " ";
  return "  " + letter + "--" + one.name + gap + one.value;
}

std::string rows_of(const std::vector<option_spec>& options) {
  std::size_t width = 0;
  for (const auto& one : options)
    width = std::max(width, left_of(one).size());
  std::string text;
  for (const auto& one : options) {
    auto left = left_of(one);
    left.resize(width + 2, ' ');
    text += left + one.help + '\n';
  }
  return text;
}

/// Words in lines of at most `width`.
std::string wrapped(const std::string& text, std::size_t width) {
  std::string made;
  std::size_t used = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    const auto word = text.substr(at, end - at);
    if (used > 0 && used + 1 + word.size() > width) {
      made += '\n';
      used = 0;
    } else if (used > 0) {
      made += ' ';
      ++used;
    }
    made += word;
    used += word.size();
    at = end + 1;
  }
  return made + '\n';
}

std::string exit_codes() {
  std::string text = "Exit codes:";
  for (const auto& row : exit_rows())
    text += (row.code == exit_code::done ? " " : ", ") +
            std::to_string(static_cast<int>(row.code)) + ' ' + row.meaning;
  return wrapped(text + '.', 80);
}

} // namespace

const std::vector<option_spec>& common_options() {
  static const std::vector<option_spec> options{
      {"output", 'o', "table|wide|json|yaml|name", "how the answer is printed (default table)"},
      {"server", 0, "SOCKET",
       "the engine's socket; else PINION_SERVER, else the default data folder"},
      {"no-color", 0, "", "plain text; also with NO_COLOR set, and into pipes"},
      {"help", 'h', "", "this text"}};
  return options;
}

const std::vector<exit_row>& exit_rows() {
  static const std::vector<exit_row> rows{
      {exit_code::done, "done"},
      {exit_code::failed, "the thing asked about failed"},
      {exit_code::usage, "usage"},
      {exit_code::not_found, "not found"},
      {exit_code::refused, "refused"},
      {exit_code::no_engine, "no engine there"},
      {exit_code::wait_ran_out, "a wait ran out"},
  };
  return rows;
}

const std::vector<ref_row>& ref_rows() {
  static const std::vector<ref_row> rows{
      {"project.workflow", "a workflow"},
      {"project.workflow:v7", "one version of it"},
      {"project.workflow/trigger", "a trigger"},
      {"project.workflow/trigger@2026-11-20T02:00", "a run by its slot, in the workflow's zone"},
      {"project.workflow@latest @latest:failed", "the latest run, the latest in a state"},
      {"project.workflow@biz:2026-11-19", "the run of a business date"},
      {"r123", "a run"},
      {"r123/task", "an instance; of a fan-out all of it"},
      {"r123/task:index", "one of a fan-out"},
      {"r123/task#2", "an attempt"},
      {"project.workflow.task", "a task with all its instances to come: freeze, thaw, dryrun"},
      {"b12", "a backfill"},
  };
  return rows;
}

option_spec reason_option() { return {"reason", 0, "TEXT", "why; stands in the audit record"}; }

std::string help_text() {
  std::string text = "pinionctl inspects and steers a Pinion engine.\n\n"
                     "Usage: pinionctl [OPTION]... VERB [ARGUMENT]...\n\nVerbs:\n";
  for (const auto& verb : verbs()) {
    auto left = "  " + verb.name;
    left.resize(14, ' ');
    text += left + verb.summary + '\n';
  }
  text += "\nOptions of all verbs:\n" + rows_of(common_options());
  text += "\nA REF names a thing:\n";
  for (const auto& row : ref_rows()) {
    auto left = "  " + row.form;
    left.resize(std::max<std::size_t>(left.size() + 2, 46), ' ');
    text += left + row.names + '\n';
  }
  text += '\n';
  return text + exit_codes() + "\n'pinionctl VERB --help' tells more.\n";
}

std::string help_text(const verb_spec& verb) {
  auto text = "Usage: pinionctl " + verb.name + (verb.usage.empty() ? "" : ' ' + verb.usage) +
              (verb.options.empty() ? "" : " [OPTION]...") + "\n\n" + verb.summary + '\n';
  if (!verb.details.empty())
    text += '\n' + verb.details + '\n';
  if (!verb.options.empty())
    text += "\nOptions:\n" + rows_of(verb.options);
  return text + "\nOptions of all verbs:\n" + rows_of(common_options()) + '\n' + exit_codes();
}

} // namespace pinion::ctl
