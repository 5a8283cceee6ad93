#include "console.hpp"

#include "failure.hpp"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace pinion::ctl {
namespace {

/// Colours of states: green is good, red is bad, yellow wants a look, blue is at work.
const char* color_of(const std::string& state) {
  if (state == "success")
    return "32";
  if (state == "failed" || state == "upstream_failed" || state == "error" || state == "missed")
    return "31";
  if (state == "cancelled" || state == "retry_wait" || state == "stopping" || state == "paused" ||
      state == "late" || state == "frozen")
    return "33";
  if (state == "running" || state == "async_running" || state == "dqc_check" || state == "ready")
    return "36";
  return "2";
}

} // namespace

console::console(format chosen, bool colored_output)
    : format_{chosen}, terminal_{::isatty(STDOUT_FILENO) == 1}, color_{colored_output &&
                                                                       terminal_ &&
                                                                       std::getenv("NO_COLOR") ==
                                                                           nullptr} {}

void console::raw(std::string_view bytes) { std::fwrite(bytes.data(), 1, bytes.size(), stdout); }

void console::flush() { std::fflush(stdout); }

void console::line(const std::string& text) { raw(text + '\n'); }

void console::say(const std::string& sentence) { for_people() ? line(sentence) : note(sentence); }

void console::note(const std::string& sentence) {
  // What has been printed so far comes first where both streams lead to one place.
  flush();
  const auto text = sentence + '\n';
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void console::document(const json& value) {
  raw(format_ == format::yaml ? to_yaml(value) : dump(value, 2) + '\n');
}

void console::print(const table& rows) {
  std::vector<std::size_t> widths;
  print(rows, widths);
}

void console::print(const table& rows, std::vector<std::size_t>& widths) {
  const auto paint = [this](const std::string& cell, bool is_state, bool is_header) {
    return is_header ? bold(cell) : is_state ? state(cell) : cell;
  };
  raw(rows.text(paint, widths));
}

std::string console::painted(const std::string& text, const char* code) const {
  return color_ ? std::string{"\x1b["} + code + 'm' + text + "\x1b[0m" : text;
}

std::string console::state(const std::string& name) const {
  const auto end = name.find_last_not_of(' ');
  return painted(name, color_of(end == std::string::npos ? name : name.substr(0, end + 1)));
}
std::string console::state_as(const std::string& text, const std::string& name) const {
  return painted(text, color_of(name));
}
std::string console::bold(const std::string& text) const { return painted(text, "1"); }
std::string console::dim(const std::string& text) const { return painted(text, "2"); }

format format_named(const std::string& name) {
  if (name.empty() || name == "table")
    return format::table;
  if (name == "wide")
    return format::wide;
  if (name == "json")
    return format::as_json;
  if (name == "yaml")
    return format::yaml;
  if (name == "name")
    return format::name;
  if (name == "dot")
    return format::dot;
  throw usage_failure("Unknown format '" + name + "'", "table, wide, json, yaml or name");
}

std::string escaped(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) {
      out += "\\x";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += c;
    }
  }
  return out;
}

} // namespace pinion::ctl
