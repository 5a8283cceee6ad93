#pragma once

#include <string_view>

/// What people who come from another scheduler write first, and what to write here. Asked only
/// where nothing with a similar name is known.
namespace pinion::definitions {

/// The advice for a key that `construct` ("a task") does not have, as "write `needs:`". Empty if
/// nothing is known of it.
std::string_view advice_for_key(std::string_view construct, std::string_view key) noexcept;

/// The advice for a name or a function that expressions do not have. Empty if nothing is known.
std::string_view advice_for_name(std::string_view name) noexcept;

/// The advice for a value of another kind than `expected` ("a list of triggers"). Empty if there is
/// none.
std::string_view advice_for_kind(std::string_view expected) noexcept;

/// The advice for a task type of others. Empty if there is none.
std::string_view advice_for_type(std::string_view type) noexcept;

} // namespace pinion::definitions
