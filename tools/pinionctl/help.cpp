#include "verb.hpp"

#include <algorithm>

namespace pinion::ctl {
namespace {

std::string left_of(const option_spec& one) {
  const auto letter =
      one.letter == 0 ? std::string{"    "} : std::string{'-', one.letter, ',', ' '};
  return "  " + letter + "--" + one.name + (one.value.empty() ? "" : ' ' + one.value);
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

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 the thing asked about failed, 2 usage, "
    "3 not found, 4 refused,\n5 no engine there, 6 a wait ran out.\n";

} // namespace

const std::vector<option_spec>& common_options() {
  static const std::vector<option_spec> options{
      {"output", 'o', "FORMAT", "table (default), wide, json, yaml or name"},
      {"server", 0, "SOCKET",
       "the engine's socket; else PINION_SERVER, else the default data folder"},
      {"no-color", 0, "", "plain text; also with NO_COLOR set, and into pipes"},
      {"help", 'h', "", "this text"}};
  return options;
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
  text +=
      "\nA REF names a thing: project.workflow, project.workflow:v7, project.workflow/trigger,\n"
      "project.workflow/trigger@2026-11-20T02:00, project.workflow@latest, @latest:failed,\n"
      "@biz:2026-11-19, r123, r123/task, r123/task:index, r123/task#2; project.workflow.task for\n"
      "freeze, thaw and dryrun; b12 a backfill.\n\n";
  return text + exit_codes + "\n'pinionctl VERB --help' tells more.\n";
}

std::string help_text(const verb_spec& verb) {
  auto text = "Usage: pinionctl " + verb.name + (verb.usage.empty() ? "" : ' ' + verb.usage) +
              (verb.options.empty() ? "" : " [OPTION]...") + "\n\n" + verb.summary + '\n';
  if (!verb.details.empty())
    text += '\n' + verb.details + '\n';
  if (!verb.options.empty())
    text += "\nOptions:\n" + rows_of(verb.options);
  return text + "\nOptions of all verbs:\n" + rows_of(common_options()) + '\n' + exit_codes;
}

} // namespace pinion::ctl
