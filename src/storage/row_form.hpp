#pragma once

#include "pinion/timing/problem.hpp"
#include "storage/row_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace pinion {

/// How many reasons a byte can name: newer ones are appended without a new format, and a reason
/// never drives logic.
inline constexpr std::size_t any_reason = 256;

/// What one kind of record looks like as a row. `fields(archive, record)` names each field once, in
/// the order of the row; the record is const when the archive writes. A change of it needs a larger
/// `format`, a branch on `archive.format()` that still reads the old form, and a golden row of the
/// new one in the tests.
template <class Fields>
struct row_form {
  const char* kind; ///< For messages.
  std::uint8_t format;
  Fields fields;
};
/// Clang before 17 does not deduce an aggregate's arguments.
template <class Fields>
row_form(const char*, std::uint8_t, Fields) -> row_form<Fields>;

template <class Record, class Fields>
std::string encode_row(const Record& record, const row_form<Fields>& form) {
  row_writer row{form.format};
  form.fields(row, record);
  return row.take();
}

inline problem damaged_row(const char* kind, std::string_view value) {
  return {errc::corrupt,
          std::string{"the store holds a damaged "} + kind + " row of " +
              std::to_string(value.size()) + " bytes",
          {}};
}

/// Fills `record`, whose key fields are set already.
template <class Record, class Fields>
result<Record> decode_row(const row_form<Fields>& form, std::string_view value, Record record) {
  if (value.empty())
    return damaged_row(form.kind, value);
  const auto format = static_cast<std::uint8_t>(value.front());
  if (format > form.format)
    return problem{errc::newer_format,
                   std::string{"the store holds a "} + form.kind + " row of format " +
                       std::to_string(format) + ", this program knows " +
                       std::to_string(form.format),
                   "use the newer Pinion that wrote it"};
  row_parser row{format, value.substr(1)};
  form.fields(row, record);
  if (format == 0 || !row.done())
    return damaged_row(form.kind, value);
  return record;
}

} // namespace pinion
