#include "pages.hpp"

#include "pinionctl/verb.hpp"
#include "program/options.hpp"

namespace pinion::reference_pages {
namespace {

constexpr const char* printed =
    "<!-- Printed from the code: change the code, then build the target `reference`. -->\n";

/// Text inside a table's cell.
std::string cell(const std::string& text) {
  std::string made;
  for (const char c : text)
    made += c == '|' ? "\\|" : c == '\n' ? " " : c == '<' ? "&lt;" : std::string{c};
  return made;
}

std::string code(const std::string& text) { return text.empty() ? "" : '`' + cell(text) + '`'; }

std::string options_table(const std::vector<ctl::option_spec>& options) {
  std::string text = "| option | meaning |\n|---|---|\n";
  for (const auto& one : options) {
    // "[=A|B]" stands right behind the name.
    const auto* gap = one.value.empty() || one.value.starts_with("[=") ? "" : " ";
    auto left = code("--" + one.name + gap + one.value);
    if (one.letter != 0)
      left = code(std::string{'-', one.letter}) + ", " + left;
    text += "| " + left + " | " + cell(one.help) + " |\n";
  }
  return text;
}

/// Lines that were broken for the terminal as one paragraph; the indented ones as they stand.
std::string paragraphs(const std::string& details) {
  std::string text;
  bool block = false;
  std::size_t at = 0;
  while (at < details.size()) {
    const auto end = std::min(details.find('\n', at), details.size());
    const auto line = details.substr(at, end - at);
    const bool indented = line.starts_with("  ");
    if (indented != block)
      text += indented ? "\n```text\n" : "```\n\n";
    block = indented;
    for (const char c : line)
      text += c == '<' && !block ? "\\<" : std::string{c};
    text += '\n';
    at = end + 1;
  }
  return text + (block ? "```\n" : "");
}

std::string of_verb(const ctl::verb_spec& verb) {
  auto text = "\n### " + verb.name + "\n\n    pinionctl " + verb.name +
              (verb.usage.empty() ? "" : ' ' + verb.usage) +
              (verb.options.empty() ? "" : " [OPTION]...") + "\n\n" + verb.summary + '\n';
  if (!verb.details.empty())
    text += '\n' + paragraphs(verb.details);
  if (!verb.options.empty())
    text += '\n' + options_table(verb.options);
  return text;
}

} // namespace

std::string verbs_markdown() {
  std::string text =
      std::string{"# Verbs of pinionctl\n\n"} + printed +
      "\n    pinionctl [OPTION]... VERB [ARGUMENT]...\n\n"
      "The same as `pinionctl VERB --help`. How it is meant stands in [command line](cli.md).\n\n"
      "| verb | what it does |\n|---|---|\n";
  for (const auto& verb : ctl::verbs())
    text += "| [" + code(verb.name) + "](#" + verb.name + ") | " + cell(verb.summary) + " |\n";
  text += "\n## Options of all verbs\n\n" + options_table(ctl::common_options());
  text += "\n## References\n\n| REF | what it names |\n|---|---|\n";
  for (const auto& row : ctl::ref_rows())
    text += "| " + code(row.form) + " | " + cell(row.names) + " |\n";
  text += "\n## Exit codes\n\n| code | meaning |\n|---|---|\n";
  for (const auto& row : ctl::exit_rows())
    text += "| " + std::to_string(static_cast<int>(row.code)) + " | " + cell(row.meaning) + " |\n";
  text += "\n## The verbs\n";
  for (const auto& verb : ctl::verbs())
    text += of_verb(verb);
  return text;
}

std::string settings_markdown() {
  std::string text = std::string{"# Settings of pinion\n\n"} + printed + '\n';
  for (const auto& verb : program_verbs())
    text += "    pinion " + verb.usage + '\n';
  text +=
      "\nA flag is stronger than the environment, that than the file of `--config`, that than the "
      "default;\n`pinion config show` prints the effective values and where each came from.\n\n"
      "| setting | flag | variable | default | meaning |\n|---|---|---|---|---|\n";
  for (const auto& row : setting_rows())
    text += "| " + code(row.key) + " | " + code(row.flag + ' ' + row.argument) + " | " +
            code(row.variable) + " | " + cell(row.standard) + " | " + cell(row.help) + " |\n";
  text += "\nThe file of `--config FILE` is YAML with a section for the part before the dot. A "
          "setting that may "
          "be\nrepeated is a list there, and in its variable several values have colons between "
          "them.\n\n"
          "```text\nengine:\n  slots: 16\n  workflows: [/etc/pinion/workflows]\nlog: {level: "
          "warn}\n```\n";
  return text;
}

} // namespace pinion::reference_pages
