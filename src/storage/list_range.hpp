#pragma once

#include "pinion/storage/keys.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/page_cursor.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace pinion {

/// What a list has gathered so far, and how much it may still look at.
template <class T>
struct gathering {
  std::size_t limit;
  std::size_t budget = store_reader::scan_bound;
  page<T> found = {};

  bool full() const noexcept { return found.items.size() >= limit || budget == 0; }
};

enum class direction : std::uint8_t { up, down };

/// One range of rows as a list: its cursor is the last key looked at.
struct range_list {
  family in;
  std::string from;
  std::string to;
  direction way;
  char kind; ///< Of the cursor.
};

/// Decode: (key, value) -> result<T>; Pass: T -> bool.
template <class T, class Decode, class Pass>
result<page<T>> list_range(const kv_reader& rows, range_list range, const page_request& ask,
                           Decode decode, Pass pass) {
  BOOST_OUTCOME_TRY(last, read_cursor(ask, range.kind));
  if (last) {
    if (*last < range.from || (!range.to.empty() && *last >= range.to))
      return bad_cursor();
    (range.way == direction::up ? range.from : range.to) = *last;
    if (range.way == direction::up)
      range.from += '\0';
  }
  gathering<T> so_far{ask.limit};
  std::string at;
  bool more = false;
  result<void> outcome = ok();
  const auto take = [&](std::string_view key, std::string_view value) {
    more = so_far.full();
    if (more)
      return false;
    at = key;
    --so_far.budget;
    result<T> one = decode(key, value);
    if (!one)
      outcome = std::move(one).assume_error();
    else if (pass(one.assume_value()))
      so_far.found.items.push_back(std::move(one).assume_value());
    return outcome.has_value();
  };
  if (range.way == direction::up) {
    BOOST_OUTCOME_TRYV(rows.scan(range.in, range.from, range.to, take));
  } else if (range.to.empty() || range.to > range.from) {
    BOOST_OUTCOME_TRYV(rows.scan_back(range.in, range.from, range.to, take));
  }
  BOOST_OUTCOME_TRYV(outcome);
  if (more)
    so_far.found.next = write_cursor(range.kind, at);
  return std::move(so_far.found);
}

inline range_list prefix_list(family in, std::string prefix, direction way, char kind) {
  auto end = keys::after(prefix);
  return {in, std::move(prefix), std::move(end), way, kind};
}

} // namespace pinion
