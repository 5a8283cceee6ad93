#pragma once

#include "pinion/model/ids.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace pinion {

/// Appends numbers (little-endian) and strings (u32 length, bytes) to a byte string. For the
/// launcher's socket and journal, both of one machine.
class byte_writer {
public:
  explicit byte_writer(std::string& out) noexcept : out_{out} {}
  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u32(std::uint32_t value) { number(value); }
  void u64(std::uint64_t value) { number(value); }
  void i64(std::int64_t value) { number(static_cast<std::uint64_t>(value)); }
  void text(std::string_view value) {
    u32(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
  }
  /// 32 bytes.
  void key(const process_key& value) {
    u64(value.instance.run.value);
    u32(value.instance.task);
    u32(value.instance.element);
    u64(value.token.epoch);
    u32(value.token.attempt);
    u32(value.token.step);
  }

private:
  template <class Number>
  void number(Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
      out_.push_back(static_cast<char>(static_cast<std::uint8_t>(value >> (8U * i))));
  }
  std::string& out_;
};

/// Inverse of `byte_writer`. What is missing reads as zero or empty and makes `ok` false for good.
class byte_reader {
public:
  explicit byte_reader(std::string_view bytes) noexcept : rest_{bytes} {}
  bool ok() const noexcept { return ok_; }
  std::size_t left() const noexcept { return rest_.size(); }
  std::uint8_t u8() noexcept { return number<std::uint8_t>(); }
  std::uint32_t u32() noexcept { return number<std::uint32_t>(); }
  std::uint64_t u64() noexcept { return number<std::uint64_t>(); }
  std::int64_t i64() noexcept { return static_cast<std::int64_t>(number<std::uint64_t>()); }
  std::string_view text() noexcept {
    const auto size = u32();
    if (!take(size))
      return {};
    const auto out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  process_key key() noexcept {
    process_key out;
    out.instance.run.value = u64();
    out.instance.task = u32();
    out.instance.element = u32();
    out.token.epoch = u64();
    out.token.attempt = u32();
    out.token.step = u32();
    return out;
  }

private:
  bool take(std::size_t size) noexcept {
    if (rest_.size() < size)
      ok_ = false;
    return ok_;
  }
  template <class Number>
  Number number() noexcept {
    if (!take(sizeof(Number)))
      return 0;
    Number value = 0;
    for (std::size_t i = sizeof value; i-- > 0;)
      value = static_cast<Number>((value << 7U << 1U) | static_cast<std::uint8_t>(rest_[i]));
    rest_.remove_prefix(sizeof(Number));
    return value;
  }
  std::string_view rest_;
  bool ok_ = true;
};

} // namespace pinion
