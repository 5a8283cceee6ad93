#pragma once

#include "console.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <regex.h>
#include <string>
#include <vector>

namespace pinion::ctl {

/// A POSIX extended expression. Throws a usage failure if it is none.
class line_filter {
public:
  explicit line_filter(const std::string& expression);
  ~line_filter();
  line_filter(const line_filter&) = delete;
  line_filter& operator=(const line_filter&) = delete;
  bool matches(const std::string& line) const;

private:
  regex_t compiled_;
};

/// How logs are shown.
struct log_style {
  std::shared_ptr<const line_filter> filter; ///< Null: every line.
  bool timestamps = false;
};

/// Prints one attempt's log as its bytes come. Without prefix, filter and timestamps they pass as
/// they are, byte-exact into pipes, with control characters escaped on a terminal. Otherwise it
/// works by lines; `end` prints a last line that has no line feed.
class log_printer {
public:
  /// When the bytes at these offsets were written, as text.
  using time_lookup = std::function<std::vector<std::string>(const std::vector<std::uint64_t>&)>;

  log_printer(console& out, log_style style, std::string prefix, time_lookup times)
      : out_{out}, style_{std::move(style)}, prefix_{std::move(prefix)}, times_{std::move(times)} {}

  /// `offset`: of the first byte in the log.
  void add(std::uint64_t offset, const std::string& bytes);
  /// Tells that the middle of the log is not there.
  void add_cut(std::uint64_t cut_bytes);
  void end();

private:
  struct line {
    std::uint64_t offset;
    std::string text; ///< Without line feed.
  };
  bool by_lines() const { return style_.filter || style_.timestamps || !prefix_.empty(); }
  void print(std::vector<line> lines);
  void emit(const std::string& bytes);

  console& out_;
  log_style style_;
  std::string prefix_;
  time_lookup times_;
  line open_{0, {}}; ///< The last line, as long as its line feed has not come.
};

} // namespace pinion::ctl
