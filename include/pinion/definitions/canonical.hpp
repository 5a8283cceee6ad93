#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/timing/problem.hpp"

#include <string>
#include <string_view>

namespace pinion {

/// The number under "format" in the canonical forms. Grows when an older program would misread a
/// newer form; keys that an older program may ignore do not need a new number.
inline constexpr int canonical_format = 1;

/// The canonical form: one JSON object without spaces, keys sorted, every effective value that is
/// not its default, times as integer microseconds. Equal definitions give equal bytes. Positions in
/// the file are not part of it; the path of the file is ("source_file").
std::string to_canonical_json(const workflow_definition& definition);

/// Inverse of `to_canonical_json`, exact. Unknown keys are ignored. Fails with `corrupt` if the
/// text is not such a form, with `newer_format` if its format is above `canonical_format`.
result<workflow_definition> from_canonical_json(std::string_view text);

/// SHA-256 of the canonical form without "source_file", as 64 lower-case hex digits: two
/// definitions are the same version if and only if this is equal.
std::string definition_hash(const workflow_definition& definition);

/// SHA-256 as 64 lower-case hex digits.
std::string sha256_hex(std::string_view text);

/// The same pair for a project's settings (secrets are names of sources, never values).
std::string to_canonical_json(const project_settings& settings);
result<project_settings> settings_from_canonical_json(std::string_view text);

} // namespace pinion
