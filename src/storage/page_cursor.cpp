#include "storage/page_cursor.hpp"

namespace pinion {
namespace {

constexpr std::size_t largest_page = 1000;
constexpr std::string_view digits = "0123456789abcdef";

/// The bytes that `text` spells, or nothing if it is not lower-case hex.
std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0)
    return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = digits.find(text[i]);
    const auto low = digits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos)
      return std::nullopt;
    bytes += static_cast<char>(static_cast<unsigned char>(high << 4U | low));
  }
  return bytes;
}

} // namespace

problem bad_cursor() {
  return {errc::invalid, "the cursor is not one that this list has given",
          "start the list again without a cursor"};
}

std::string write_cursor(char kind, std::string_view key) {
  std::string text;
  text.reserve(2 * (key.size() + 1));
  const auto put = [&](char byte) {
    text += digits[static_cast<unsigned char>(byte) >> 4U];
    text += digits[static_cast<unsigned char>(byte) & 15U];
  };
  put(kind);
  for (const char byte : key)
    put(byte);
  return text;
}

result<std::optional<std::string>> read_cursor(const page_request& ask, char kind) {
  if (ask.limit < 1 || ask.limit > largest_page)
    return problem{
        errc::invalid, "a page holds 1 to 1000 items, not " + std::to_string(ask.limit), {}};
  if (ask.cursor.empty())
    return std::optional<std::string>{};
  auto bytes = from_hex(ask.cursor);
  if (!bytes || bytes->empty() || bytes->front() != kind)
    return bad_cursor();
  bytes->erase(0, 1);
  return bytes;
}

result<run_id> cursor_run(std::string_view key) {
  auto id = keys::decode_run(key);
  return id ? id : bad_cursor();
}

result<instance_key> cursor_instance(std::string_view key) {
  auto at = keys::decode_instance(key);
  return at ? at : bad_cursor();
}

} // namespace pinion
