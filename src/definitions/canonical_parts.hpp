#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/timing/problem.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The pieces of the canonical form. ON DISK, inside version objects: a member is never renamed or
/// given another meaning. A member that has the value of a fresh struct (`task_definition{}` ...)
/// is left out, so these values are part of format 1 as well; a test pins them.
namespace pinion::definitions {

nlohmann::json to_json(const task_definition& task);
/// `timezone` is that of the workflow: a trigger in the same zone does not repeat it.
nlohmann::json to_json(const trigger_definition& trigger, std::string_view timezone);
nlohmann::json to_json(const param_definition& param);
nlohmann::json to_json(const alarm_rules& alarms);

/// Inverse. Throw `nlohmann::json::exception` for wrong types and `corrupt_member` for values out
/// of their range; the caller turns both into a problem.
task_definition task_from(const nlohmann::json& json);
trigger_definition trigger_from(const nlohmann::json& json, std::string_view timezone);
param_definition param_from(const nlohmann::json& json);
alarm_rules alarms_from(const nlohmann::json& json);

struct corrupt_member {
  std::string what;
};

using text_pairs = std::vector<std::pair<std::string, std::string>>;

/// [["name", "value"] ...], which keeps the order.
nlohmann::json pairs_to_json(const text_pairs& pairs);
text_pairs pairs_from(const nlohmann::json& json);

/// Writes a member unless it has its default value.
template <class Value>
void put(nlohmann::json& into, const char* name, const Value& value, const Value& unsaid) {
  if (value != unsaid)
    into[name] = value;
}

inline void put(nlohmann::json& into, const char* name, duration value, duration unsaid) {
  if (value != unsaid)
    into[name] = value.count();
}

template <class Value>
void take(const nlohmann::json& from, const char* name, Value& into) {
  if (const auto at = from.find(name); at != from.end())
    into = at->get<Value>();
}

inline void take(const nlohmann::json& from, const char* name, duration& into) {
  if (const auto at = from.find(name); at != from.end())
    into = duration{at->get<std::int64_t>()};
}

/// Words of a closed set, by the number of the value.
template <class Enum, std::size_t Count>
struct word_table {
  std::string_view words[Count];

  std::string_view word(Enum value) const { return words[static_cast<std::size_t>(value)]; }

  void put(nlohmann::json& into, const char* name, Enum value, Enum unsaid) const {
    if (value != unsaid)
      into[name] = word(value);
  }

  void take(const nlohmann::json& from, const char* name, Enum& into) const {
    const auto at = from.find(name);
    if (at == from.end())
      return;
    const auto& text = at->get_ref<const std::string&>();
    for (std::size_t i = 0; i < Count; ++i)
      if (words[i] == text) {
        into = static_cast<Enum>(i);
        return;
      }
    throw corrupt_member{std::string{name} + ": unknown word " + text};
  }
};

inline constexpr word_table<task_type, 7> task_type_words{
    {"shell", "python", "empty", "check", "workflow", "switch", "java"}};
inline constexpr word_table<failure_strategy, 3> failure_words{
    {"continue", "finish_running", "cancel"}};
inline constexpr word_table<join_rule, 13> join_rule_words{
    {"all_success", "all_failed", "all_done", "all_done_min_one_success", "all_done_setup_success",
     "one_success", "one_failed", "one_done", "none_failed", "none_failed_min_one_success",
     "none_skipped", "all_skipped", "always"}};
inline constexpr word_table<overlap_policy, 5> overlap_words{
    {"queue", "queue_one", "skip", "cancel_running", "allow"}};
inline constexpr word_table<interval_kind, 9> interval_words{
    {"previous", "point", "hour", "day", "week", "month", "fixed", "minute", "year"}};
inline constexpr word_table<missing_time, 2> missing_words{{"shift", "skip"}};
inline constexpr word_table<repeated_time, 3> repeated_words{{"first", "last", "both"}};
inline constexpr word_table<cron_dialect, 2> dialect_words{{"unix", "quartz"}};
inline constexpr word_table<day_join, 2> day_join_words{{"and", "or"}};
inline constexpr word_table<calendar_shift, 3> shift_words{{"skip", "next", "previous"}};
inline constexpr word_table<misfire_choice, 3> misfire_words{{"all", "last", "none"}};
inline constexpr word_table<edit_mode, 2> edit_words{{"immediate", "next_day"}};
inline constexpr word_table<slot_choice, 5> slot_words{
    {"nearest", "same_slot", "same_day", "previous", "back"}};
inline constexpr word_table<need_window, 7> window_words{
    {"none", "data", "slot_day", "hour", "day", "week", "month"}};
inline constexpr word_table<need_state, 2> need_state_words{{"success", "done"}};
inline constexpr word_table<missing_policy, 4> missing_policy_words{
    {"wait", "satisfied", "fail", "skip"}};
inline constexpr word_table<previous_need, 4> previous_words{{"none", "self", "children", "tasks"}};

} // namespace pinion::definitions
