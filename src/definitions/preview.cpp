#include "pinion/definitions/preview.hpp"

#include "pinion/timing/instant_text.hpp"

#include <nlohmann/json.hpp>

namespace pinion {

std::vector<fire_time> preview(const slot_rule& slots, instant after, std::size_t count) {
  const auto in = zone_of(slots);
  std::vector<fire_time> out;
  while (out.size() < count) {
    const auto next = next_slot(slots, after);
    if (!next)
      break;
    out.push_back({next->at, print_local(next->at, in), print_utc(next->at), next->dry});
    after = next->at;
  }
  return out;
}

std::vector<trigger_preview> preview(const workflow_definition& definition, instant after,
                                     std::size_t count, const definition_directory* others) {
  std::vector<trigger_preview> out;
  for (const auto& trigger : definition.triggers) {
    found_trigger source{&definition, &trigger};
    if (trigger.after)
      source = others != nullptr ? others->source_of(source) : found_trigger{};
    out.push_back(
        {trigger.id, trigger.text, trigger.enabled,
         source ? preview(source.trigger->slots, after, count) : std::vector<fire_time>{}});
  }
  return out;
}

std::string to_json(const std::vector<fire_time>& times) {
  auto items = nlohmann::ordered_json::array();
  for (const auto& time : times) {
    items.push_back({{"slot", time.slot}, {"utc", time.utc}});
    if (time.dry)
      items.back()["dry"] = true;
  }
  nlohmann::ordered_json out;
  out["items"] = std::move(items);
  return out.dump();
}

} // namespace pinion
