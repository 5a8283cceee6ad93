#pragma once

#include "pinion/definitions/diagnostic.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion::definitions {

/// A line and a column of a file, both from 1; the column counts code points.
struct file_place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend bool operator==(const file_place&, const file_place&) = default;
};

/// The text of one file as the parser sees it: UTF-8, without byte order mark, lines that end in
/// "\n" alone, no control characters but tab and newline. Offsets are bytes of that text.
class source_file {
public:
  /// Takes any bytes. What cannot be read as said above leaves `text()` empty and is told by
  /// `refused()`.
  source_file(std::string path, std::string_view bytes);

  const std::string& path() const noexcept { return path_; }
  const std::string& text() const noexcept { return text_; }

  /// The errors that forbid reading the file; empty: it can be read.
  const std::vector<diagnostic>& refused() const noexcept { return refused_; }

  /// Where an offset (at most `text().size()`) lies.
  file_place place_of(std::size_t offset) const;

  /// The offset at which a line (from 1) begins; the end of the text for a line past it.
  std::size_t line_begin(std::uint32_t line) const;

private:
  void read(std::string_view bytes);
  void refuse(std::size_t offset, std::string message, std::string suggestion);
  void check_characters();
  const std::vector<std::uint32_t>& line_starts() const;

  std::string path_;
  std::string text_;
  std::vector<diagnostic> refused_;
  mutable std::vector<std::uint32_t> line_starts_; ///< Made when first needed.
};

} // namespace pinion::definitions
