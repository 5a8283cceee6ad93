#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// Where in shell text a value stands; decides how it is written.
enum class shell_place : std::uint8_t {
  refused,       ///< Cannot be decided, or cannot be made safe.
  bare,          ///< Becomes a word in quotes.
  single_quoted, ///< Inside '...'
  double_quoted, ///< Inside "..."
  ansi_quoted,   ///< Inside $'...'
  here_literal,  ///< A here-document with a quoted delimiter: as it is.
  here_expanded, ///< A here-document that the shell expands.
  arithmetic,    ///< Inside $((...)), ((...)), $[...]: only integers.
  comment,       ///< Line breaks become spaces.
};

/// What is known at a place.
struct shell_spot {
  shell_place place = shell_place::refused;
  std::string delimiter;    ///< Of the here-document around it.
  bool strips_tabs = false; ///< That one is `<<-`.
  std::string why;          ///< Of `refused`: completes "a value cannot be placed ...".
};

/// Follows the quoting of shell text (POSIX 2.2 and 2.3, bash's $'...', $"...", <(...), $[...],
/// ((...))) byte by byte, just far enough to tell how a value at some byte will be read. Where
/// following would take a full parser (`case` inside $(...), quotes inside ${...} and so on) it
/// says so: from there on every place is refused. Linear in the text.
class shell_scanner {
public:
  /// Reads literal text. Returns false when that text makes a value read before it unsafe (then
  /// `spot().why` says why): a here-document line with a value that is continued by a backslash.
  bool feed(std::string_view text);

  /// The place behind what was fed so far.
  shell_spot spot() const;

  /// A value stands here.
  void value();

private:
  enum class frame_kind : std::uint8_t {
    command, ///< The top, $(...), <(...), (...)
    single,
    dquote,
    ansi,
    parameter, ///< ${...}
    backtick,
    arithmetic, ///< Ends with `))`; `depth` counts inner brackets.
    bracket,    ///< $[...], ends with `]`
    comment,
    here,     ///< Body that is expanded
    here_raw, ///< Body that is not
  };
  struct frame {
    frame_kind kind = frame_kind::command;
    unsigned depth = 0;
  };
  struct here_document {
    std::string delimiter;
    bool literal = false;
    bool strips_tabs = false;
    std::size_t level = 0; ///< Frames that were open where it was announced.
  };
  enum class announced : std::uint8_t { no, blank, word };

  void step(char c);
  void in_command(char c);
  void in_double(char c);
  void in_parameter(char c);
  void in_arithmetic(char c);
  void in_here(char c);
  void in_delimiter(char c);
  bool expansion(char c);
  void open(frame_kind kind);
  void close();
  void newline();
  void begin_bodies();
  void end_here_line();
  void end_word();
  void lose(std::string why);

  std::vector<frame> frames_{frame{}};
  std::vector<here_document> pending_;
  std::vector<here_document> bodies_; ///< The first is being read.
  std::string lost_;                  ///< Not empty: why nothing can be decided any more.
  std::string word_;                  ///< Unquoted word so far, to see `case`.
  std::string line_;                  ///< Of the here-document so far.
  bool line_has_value_ = false;
  bool line_joined_ = false; ///< It continues the one before.
  bool unsafe_ = false;
  announced delimiter_ = announced::no;
  char delimiter_quote_ = 0;
  bool delimiter_escape_ = false;
  here_document next_;
  bool escaped_ = false;   ///< The byte before is a backslash that counts.
  bool dollar_ = false;    ///< The byte before is a `$` that counts.
  bool word_start_ = true; ///< A `#` here begins a comment.
  bool fresh_ = false;     ///< The byte before is the `(` that opened the top frame.
  char previous_ = 'x';    ///< Inside arithmetic.
  unsigned less_ = 0;      ///< `<` in a row just before.
};

} // namespace pinion
