#pragma once

#include "json.hpp"
#include "table.hpp"

#include <string>
#include <string_view>

namespace pinion::ctl {

enum class format { table, wide, as_json, yaml, name, dot };

/// Where a verb's answer goes. With json, yaml and dot, standard output holds one document and
/// nothing else; sentences then go to standard error.
class console {
public:
  console(format chosen, bool colored_output);

  format chosen() const noexcept { return format_; }
  bool for_people() const noexcept { return format_ == format::table || format_ == format::wide; }
  bool is_terminal() const noexcept { return terminal_; }

  /// The document of json and yaml.
  void document(const json& value);
  void print(const table& rows);
  /// The same for a table that goes on, see `table::text`.
  void print(const table& rows, std::vector<std::size_t>& widths);
  /// Bytes to standard output, as they are.
  void raw(std::string_view bytes);
  /// A line of the answer for people.
  void line(const std::string& text);
  /// A sentence beside the answer: to standard output for people, else to standard error.
  void say(const std::string& sentence);
  /// Always to standard error.
  void note(const std::string& sentence);
  void flush();

  /// A state in its colour, if there is colour.
  std::string state(const std::string& name) const;
  /// Any text in the colour of a state.
  std::string state_as(const std::string& text, const std::string& name) const;
  std::string bold(const std::string& text) const;
  std::string dim(const std::string& text) const;

private:
  std::string painted(const std::string& text, const char* code) const;
  format format_;
  bool terminal_;
  bool color_;
};

/// Throws a usage failure for an unknown name.
format format_named(const std::string& name);

/// Control characters as `\x1b`, apart from line feed and tab: what a task printed must not steer
/// the terminal. Bytes from 0x80 on pass.
std::string escaped(std::string_view text);

/// YAML of a JSON value, ending in a line feed.
std::string to_yaml(const json& value);

} // namespace pinion::ctl
