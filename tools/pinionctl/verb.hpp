#pragma once

#include "client.hpp"
#include "console.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pinion::ctl {

/// One option of a verb. `value` is the word for its argument in the help; empty: a flag; in the
/// form "[=A|B]" the argument may be left out, and only `--name=A` gives it.
struct option_spec {
  std::string name; ///< Long name, without dashes.
  char letter = 0;  ///< Short name; 0: none.
  std::string value;
  std::string help;
};

/// The arguments of one call, checked against the verb's table.
class arguments {
public:
  std::vector<std::string> words; ///< Those without dashes, the verb left out.
  std::map<std::string, std::vector<std::string>> given;

  bool has(const std::string& name) const { return given.contains(name); }
  /// The last value given, or empty text.
  std::string text(const std::string& name) const;
  std::vector<std::string> all(const std::string& name) const;
  /// Throws a usage failure unless the text is a whole number in [least, most].
  std::optional<std::uint64_t> number(const std::string& name, std::uint64_t least,
                                      std::uint64_t most) const;
};

/// What a verb works with.
struct session {
  const arguments& args;
  console& out;
  client& engine; ///< Connects when it is used first: offline verbs need none.
};

struct verb_spec {
  std::string name;
  std::string usage;   ///< The words: "REF", "PATH...".
  std::string summary; ///< One sentence.
  std::string details; ///< Further paragraphs of its help; may be empty.
  std::size_t least_words = 0;
  std::size_t most_words = 0;
  std::vector<option_spec> options; ///< Beside those that all verbs take.
  exit_code (*run)(session&) = nullptr;
};

/// All verbs, in the order of the help. The only table of them.
const std::vector<verb_spec>& verbs();

/// Those that all verbs take.
const std::vector<option_spec>& common_options();

/// `--reason TEXT`, which every verb that changes something takes.
option_spec reason_option();

/// Splits a command line. Throws a usage failure for unknown verbs and options, with the nearest
/// name, and for a wrong number of words. `verb` is null if only help was asked for.
struct command_line {
  const verb_spec* verb = nullptr;
  bool help = false;
  arguments args;
};
command_line parse_command_line(const std::vector<std::string>& words);

/// The kinds that `get` lists, in the order of its help.
std::vector<std::string> kind_names();

/// The exit codes with their meanings.
struct exit_row {
  exit_code code;
  std::string meaning;
};
const std::vector<exit_row>& exit_rows();

/// The forms of a REF with what they name.
struct ref_row {
  std::string form; ///< Several are separated by blanks.
  std::string names;
};
const std::vector<ref_row>& ref_rows();

/// What `completion` prints for "bash" or "zsh".
std::string completion_script(const std::string& shell);

std::string help_text();
std::string help_text(const verb_spec& verb);

} // namespace pinion::ctl
