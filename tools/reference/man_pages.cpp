#include "pages.hpp"

#include "pinionctl/verb.hpp"
#include "program/options.hpp"

#include <nlohmann/json.hpp>

namespace pinion::reference_pages {
namespace {

using nlohmann::json;

/// Text as troff takes it: no line begins a request, a dash is a dash that can be copied.
std::string text_of(const std::string& text) {
  std::string made;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\''))
      made += "\\&";
    if (c == '\\')
      made += "\\e";
    else if (c == '-')
      made += "\\-";
    else
      made += c;
    begins = c == '\n';
  }
  return made;
}

std::string bold(const std::string& text) { return "\\fB" + text_of(text) + "\\fR"; }

std::string header(const std::string& name, int section, const std::string& what) {
  return ".TH " + name + ' ' + std::to_string(section) +
         " \"\" \"pinion " PINION_VERSION "\" Pinion\n" + ".SH NAME\n" + name + " \\- " +
         text_of(what) + '\n';
}

std::string tagged(const std::string& tag, const std::string& text) {
  return ".TP\n" + tag + '\n' + text_of(text) + '\n';
}

std::string option(const ctl::option_spec& one) {
  // "[=A|B]" stands right behind the name.
  const auto* gap = one.value.starts_with("[=") ? "" : " ";
  const auto value =
      one.value.empty() ? std::string{} : gap + ("\\fI" + text_of(one.value) + "\\fR");
  const auto letter = one.letter == 0 ? std::string{} : bold(std::string{'-', one.letter}) + ", ";
  return tagged(letter + bold("--" + one.name) + value, one.help);
}

/// Paragraphs of a verb's help; indented lines stay as they are.
std::string details(const std::string& text) {
  std::string made;
  bool block = false;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    const bool indented = line.starts_with("  ");
    if (indented != block)
      made += indented ? ".nf\n" : ".fi\n";
    block = indented;
    made += line.empty() ? ".PP\n" : text_of(line) + '\n';
    at = end + 1;
  }
  return made + (block ? ".fi\n" : "");
}

constexpr const char* see_also =
    ".SH SEE ALSO\n.BR pinion (1),\n.BR pinionctl (1),\n.BR pinion.yaml (5)\n";

/// A key's meaning: its own, else that of the definition to which it refers.
std::string meaning(const json& schema, const json& root) {
  if (schema.contains("description"))
    return schema.at("description").get<std::string>();
  const auto ref = schema.value("$ref", std::string{});
  if (ref.starts_with("#/"))
    return meaning(root.at(json::json_pointer{ref.substr(1)}), root);
  return {};
}

std::string keys(const json& object, const json& root) {
  std::string text;
  for (const auto& [name, schema] : object.at("properties").items())
    text += tagged(bold(name + ':'), meaning(schema, root));
  return text;
}

std::string keys_of(const std::string& title, const json& object, const json& root) {
  return ".SH " + title + '\n' + keys(object, root);
}

} // namespace

std::string pinion_manual() {
  auto text = header("pinion", 1, "workflow scheduler for data and ML pipelines");
  text += ".SH SYNOPSIS\n";
  for (const auto& verb : program_verbs())
    text += ".B pinion\n" + text_of(verb.usage) + "\n.br\n";
  text += ".SH DESCRIPTION\n";
  for (const auto& verb : program_verbs())
    text += tagged(bold(verb.usage), verb.summary);
  text += ".SH OPTIONS\n";
  for (const auto& row : setting_rows())
    text += tagged(bold(row.flag) + " \\fI" + text_of(row.argument) + "\\fR",
                   row.help + (row.standard.empty() ? "" : " (default " + row.standard + ')') +
                       ".\nSetting " + row.key + ", variable " + row.variable + '.');
  text += tagged(bold("--config") + " \\fIFILE\\fR",
                 "YAML with the same settings in sections, as `pinion config show` prints them.");
  text +=
      ".PP\nA flag is stronger than the environment, that than the file, that than the default.\n";
  text += ".SH EXIT STATUS\nThose of sysexits.h: 64 for wrong usage, 0 after SIGTERM.\n";
  text += ".SH SIGNALS\nSIGTERM: the engine ends in order; its tasks go on under the launcher and "
          "are taken over by the\n"
          "next engine.\n";
  return text + see_also;
}

std::string pinionctl_manual() {
  auto text = header("pinionctl", 1, "inspect and steer a Pinion engine");
  text += ".SH SYNOPSIS\n.B pinionctl\n[OPTION]... VERB [ARGUMENT]...\n.SH OPTIONS OF ALL VERBS\n";
  for (const auto& one : ctl::common_options())
    text += option(one);
  text += ".SH REFERENCES\n";
  for (const auto& row : ctl::ref_rows())
    text += tagged(bold(row.form), row.names);
  text += ".SH VERBS\n";
  for (const auto& verb : ctl::verbs()) {
    text += ".SS " + text_of(verb.name + (verb.usage.empty() ? "" : ' ' + verb.usage)) + '\n' +
            text_of(verb.summary) + '\n';
    if (!verb.details.empty())
      text += ".PP\n" + details(verb.details);
    for (const auto& one : verb.options)
      text += option(one);
  }
  text += ".SH EXIT STATUS\n";
  for (const auto& row : ctl::exit_rows())
    text += tagged(bold(std::to_string(static_cast<int>(row.code))), row.meaning);
  text += ".SH ENVIRONMENT\n" +
          tagged(bold("PINION_SERVER"), "The engine's socket, where --server is not given.") +
          tagged(bold("NO_COLOR"), "Plain text, as with --no-color.");
  return text + see_also;
}

std::string files_manual(const std::string& pinion_schema, const std::string& workflow_schema) {
  const auto pinion = json::parse(pinion_schema);
  const auto workflow = json::parse(workflow_schema);
  auto text = header("pinion.yaml", 5, "workflow files of Pinion, and what stands beside them");
  text += ".SH DESCRIPTION\nA workflows folder is read recursively. Each document of a .yaml or "
          ".yml file is a workflow;\n"
          "pinion.yaml holds what the workflows beside it and below share. `pinionctl validate` "
          "checks them.\n";
  text += keys_of("KEYS OF PINION.YAML", pinion, pinion);
  text += keys_of("KEYS OF A WORKFLOW", workflow.at("$defs").at("workflow"), workflow);
  text += keys_of("KEYS OF A DOCUMENT THAT IS MADE FROM A TEMPLATE",
                  workflow.at("$defs").at("from_template"), workflow);
  text += keys_of("KEYS OF A TASK", workflow.at("$defs").at("task"), workflow);
  text += keys_of("KEYS OF A TRIGGER", workflow.at("$defs").at("trigger"), workflow);
  return text + see_also;
}

} // namespace pinion::reference_pages
