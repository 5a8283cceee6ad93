#pragma once

#include "pinion/timing/instant.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pinion {

/// The two archives of codecs.cpp: a `fields(archive, record)` function names each field once and
/// both directions follow. The forms are those that codecs.hpp states.

/// Appends fields to a row.
class row_writer {
public:
  explicit row_writer(std::uint8_t format) : format_{format} {
    bytes_.reserve(160);
    bytes_ += static_cast<char>(format);
  }

  std::uint8_t format() const noexcept { return format_; }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U)
      bytes_ += static_cast<char>(static_cast<unsigned char>(value | 0x80U));
    bytes_ += static_cast<char>(static_cast<unsigned char>(value));
  }
  void signed_number(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void text(std::string_view value) {
    number(value.size());
    bytes_ += value;
  }
  void json(std::string_view value) {
    if (value == "{}")
      return number(0);
    number(value.size() + 1);
    bytes_ += value;
  }
  template <class Enum>
  void code(Enum value, std::size_t /*count*/) {
    bytes_ += static_cast<char>(value);
  }
  template <class... Bools>
  void flags(Bools... values) {
    static_assert(sizeof...(values) <= 8 && (std::is_same_v<Bools, bool> && ...));
    unsigned char byte = 0;
    unsigned bit = 0;
    ((byte = static_cast<unsigned char>(byte | (unsigned{values} << bit++))), ...);
    bytes_ += static_cast<char>(byte);
  }
  template <class... Instants>
  void times(Instants... values) {
    std::uint64_t mask = 0;
    unsigned bit = 0;
    ((mask |= std::uint64_t{to_us(values) != 0} << bit++), ...);
    number(mask);
    std::int64_t last = 0;
    (one_time(to_us(values), last), ...);
  }
  /// Instants as the zigzag difference of the first from `base`, then the changes of the distance
  /// between neighbours: 0 as long as they are regular.
  void series(const std::vector<instant>& values, instant base) {
    number(values.size());
    auto last = static_cast<std::uint64_t>(to_us(base));
    std::uint64_t step = 0;
    for (const auto& value : values) {
      const auto us = static_cast<std::uint64_t>(to_us(value));
      signed_number(static_cast<std::int64_t>(us - last - step));
      // The distance from the base says nothing about those that follow.
      step = &value == values.data() ? 0 : us - last;
      last = us;
    }
  }
  template <class List, class Element>
  void list(List& values, Element element) {
    number(values.size());
    for (auto& value : values)
      element(*this, value);
  }
  std::string take() { return std::move(bytes_); }

private:
  void one_time(std::int64_t us, std::int64_t& last) {
    if (us == 0)
      return;
    // Unsigned, because the difference of two instants may not fit in 63 bits.
    signed_number(static_cast<std::int64_t>(static_cast<std::uint64_t>(us) -
                                            static_cast<std::uint64_t>(last)));
    last = us;
  }

  std::uint8_t format_;
  std::string bytes_;
};

/// Reads fields in the same order. After something that is not there every field reads as empty and
/// `done` is false.
class row_parser {
public:
  row_parser(std::uint8_t format, std::string_view fields) noexcept
      : format_{format}, left_{fields} {}

  /// Of the row that is read: an older one lacks the fields that came later.
  std::uint8_t format() const noexcept { return format_; }
  std::uint64_t number() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = next();
      if (shift == 63 && byte > 1) // The 65th bit.
        break;
      value |= (byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0)
        return require(shift == 0 || byte != 0) ? value : 0; // One form for each number.
    }
    good_ = false;
    return 0;
  }
  template <class Unsigned>
  void number(Unsigned& value) noexcept {
    const auto wide = number();
    value = static_cast<Unsigned>(wide);
    require(value == wide);
  }
  std::int64_t signed_number() noexcept {
    const auto value = number();
    return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1U));
  }
  template <class Signed>
  void signed_number(Signed& value) noexcept {
    const auto wide = signed_number();
    value = static_cast<Signed>(wide);
    require(value == wide);
  }
  void text(std::string& value) { value = take(number()); }
  void json(std::string& value) {
    const auto length = number();
    value = length == 0 ? std::string_view{"{}"} : take(length - 1);
    require(length == 0 || value != "{}");
  }
  template <class Enum>
  void code(Enum& value, std::size_t count) noexcept {
    const auto byte = next();
    value = static_cast<Enum>(byte);
    require(byte < count);
  }
  template <class... Bools>
  void flags(Bools&... values) noexcept {
    unsigned byte = next();
    ((values = (byte & 1U) != 0, byte >>= 1U), ...);
    require(byte == 0);
  }
  template <class... Instants>
  void times(Instants&... values) noexcept {
    auto mask = number();
    std::int64_t last = 0;
    (one_time(values, mask, last), ...);
    require(mask == 0);
  }
  template <class List, class Element>
  void list(List& values, Element element) {
    const auto count = number();
    // Each element has at least one byte: a hostile count cannot make us allocate.
    if (!require(count <= left_.size()))
      return;
    values.resize(static_cast<std::size_t>(count));
    for (auto& value : values)
      element(*this, value);
  }
  void series(std::vector<instant>& values, instant base) {
    auto last = static_cast<std::uint64_t>(to_us(base));
    std::uint64_t step = 0;
    list(values, [&](row_parser& row, instant& value) {
      const auto us = last + step + static_cast<std::uint64_t>(row.signed_number());
      step = &value == values.data() ? 0 : us - last;
      last = us;
      value = from_us(static_cast<std::int64_t>(us));
    });
  }
  bool done() const noexcept { return good_ && left_.empty(); }

private:
  bool require(bool holds) noexcept { return good_ = good_ && holds; }
  std::uint8_t next() noexcept {
    if (!require(!left_.empty()))
      return 0;
    const auto byte = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return byte;
  }
  std::string_view take(std::uint64_t length) noexcept {
    if (!require(length <= left_.size()))
      return {};
    const auto part = left_.substr(0, static_cast<std::size_t>(length));
    left_.remove_prefix(part.size());
    return part;
  }
  void one_time(instant& value, std::uint64_t& mask, std::int64_t& last) noexcept {
    value = instant{};
    if ((mask & 1U) != 0) {
      last = static_cast<std::int64_t>(static_cast<std::uint64_t>(last) +
                                       static_cast<std::uint64_t>(signed_number()));
      value = from_us(last);
      require(last != 0);
    }
    mask >>= 1U;
  }

  std::uint8_t format_;
  std::string_view left_;
  bool good_ = true;
};

} // namespace pinion
