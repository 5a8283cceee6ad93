#include "pinion/definitions/preview.hpp"

#include "pinion/timing/instant_text.hpp"

#include <nlohmann/json.hpp>

namespace pinion {

namespace {

zone zone_of(const schedule& when, zone otherwise) {
  const auto* cron = std::get_if<cron_schedule>(&when);
  return cron != nullptr ? cron->in : otherwise;
}

std::vector<fire_time> fire_times(const schedule& when, instant after, std::size_t count, zone in) {
  std::vector<fire_time> out;
  while (out.size() < count) {
    const auto next = next_slot(when, after);
    if (!next)
      break;
    out.push_back({*next, print_local(*next, in), print_utc(*next)});
    after = *next;
  }
  return out;
}

} // namespace

std::vector<trigger_preview> preview(const workflow_definition& definition, instant after,
                                     std::size_t count) {
  std::vector<trigger_preview> out;
  const auto known = zone::load(definition.timezone);
  const auto in = known ? known.value() : zone{};
  for (const auto& trigger : definition.triggers)
    out.push_back({trigger.id, trigger.text, trigger.enabled,
                   fire_times(trigger.slots.when, after, count, zone_of(trigger.slots.when, in))});
  return out;
}

std::vector<fire_time> preview(const schedule& when, instant after, std::size_t count) {
  return fire_times(when, after, count, zone_of(when, zone{}));
}

std::string to_json(const std::vector<fire_time>& times) {
  auto items = nlohmann::ordered_json::array();
  for (const auto& time : times)
    items.push_back({{"slot", time.slot}, {"utc", time.utc}});
  nlohmann::ordered_json out;
  out["items"] = std::move(items);
  return out.dump();
}

} // namespace pinion
