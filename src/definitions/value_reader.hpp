#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/timing/duration_text.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Readers of single values. Each returns the value, or reports why there is none and returns
/// nothing. Scalars follow the core schema of YAML 1.2 restricted to JSON's forms of numbers: `no`,
/// `on`, `010`, `1_000`, `0x1F` are text. Where a text is asked for, every scalar is one, as
/// written.
namespace pinion::definitions {

/// [A-Za-z0-9_][A-Za-z0-9_-]{0,63}
bool is_name(std::string_view text) noexcept;

/// Why a name is refused and what to write, for errors that are no YAML's.
inline constexpr std::string_view name_rule =
    "a name is 1 to 64 of A-Z a-z 0-9 _ -, and does not begin with -";

/// [A-Za-z_][A-Za-z0-9_]{0,63}, as variables of the environment and of loops are called.
bool is_identifier(std::string_view text) noexcept;

/// "text", "nothing", "a list", "a map": what a node is, for messages.
std::string_view kind_of(const node& at);

/// `expected` as in "a list of names"; adds the advice for a bare `{{`.
void report_kind(const reporter& report, const node& at, std::string_view expected);

std::optional<std::string> read_text(const reporter& report, const node& at);
/// A text with something in it besides blanks.
std::optional<std::string> read_filled_text(const reporter& report, const node& at);
std::optional<std::string> read_name(const reporter& report, const node& at);
/// Plain `true false yes no on off`, also Capitalised or in CAPITALS.
std::optional<bool> read_flag(const reporter& report, const node& at);
std::optional<std::int64_t> read_integer(const reporter& report, const node& at, std::int64_t least,
                                         std::int64_t most);
std::optional<double> read_number(const reporter& report, const node& at, double least,
                                  double most);
std::optional<duration> read_duration(const reporter& report, const node& at,
                                      duration_range allowed);
/// A time span that may be of no length up to `definition_limits::duration_days`.
duration_range any_duration() noexcept;
/// The same, at least a millisecond.
duration_range some_duration() noexcept;

/// Anything, as JSON. Numbers that JSON cannot hold exactly (integers over 64 bits) are refused.
std::optional<nlohmann::json> read_json(const reporter& report, const node& at);

/// A list of texts; a single text is a list of one if `single` is set.
enum class single_text : bool { refused, accepted };
std::optional<std::vector<std::string>> read_texts(const reporter& report, const node& at,
                                                   single_text single);

/// One of `words`; their position. `advice` is for what is none of them; without it a near word is
/// named.
std::optional<std::size_t> read_word(const reporter& report, const node& at,
                                     const std::vector<std::string_view>& words,
                                     std::string_view advice = {});

/// A map from identifiers to texts, put into `into` in order of names; what is there stays unless
/// it is named again.
void read_text_map(const reporter& report, const node& at, bool (*legal)(std::string_view) noexcept,
                   std::string_view what, std::vector<std::pair<std::string, std::string>>& into);

/// Puts `value` under `name` in a vector sorted by name.
template <class Value>
void put_sorted(std::vector<std::pair<std::string, Value>>& into, std::string name, Value value) {
  auto at = into.begin();
  while (at != into.end() && at->first < name)
    ++at;
  if (at != into.end() && at->first == name)
    at->second = std::move(value);
  else
    into.emplace(at, std::move(name), std::move(value));
}

} // namespace pinion::definitions
