#pragma once

#include "pinion/definitions/expression_value.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pinion {

/// "a list", "an integer" ...
std::string kind_of(const expression_value& value);

/// The value in a message: its text, quoted and cut at 60 characters, and its kind.
std::string shown(const expression_value& value, zone in);

/// A condition's truth: a boolean, or the text `true` or `false`; else `errc::invalid`.
result<bool> truth(const expression_value& value, zone in);

/// An integer, or `errc::invalid` with `what` named.
result<std::int64_t> integer(const expression_value& value, std::string_view what, zone in);

/// + - * / % and comparisons, `in` and `not in`.
result<expression_value> apply_operator(std::string_view op, const expression_value& left,
                                        const expression_value& right, zone in);

/// Less, equal or greater of two numbers, texts, booleans or instants; an instant compares with
/// text that is a time. Fails with `errc::invalid` for values of different kinds, lists and maps.
result<int> compare(const expression_value& left, const expression_value& right, zone in);

/// `container[key]`: fails with `errc::not_found` for a key or index that is not there (and for any
/// key of null).
result<expression_value> member_of(const expression_value& container, const expression_value& key,
                                   zone in);

/// Bytes that a value takes, roughly.
std::size_t size_of(const nlohmann::json& value) noexcept;

} // namespace pinion
