#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pinion {

/// Appends the low `Bytes` bytes of `value`, most significant first.
template <std::size_t Bytes>
void append_big(std::string& out, std::uint64_t value) {
  for (std::size_t i = Bytes; i-- > 0;)
    out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

/// Inverse of `append_big`; reads `bytes` whole (at most 8).
inline std::uint64_t read_big(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char byte : bytes)
    value = (value << 8U) | static_cast<unsigned char>(byte);
  return value;
}

/// `value` as 8 bytes, least significant first.
inline std::string little_u64(std::uint64_t value) {
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    out[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  return out;
}

/// Inverse of `little_u64`; `bytes` is 8 long.
inline std::uint64_t read_little(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
  return value;
}

} // namespace pinion
