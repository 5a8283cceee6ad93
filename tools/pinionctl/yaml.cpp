#include "console.hpp"

namespace pinion::ctl {
namespace {

/// May the text stand without quotes? Only where no YAML reader can take it for something else.
bool is_plain(const std::string& text) {
  if (text.empty() || text.size() > 200)
    return false;
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (!is_letter(text.front()))
    return false;
  for (const char c : text)
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '/')
      return false;
  static const char* const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n",
                                      "True", "False", "Null", "Yes", "No", "On", "Off", "Y", "N",
                                      "TRUE", "FALSE", "NULL", "YES", "NO", "ON", "OFF"};
  for (const auto* word : words)
    if (text == word)
      return false;
  return true;
}

/// JSON's quoting is valid in YAML's double quotes.
std::string scalar(const json& value) {
  if (value.is_string() && is_plain(value.get<std::string>()))
    return value.get<std::string>();
  return dump(value);
}

bool is_leaf(const json& value) { return !value.is_structured() || value.empty(); }

void write(const json& value, std::size_t depth, bool in_list, std::string& out) {
  const std::string indent(depth * 2, ' ');
  bool first = in_list; // The first key of a list's item stands behind its dash.
  const auto child = [&](const json& below) {
    if (is_leaf(below)) {
      out += ' ' + scalar(below) + '\n';
    } else {
      out += '\n';
      write(below, depth + 1, false, out);
    }
  };
  if (value.is_object()) {
    for (const auto& [name, below] : value.items()) {
      out += (first ? "" : indent) + scalar(json(name)) + ':';
      first = false;
      child(below);
    }
    return;
  }
  for (const auto& below : value) {
    out += indent + '-';
    if (is_leaf(below)) {
      out += ' ' + scalar(below) + '\n';
    } else if (below.is_object()) {
      out += ' ';
      write(below, depth + 1, true, out);
    } else {
      out += '\n';
      write(below, depth + 1, false, out);
    }
  }
}

} // namespace

std::string to_yaml(const json& value) {
  if (is_leaf(value))
    return scalar(value) + '\n';
  std::string out;
  write(value, 0, false, out);
  return out;
}

} // namespace pinion::ctl
