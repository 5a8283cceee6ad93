#include "definitions/source_file.hpp"

#include "pinion/definitions/limits.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace pinion::definitions {

namespace {

using namespace std::string_view_literals;

bool continues(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

/// Length of the well-formed UTF-8 sequence at the front of `text` (Unicode, table 3-7); 0 if it is
/// ill-formed.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  const auto lead = byte(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xC2 && lead <= 0xDF)
    return continues(byte(1)) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool second = (lead != 0xE0 || byte(1) >= 0xA0) && (lead != 0xED || byte(1) <= 0x9F);
    return second && continues(byte(1)) && continues(byte(2)) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool second = (lead != 0xF0 || byte(1) >= 0x90) && (lead != 0xF4 || byte(1) <= 0x8F);
    return second && continues(byte(1)) && continues(byte(2)) && continues(byte(3)) ? 4 : 0;
  }
  return 0;
}

bool is_utf16_or_32(std::string_view bytes) {
  return bytes.starts_with("\xFF\xFE"sv) || bytes.starts_with("\xFE\xFF"sv) ||
         bytes.starts_with("\0\0\xFE\xFF"sv) ||
         (bytes.size() >= 2 && (bytes[0] == '\0') != (bytes[1] == '\0'));
}

std::string without_carriage_returns(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != '\r' || i + 1 == bytes.size() || bytes[i + 1] != '\n')
      out += bytes[i];
  return out;
}

std::string control_character(unsigned char byte) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "U+%04X", static_cast<unsigned>(byte));
  return std::string{"control character "} + buffer.data();
}

} // namespace

source_file::source_file(std::string path, std::string_view bytes) : path_{std::move(path)} {
  read(bytes);
  if (!refused_.empty())
    text_.clear();
}

void source_file::read(std::string_view bytes) {
  if (bytes.size() > definition_limits::file_bytes)
    return refuse(0, "the file has more than 16 MiB", "split it into several files");
  if (is_utf16_or_32(bytes))
    return refuse(0, "the file is UTF-16 or UTF-32", "save it as UTF-8");
  if (bytes.starts_with("\xEF\xBB\xBF"sv))
    bytes.remove_prefix(3);
  text_ = without_carriage_returns(bytes);
  check_characters();
}

void source_file::refuse(std::size_t offset, std::string message, std::string suggestion) {
  const auto at = place_of(offset);
  refused_.push_back({path_, at.line, at.column, std::move(message), std::move(suggestion)});
}

void source_file::check_characters() {
  for (std::size_t i = 0; i < text_.size();) {
    const auto byte = static_cast<unsigned char>(text_[i]);
    if (byte == '\r')
      return refuse(i, "a carriage return without a newline", "end lines in LF or CR LF");
    if ((byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7F)
      return refuse(i, control_character(byte) + " in the file", "remove it");
    const auto length = sequence_length(std::string_view{text_}.substr(i, 4));
    if (length == 0)
      return refuse(i, "the file is not UTF-8 here", "save it as UTF-8");
    i += length;
  }
}

const std::vector<std::uint32_t>& source_file::line_starts() const {
  if (line_starts_.empty()) {
    line_starts_.push_back(0);
    for (std::size_t i = 0; i < text_.size(); ++i)
      if (text_[i] == '\n')
        line_starts_.push_back(static_cast<std::uint32_t>(i + 1));
  }
  return line_starts_;
}

file_place source_file::place_of(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto& starts = line_starts();
  const auto after = std::upper_bound(starts.begin(), starts.end(), offset);
  const auto begin = *(after - 1);
  const auto columns =
      std::count_if(text_.begin() + begin, text_.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char c) { return !continues(static_cast<unsigned char>(c)); });
  return {static_cast<std::uint32_t>(after - starts.begin()),
          static_cast<std::uint32_t>(columns + 1)};
}

std::size_t source_file::line_begin(std::uint32_t line) const {
  const auto& starts = line_starts();
  return line <= starts.size() ? starts[line - 1] : text_.size();
}

} // namespace pinion::definitions
