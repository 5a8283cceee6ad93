#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// One input of a fuzz target, as libFuzzer calls it: a fault ends the process. Always returns 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace pinion::fuzz {

/// Ends the process unless `holds`, so that the fuzzer keeps the input. Not `assert`: it counts in
/// every build.
inline void require(bool holds, const char* what) {
  if (holds)
    return;
  std::fprintf(stderr, "this does not hold: %s\n", what);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first line off `text`; all of it where there is no line break.
inline std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Takes the first byte off `text`; 0 where there is none.
inline std::uint8_t take_byte(std::string_view& text) {
  if (text.empty())
    return 0;
  const auto byte = static_cast<std::uint8_t>(text.front());
  text.remove_prefix(1);
  return byte;
}

} // namespace pinion::fuzz
