#include "api/fire_changes.hpp"

#include "api/store_directory.hpp"
#include "pinion/definitions/preview.hpp"

#include <algorithm>

namespace pinion {
namespace {

constexpr std::size_t shown_times = 3;

/// The next slots by trigger; of a trigger that is off none.
std::map<std::string, json> times_of(const workflow_definition& definition, instant now,
                                     const definition_directory& others) {
  std::map<std::string, json> times;
  for (const auto& trigger : preview(definition, now, shown_times, &others)) {
    auto& slots = times.emplace(trigger.trigger, json::array()).first->second;
    if (trigger.enabled)
      for (const auto& time : trigger.times)
        slots.push_back(time.slot);
  }
  return times;
}

json changes_between(const std::string& workflow, const std::map<std::string, json>& before,
                     const std::map<std::string, json>& after) {
  json changes = json::array();
  const auto slots = [](const std::map<std::string, json>& of, const std::string& trigger) {
    const auto found = of.find(trigger);
    return found == of.end() ? json::array() : found->second;
  };
  auto all = before;
  all.insert(after.begin(), after.end());
  for (const auto& [trigger, unused] : all) {
    auto old = slots(before, trigger);
    auto now = slots(after, trigger);
    if (old != now)
      changes.push_back({{"trigger", workflow + '/' + trigger},
                         {"before", std::move(old)},
                         {"after", std::move(now)}});
  }
  return changes;
}

} // namespace

std::map<std::string, json> fire_changes(const store_view& view,
                                         const std::vector<loaded_workflow>& loaded) {
  const store_directory stored{view};
  const definition_directory changed{[&](std::string_view id) {
    const auto found = std::find_if(loaded.begin(), loaded.end(),
                                    [&](const auto& one) { return one.definition.id() == id; });
    return found == loaded.end() ? stored.definitions().definition(id) : &found->definition;
  }};
  std::map<std::string, json> all;
  for (const auto& one : loaded) {
    const auto id = one.definition.id();
    const auto* old = stored.definitions().definition(id);
    auto changes =
        changes_between(id,
                        old == nullptr ? std::map<std::string, json>{}
                                       : times_of(*old, view.now(), stored.definitions()),
                        times_of(one.definition, view.now(), changed));
    if (!changes.empty())
      all.emplace(id, std::move(changes));
  }
  return all;
}

} // namespace pinion
