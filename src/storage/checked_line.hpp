#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace pinion {

/// FNV-1a, 64 bit.
inline std::uint64_t fnv1a(std::string_view bytes) noexcept {
  std::uint64_t sum = 0xcbf29ce484222325ULL;
  for (const char byte : bytes)
    sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
  return sum;
}

/// `text`, " sum ", the FNV-1a of `text` in 16 hex digits, and a line feed.
inline std::string with_sum(const std::string& text) {
  std::array<char, 32> sum{};
  std::snprintf(sum.data(), sum.size(), " sum %016llx\n",
                static_cast<unsigned long long>(fnv1a(text)));
  return text + sum.data();
}

} // namespace pinion
