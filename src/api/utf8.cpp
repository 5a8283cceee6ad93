#include "api/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace pinion {
namespace {

/// Bytes of the sequence that `lead` begins, and the range of its second byte; 0 bytes: no lead.
struct sequence {
  std::size_t bytes;
  std::uint8_t low;
  std::uint8_t high;
};

constexpr sequence sequence_of(std::uint8_t lead) noexcept {
  if (lead < 0x80)
    return {1, 0, 0};
  if (lead >= 0xC2 && lead <= 0xDF)
    return {2, 0x80, 0xBF};
  if (lead == 0xE0)
    return {3, 0xA0, 0xBF};
  if (lead == 0xED)
    return {3, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF)
    return {3, 0x80, 0xBF};
  if (lead == 0xF0)
    return {4, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3)
    return {4, 0x80, 0xBF};
  if (lead == 0xF4)
    return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  for (std::size_t i = 0; i < text.size();) {
    const auto [bytes, low, high] = sequence_of(byte(i));
    if (bytes == 0 || i + bytes > text.size())
      return false;
    if (bytes > 1 && (byte(i + 1) < low || byte(i + 1) > high))
      return false;
    for (std::size_t k = 2; k < bytes; ++k)
      if ((byte(i + k) & 0xC0U) != 0x80U)
        return false;
    i += bytes;
  }
  return true;
}

} // namespace pinion
