#include "definitions/alarm_reader.hpp"

#include "definitions/key_rules.hpp"

namespace pinion::definitions {

namespace {

struct end_rules_draft {
  end_rules into;
  const project_settings* settings;
};

void read_channel(const reporter& report, const node& at, end_rules_draft& draft) {
  if (!at.is_scalar())
    return report_kind(report, at, "the name of a channel");
  if (draft.settings->channels.contains(at.text))
    return draft.into.alarms.push_back({at.text});
  std::vector<std::string_view> names;
  for (const auto& [name, channel] : draft.settings->channels)
    names.emplace_back(name);
  auto advice = did_you_mean(at.text, names);
  report.error(at, "there is no channel " + shown(at.text),
               advice.empty() ? "declare it under `channels:` in pinion.yaml" : advice);
}

void read_end_task(const reporter& report, const node& at, end_rules_draft& draft) {
  if (!at.is_scalar())
    return report_kind(report, at, "the name of a task");
  draft.into.tasks.push_back({at.text, at.offset});
}

constexpr key_rule<end_rules_draft> alarm_rules_table[] = {{"alert", read_channel}};

constexpr key_rule<end_rules_draft> end_rules_table[] = {
    {"alert", read_channel},
    {"task", read_end_task},
};

end_rules read_items(const reporter& report, const node& at, const project_settings& settings,
                     std::span<const key_rule<end_rules_draft>> rules, const char* missing) {
  end_rules_draft draft{{}, &settings};
  const auto one = [&](const node& item) {
    if (read_keys<end_rules_draft>(report, item, rules, "an alarm", draft) &&
        item.find("alert") == nullptr && item.find("task") == nullptr)
      report.error(item, missing);
  };
  if (at.is_list())
    for (const auto& item : at.items)
      one(item);
  else
    one(at);
  return std::move(draft.into);
}

} // namespace

std::vector<alarm_target> read_alarms(const reporter& report, const node& at,
                                      const project_settings& settings) {
  return read_items(report, at, settings, alarm_rules_table,
                    "an alarm needs `alert` with the name of a channel")
      .alarms;
}

end_rules read_end_rules(const reporter& report, const node& at, const project_settings& settings) {
  return read_items(report, at, settings, end_rules_table,
                    "write `alert` with the name of a channel, or `task` with that of a task");
}

std::vector<std::string_view> alarm_keys() { return keys_of<end_rules_draft>(alarm_rules_table); }
std::vector<std::string_view> end_rule_keys() { return keys_of<end_rules_draft>(end_rules_table); }

} // namespace pinion::definitions
