#pragma once

#include "pinion/definitions/text_problem.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The parts of dialects.cpp: what one form of one system means as an expression of ours. Nothing:
/// it is no form of that system.
namespace pinion::definitions::dialects {

/// A row of whole numbers with `*` and `/` between.
struct fraction {
  std::int64_t over = 1;
  std::int64_t under = 1;
};
std::optional<std::int64_t> number_of(std::string_view text);
std::optional<fraction> fraction_of(std::string_view text);

/// A format and what stands behind its last sign that a digit follows: "yyyy-MM-dd", "-1".
struct shifted_format {
  std::string_view format;
  std::string_view offset;
};
shifted_format split_offset(std::string_view text);

/// `date('yyyyMMdd', '-1d', OF)`; empty parts are left out.
std::string date_call(std::string_view format, const std::string& offset, const std::string& of);
std::string signed_text(std::int64_t count, std::string_view unit);
/// So many days as an offset of ours, in days, hours, minutes or seconds; nothing for less.
std::optional<std::string> day_offset(const fraction& days);
/// What stands between the commas of a call.
std::vector<std::string_view> arguments_of(std::string_view text);
std::string_view trimmed(std::string_view text);
bool is_word_char(char c);

using meaning = result<std::optional<std::string>>;

meaning dolphin_braces(std::string_view inner, std::span<const std::string> params);
meaning dolphin_brackets(std::string_view inner);
meaning works_braces(std::string_view inner, std::span<const std::string> params);
meaning works_brackets(std::string_view inner);
meaning works_word(std::string_view name);
text_result<std::string> translate_airflow(std::string_view text);

} // namespace pinion::definitions::dialects
