#pragma once

#include <map>
#include <pinion/model/binding.hpp>
#include <pinion/timing/instant_text.hpp>
#include <string>

namespace pinion::testing {

inline zone zone_named(const std::string& name) { return zone::load(name).value(); }

/// The instant of an ISO text.
inline instant when(const std::string& text) { return parse_instant(text).value(); }

/// A rule over a unix cron expression.
inline slot_rule cron_rule(const std::string& expression, zone in) {
  slot_rule rule;
  rule.when = cron_schedule{cron_expression::parse(expression).value(), in};
  rule.in = in;
  return rule;
}

/// Triggers by "workflow/trigger".
struct listed_triggers final : trigger_directory {
  struct entry {
    slot_rule slots;
    interval_rule interval;
    zone in;
  };
  std::map<std::string, entry> all;

  void add(const std::string& name, slot_rule slots, interval_kind interval) {
    const auto in = zone_of(slots);
    all[name] = {std::move(slots), {interval, {}}, in};
  }
  std::optional<known_trigger> find(std::string_view workflow,
                                    std::string_view trigger) const override {
    const auto found = all.find(std::string{workflow} + '/' + std::string{trigger});
    if (found == all.end())
      return std::nullopt;
    return known_trigger{&found->second.slots, found->second.interval, found->second.in};
  }
  std::string only_trigger(std::string_view workflow) const override {
    std::string only;
    for (const auto& [name, each] : all) {
      const auto slash = name.find('/');
      if (name.substr(0, slash) != workflow)
        continue;
      if (!only.empty())
        return {};
      only = name.substr(slash + 1);
    }
    return only;
  }
};

} // namespace pinion::testing
