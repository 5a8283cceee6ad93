#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/key_rules.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/model/definition.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Readers of the smaller constructs of a task. Each reads over what is there already: a key that
/// is not named keeps its value.
namespace pinion::definitions {

/// `retry: 3` or `{max:, delay:, factor:, max_delay:, jitter:, on_exit:, on_timeout:}`.
void read_retry(const reporter& report, const node& at, retry_policy& into);

/// `timeout: 1h` (of an attempt) or `{attempt:, queue:, upstream:, task:}`.
void read_timeout(const reporter& report, const node& at, timeout_policy& into);

/// `pool: models` or `{models: 2, licences: 1}`; replaces what is there.
void read_pools(const reporter& report, const node& at, const project_settings& settings,
                std::vector<pool_need>& into);

/// A list of `{command:, weak:, name:, timeout:}`; replaces what is there.
void read_checks(const reporter& report, const node& at, std::vector<check_definition>& into);

/// `{x: "{{ … }}"}`, `{x: [1, 2]}` or `{x: {of:, groups:, max_parallel:, key:}}`. `groups: pool` is
/// left to the caller: it is returned.
const node* read_for_each(const reporter& report, const node& at, std::optional<fan_out>& into);

/// `poll: 1m` (every) or `{every:, timeout:, not_yet:}`.
void read_poll(const reporter& report, const node& at, std::optional<poll_policy>& into);

/// Shell text, or a list that is executed without a shell. Warns where a comment cuts a plain text.
void read_command(const reporter& report, const node& at, std::string& text,
                  std::vector<std::string>& argv);

/// A time of day from 00:00 to 47:59, seconds allowed: `deadline: "08:00"`.
std::optional<duration> read_deadline(const reporter& report, const node& at);

std::vector<std::string_view> retry_keys();
std::vector<std::string_view> timeout_keys();
std::vector<std::string_view> check_keys();
std::vector<std::string_view> for_each_keys();
std::vector<std::string_view> poll_keys();

} // namespace pinion::definitions
