#include "actors/engine.hpp"

#include "pinion/storage/keys.hpp"

#include <algorithm>
#include <charconv>
#include <spdlog/spdlog.h>

namespace pinion {

std::string catch_up_key(const std::string& workflow, const std::string& trigger) {
  return catch_up_rows + workflow + '/' + trigger;
}

// In order and not all at once: it is a backfill, and the row goes in the batch that makes it. One
// that is refused is asked for again at each start.
void engine_state::pay_catch_up() {
  std::vector<std::pair<std::string, std::string>> rows;
  const auto read = context->ports.kv->scan(family::meta, catch_up_rows, keys::after(catch_up_rows),
                                            [&](std::string_view key, std::string_view value) {
                                              rows.emplace_back(key, value);
                                              return true;
                                            });
  if (!read) {
    context->ports.fatal("the catch-ups cannot be read: " + read.error().message);
    return;
  }
  for (const auto& [key, value] : rows) {
    const auto names = std::string_view{key}.substr(std::string_view{catch_up_rows}.size());
    const auto slash = names.find('/');
    std::int64_t from = 0;
    std::int64_t upto = 0;
    const auto* const end = value.data() + value.size();
    const auto* const space = std::from_chars(value.data(), end, from).ptr;
    if (space != end)
      std::from_chars(space + 1, end, upto);
    backfill_request ask;
    ask.workflow = names.substr(0, slash);
    ask.trigger = names.substr(slash + 1);
    ask.from = from_us(from);
    ask.to = from_us(upto);
    const auto known = workflows.find(ask.workflow);
    if (known == workflows.end() || !known->second.definition)
      continue;
    ask.parallel = std::clamp(known->second.definition->max_active_runs, 1U, 1'000U);
    ask.stop_on_failure = false;
    self->send(context->backfills,
               msg::backfill{std::move(ask),
                             {"engine", "catchup: what is owed since the trigger's start"},
                             msg::answer<backfill_record>{[key = key](const auto& made) {
                               if (!made)
                                 spdlog::error("a catch-up cannot begin: {}: {} {}", key,
                                               made.error().message, made.error().suggestion);
                             }},
                             key});
  }
}

} // namespace pinion
