#include "definitions/shell_scanner.hpp"

#include <algorithm>

namespace pinion {

namespace {

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
bool is_meta(char c) noexcept {
  return is_blank(c) || c == '\n' || c == ';' || c == '&' || c == '|' || c == '(' || c == ')' ||
         c == '<' || c == '>';
}
constexpr std::size_t max_frames = 200;

} // namespace

bool shell_scanner::feed(std::string_view text) {
  for (const auto c : text) {
    if (!lost_.empty())
      break;
    step(c);
  }
  return !unsafe_;
}

void shell_scanner::lose(std::string why) {
  if (lost_.empty())
    lost_ = std::move(why);
}

void shell_scanner::open(frame_kind kind) {
  if (frames_.size() >= max_frames)
    return lose("behind brackets nested more than 200 deep");
  frames_.push_back({kind, 0});
  word_.clear();
}

void shell_scanner::close() {
  const auto level = frames_.size();
  for (const auto& here : pending_)
    if (here.level >= level)
      return lose("behind a here-document that the command around it cuts off");
  frames_.pop_back();
  word_.clear();
  word_start_ = false;
}

/// `$` or a backtick that begins an expansion; common to all places where the shell expands.
bool shell_scanner::expansion(char c) {
  const bool after_dollar = dollar_;
  dollar_ = false;
  if (after_dollar) {
    switch (c) {
    case '{':
      open(frame_kind::parameter);
      return true;
    case '[':
      open(frame_kind::bracket);
      return true;
    case '(':
      open(frame_kind::command);
      word_start_ = true;
      fresh_ = true;
      return true;
    case '$':
      return true; // The shell's process id.
    default:
      break;
    }
  }
  if (c == '`')
    open(frame_kind::backtick);
  dollar_ = c == '$';
  return c == '`' || c == '$';
}

void shell_scanner::step(char c) {
  const auto kind = frames_.back().kind;
  if (!bodies_.empty() && !(kind == frame_kind::here || kind == frame_kind::here_raw)) {
    // Inside $(...) of a here-document's body. The delimiter still ends the body, by raw lines.
    if (c == '\n') {
      const auto first = bodies_.front().strips_tabs ? line_.find_first_not_of('\t') : 0;
      if (line_.substr(std::min(first, line_.size())) == bodies_.front().delimiter)
        return lose("behind a here-document that ends inside $(...)");
      line_.clear();
      line_has_value_ = false;
    } else {
      line_ += c;
    }
  }
  if (delimiter_ != announced::no)
    return in_delimiter(c);
  switch (kind) {
  case frame_kind::command:
    in_command(c);
    break;
  case frame_kind::single:
    if (c == '\'')
      close();
    break;
  case frame_kind::ansi:
    if (escaped_)
      escaped_ = false;
    else if (c == '\\')
      escaped_ = true;
    else if (c == '\'')
      close();
    break;
  case frame_kind::dquote:
    in_double(c);
    break;
  case frame_kind::parameter:
    in_parameter(c);
    break;
  case frame_kind::backtick:
    if (escaped_)
      escaped_ = false;
    else if (c == '\\')
      escaped_ = true;
    else if (c == '`')
      close();
    break;
  case frame_kind::arithmetic:
  case frame_kind::bracket:
    in_arithmetic(c);
    break;
  case frame_kind::comment:
    if (c == '\n') {
      frames_.pop_back();
      newline();
    }
    break;
  case frame_kind::here:
  case frame_kind::here_raw:
    in_here(c);
    break;
  }
}

void shell_scanner::end_word() {
  if (word_ == "case" && frames_.size() > 1)
    lose("behind `case` inside brackets");
  word_.clear();
}

void shell_scanner::in_command(char c) {
  const auto arrows = less_;
  const bool after_dollar = dollar_;
  const bool fresh = fresh_;
  less_ = 0;
  fresh_ = false;
  if (escaped_) {
    escaped_ = false;
    if (c != '\n') { // A continued line leaves no trace.
      word_start_ = false;
      word_ += '\\';
    }
    return;
  }
  if (arrows == 2 && c != '<') {
    next_ = {};
    next_.level = frames_.size();
    next_.strips_tabs = c == '-';
    delimiter_ = announced::blank;
    if (c != '-')
      in_delimiter(c);
    return;
  }
  if (after_dollar && (c == '\'' || c == '"')) {
    dollar_ = false;
    word_start_ = false;
    return open(c == '"' ? frame_kind::dquote : frame_kind::ansi);
  }
  if (c == '(' && !after_dollar) {
    end_word();
    if (fresh) { // The second bracket of $(( or ((
      frames_.back().kind = frame_kind::arithmetic;
      previous_ = 'x';
      return;
    }
    open(frame_kind::command);
    word_start_ = true;
    fresh_ = true;
    return;
  }
  if (expansion(c)) {
    if (c == '$' || c == '`') {
      word_start_ = false;
      word_ += c;
    }
    return;
  }
  switch (c) {
  case '\\':
    escaped_ = true;
    return;
  case '\'':
  case '"':
    word_ += c;
    word_start_ = false;
    open(c == '"' ? frame_kind::dquote : frame_kind::single);
    return;
  case '#':
    if (word_start_)
      return open(frame_kind::comment);
    break;
  case ')':
    end_word();
    if (frames_.size() > 1 && lost_.empty())
      close();
    word_start_ = true;
    return;
  case '\n':
    end_word();
    return newline();
  case '<':
    less_ = std::min(arrows + 1, 3U);
    break;
  default:
    break;
  }
  if (is_meta(c)) {
    end_word();
    word_start_ = true;
  } else {
    word_start_ = false;
    if (word_.size() < 8)
      word_ += c;
  }
}

void shell_scanner::in_double(char c) {
  if (escaped_)
    escaped_ = false;
  else if (expansion(c))
    return;
  else if (c == '\\')
    escaped_ = true;
  else if (c == '"')
    close();
}

void shell_scanner::in_parameter(char c) {
  if (escaped_) {
    escaped_ = false;
    return;
  }
  const bool after_dollar = dollar_;
  if (expansion(c))
    return;
  const bool quoted = std::any_of(frames_.begin(), frames_.end(), [](const frame& one) {
    return one.kind == frame_kind::dquote || one.kind == frame_kind::here;
  });
  switch (c) {
  case '\\':
    escaped_ = true;
    break;
  case '}':
    close();
    break;
  case '{':
    lose("behind a brace inside ${...}");
    break;
  case '"':
    open(frame_kind::dquote);
    break;
  case '\'':
    // Whether it quotes depends on the operator and on what stands around.
    if (quoted || after_dollar)
      lose("behind a quote inside ${...}");
    else
      open(frame_kind::single);
    break;
  default:
    break;
  }
}

void shell_scanner::in_arithmetic(char c) {
  auto& top = frames_.back();
  const auto before = previous_;
  previous_ = c;
  if (c == '\'' || c == '"' || c == '`' || c == '\\' || (c == '(' && before == '$'))
    return lose("behind quotes or commands inside arithmetic");
  if (top.kind == frame_kind::bracket) {
    if (c == '[')
      ++top.depth;
    else if (c == ']' && top.depth-- == 0)
      close();
    return;
  }
  if (before == ')') {
    if (c != ')') // `$((a) | b)` is a command after all.
      return lose("behind brackets that may be arithmetic or commands");
    close();
    word_start_ = true;
  } else if (c == '(') {
    ++top.depth;
  } else if (c == ')' && top.depth > 0) {
    --top.depth;
    previous_ = 'x';
  }
}

void shell_scanner::newline() {
  word_start_ = true;
  if (!pending_.empty())
    begin_bodies();
}

void shell_scanner::begin_bodies() {
  if (!bodies_.empty())
    return lose("behind a here-document inside another");
  for (const auto& here : pending_)
    if (here.level != frames_.size())
      return lose("behind a here-document whose line goes on inside brackets");
  bodies_ = std::move(pending_);
  pending_.clear();
  line_.clear();
  line_has_value_ = line_joined_ = false;
  open(bodies_.front().literal ? frame_kind::here_raw : frame_kind::here);
}

/// A word such as EOF, 'EOF' or \EOF behind `<<`.
void shell_scanner::in_delimiter(char c) {
  if (delimiter_ == announced::blank) {
    if (is_blank(c))
      return;
    delimiter_ = announced::word;
  }
  if (delimiter_escape_) {
    delimiter_escape_ = false;
    if (c == '\n')
      return lose("behind a here-document with an unusual delimiter");
    next_.delimiter += c;
    return;
  }
  if (delimiter_quote_ != 0) {
    if (c == delimiter_quote_)
      delimiter_quote_ = 0;
    else if (c == '\n' || c == '\\' || c == '$' || c == '`')
      lose("behind a here-document with an unusual delimiter");
    else
      next_.delimiter += c;
    return;
  }
  if (c == '\'' || c == '"') {
    delimiter_quote_ = c;
    next_.literal = true;
  } else if (c == '\\') {
    delimiter_escape_ = true;
    next_.literal = true;
  } else if (c == '$' || c == '`') {
    lose("behind a here-document with an unusual delimiter");
  } else if (is_meta(c)) {
    delimiter_ = announced::no;
    if (next_.delimiter.empty() && !next_.literal)
      return lose("behind `<<` without a delimiter");
    pending_.push_back(std::move(next_));
    next_ = {};
    word_start_ = true;
    in_command(c);
  } else {
    next_.delimiter += c;
  }
}

void shell_scanner::in_here(char c) {
  if (escaped_) {
    escaped_ = false;
    if (c == '\n') { // The shell joins the lines before it looks for the delimiter.
      if (line_has_value_) {
        unsafe_ = true;
        lose("in a here-document line that a backslash continues");
      }
      line_.pop_back();
      line_joined_ = true;
    } else {
      line_ += c;
    }
    return;
  }
  if (c == '\n')
    return end_here_line();
  line_ += c;
  if (frames_.back().kind == frame_kind::here_raw)
    return;
  if (!expansion(c) && c == '\\')
    escaped_ = true;
}

void shell_scanner::end_here_line() {
  dollar_ = false;
  const auto& here = bodies_.front();
  std::string_view line = line_;
  if (here.strips_tabs)
    line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
  const bool ends = !line_has_value_ && line == here.delimiter;
  line_.clear();
  line_has_value_ = line_joined_ = false;
  if (!ends)
    return;
  frames_.pop_back();
  bodies_.erase(bodies_.begin());
  word_start_ = true;
  if (!bodies_.empty())
    open(bodies_.front().literal ? frame_kind::here_raw : frame_kind::here);
}

shell_spot shell_scanner::spot() const {
  const auto refuse = [](std::string why) {
    return shell_spot{shell_place::refused, {}, false, std::move(why)};
  };
  if (!lost_.empty())
    return refuse(lost_);
  if (delimiter_ != announced::no || less_ == 2)
    return refuse("in the delimiter of a here-document");
  for (const auto& open_frame : frames_) {
    if (open_frame.kind == frame_kind::parameter)
      return refuse("inside ${...}");
    if (open_frame.kind == frame_kind::backtick)
      return refuse("inside backticks; write $(...)");
  }
  const auto kind = frames_.back().kind;
  if (!bodies_.empty() && kind != frame_kind::here && kind != frame_kind::here_raw)
    return refuse("inside an expansion within a here-document");
  if (escaped_)
    return refuse("right behind a backslash");
  if (dollar_)
    return refuse("right behind `$`; drop the `$`");
  switch (kind) {
  case frame_kind::command:
    return {shell_place::bare, {}, false, {}};
  case frame_kind::single:
    return {shell_place::single_quoted, {}, false, {}};
  case frame_kind::dquote:
    return {shell_place::double_quoted, {}, false, {}};
  case frame_kind::ansi:
    return {shell_place::ansi_quoted, {}, false, {}};
  case frame_kind::arithmetic:
  case frame_kind::bracket:
    return {shell_place::arithmetic, {}, false, {}};
  case frame_kind::comment:
    return {shell_place::comment, {}, false, {}};
  case frame_kind::here:
  case frame_kind::here_raw:
    break;
  case frame_kind::parameter:
  case frame_kind::backtick:
    return refuse("inside an expansion");
  }
  if (line_joined_)
    return refuse("in a here-document line that a backslash continues");
  const auto& here = bodies_.front();
  return {kind == frame_kind::here ? shell_place::here_expanded : shell_place::here_literal,
          here.delimiter,
          here.strips_tabs,
          {}};
}

void shell_scanner::value() {
  line_has_value_ = true;
  word_start_ = false;
  escaped_ = dollar_ = fresh_ = false;
  previous_ = 'x';
  less_ = 0;
  word_ += '\'';
}

} // namespace pinion
