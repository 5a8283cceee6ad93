#include "api/backfill_body.hpp"

#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/query.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <array>

namespace pinion {
namespace {

constexpr std::uint64_t most_parallel = 1000;

problem wrong(const std::string& name, const std::string& what, std::string suggestion = {}) {
  return {errc::invalid, "'" + name + "' " + what, std::move(suggestion)};
}

/// One of two or three words; the first is the default.
template <std::size_t Count>
result<std::size_t> word_of(const json& body, const char* name,
                            const std::array<const char*, Count>& words) {
  BOOST_OUTCOME_TRY(text, body_text(body, name));
  if (text.empty())
    return std::size_t{0};
  std::string known;
  for (std::size_t i = 0; i < Count; ++i) {
    if (text == words[i])
      return i;
    known += (i == 0 ? "" : i + 1 == Count ? " or " : ", ") + std::string{words[i]};
  }
  return wrong(name, "is " + known + ", not '" + text + "'");
}

result<std::vector<std::string>> texts_of(const json& body, const char* name) {
  const auto found = body.find(name);
  std::vector<std::string> texts;
  if (found == body.end() || found->is_null())
    return texts;
  if (!found->is_array())
    return wrong(name, "must be a list of texts");
  for (const auto& one : *found) {
    if (!one.is_string())
      return wrong(name, "must be a list of texts");
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

/// "22:00" as a duration since midnight.
std::optional<duration> clock_of(std::string_view text) {
  const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return std::nullopt;
  const auto hours = (text[0] - '0') * 10 + (text[1] - '0');
  const auto minutes = (text[3] - '0') * 10 + (text[4] - '0');
  if (minutes > 59 || hours > 24 || (hours == 24 && minutes != 0))
    return std::nullopt;
  return std::chrono::hours{hours % 24} + std::chrono::minutes{minutes};
}

result<quiet_hours> hours_of(const json& body) {
  BOOST_OUTCOME_TRY(text, body_text(body, "hours"));
  if (text.empty())
    return quiet_hours{};
  const auto dash = std::min(text.find('-'), text.size());
  const auto begin = clock_of(std::string_view{text}.substr(0, dash));
  const auto end =
      dash == text.size() ? std::nullopt : clock_of(std::string_view{text}.substr(dash + 1));
  if (!begin || !end || *begin == *end)
    return wrong("hours", "is written 22:00-06:00, not '" + text + "'", "Leave it out for all day");
  return quiet_hours{*begin, *end};
}

/// The two ends of "2026-11-01..2026-11-19"; of one date both are that date.
result<std::pair<civil_day, civil_day>> days_of(const std::string& text) {
  const auto dots = std::min(text.find(".."), text.size());
  BOOST_OUTCOME_TRY(first, parse_day(text.substr(0, dots)));
  if (dots == text.size())
    return std::pair{first, first};
  BOOST_OUTCOME_TRY(last, parse_day(text.substr(dots + 2)));
  if (last < first)
    return wrong("biz_dates", "ends before it begins: '" + text + "'");
  return std::pair{first, last};
}

/// Both ends are included; a date alone at the end means all of that day.
result<instant> end_of(const std::string& text, zone in) {
  if (const auto day = parse_day(text))
    return begin_of(day.value() + std::chrono::days{1}, in) - duration{1};
  return parse_instant(text, in);
}

/// Which slots: exactly one of the three forms.
result<void> add_slots(const json& body, zone in, backfill_request& asked) {
  BOOST_OUTCOME_TRY(from, body_text(body, "from"));
  BOOST_OUTCOME_TRY(to, body_text(body, "to"));
  BOOST_OUTCOME_TRY(days, body_text(body, "biz_dates"));
  BOOST_OUTCOME_TRY(slots, texts_of(body, "slots"));
  const int forms =
      (from.empty() && to.empty() ? 0 : 1) + (days.empty() ? 0 : 1) + (slots.empty() ? 0 : 1);
  if (forms != 1)
    return problem{errc::invalid,
                   forms == 0 ? "A backfill needs to know which slots"
                              : "The slots are given in more than one way",
                   "Give 'from' and 'to', or 'biz_dates', or 'slots'"};
  if (!days.empty()) {
    BOOST_OUTCOME_TRY(ends, days_of(days));
    asked.by_biz_date = true;
    asked.from = begin_of(ends.first, in);
    asked.to = begin_of(ends.second, in);
    return ok();
  }
  if (slots.size() > max_backfill_slots)
    return problem{errc::limit, "A backfill has at most " + std::to_string(max_backfill_slots) +
                                    " slots, not " + std::to_string(slots.size())};
  for (const auto& text : slots) {
    BOOST_OUTCOME_TRY(slot, parse_instant(text, in));
    asked.slots.push_back(slot);
  }
  if (!slots.empty())
    return ok();
  if (from.empty() || to.empty())
    return wrong(from.empty() ? "from" : "to", "is missing: both ends are needed");
  BOOST_OUTCOME_TRY(first, parse_instant(from, in));
  BOOST_OUTCOME_TRY(last, end_of(to, in));
  if (last < first)
    return wrong("to", "comes before 'from'");
  asked.from = first;
  asked.to = last;
  return ok();
}

result<void> add_scope(const json& body, const workflow_definition& definition,
                       backfill_request& asked) {
  BOOST_OUTCOME_TRY(tasks, texts_of(body, "tasks"));
  for (const auto& task : tasks) {
    BOOST_OUTCOME_TRYV(find_task(definition, task));
  }
  BOOST_OUTCOME_TRY(rest, word_of(body, "rest", std::array{"dryrun", "leave"}));
  if (body.contains("rest") && body["rest"] != json("") && !body["rest"].is_null() && tasks.empty())
    return wrong("rest", "needs 'tasks': it says what becomes of the others");
  BOOST_OUTCOME_TRY(downstream, word_of(body, "downstream", std::array{"none", "all"}));
  BOOST_OUTCOME_TRY(isolated, body_flag(body, "isolated"));
  if (isolated && downstream == 1)
    return wrong("isolated", "does not go with downstream: isolated slots satisfy nobody outside");
  asked.tasks = std::move(tasks);
  asked.leave_rest = rest == 1;
  asked.downstream = downstream == 1;
  asked.isolated = isolated;
  return ok();
}

result<void> add_manner(const json& body, backfill_request& asked) {
  if (const auto found = body.find("parallel"); found != body.end() && !found->is_null()) {
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() < 1 ||
        found->get<std::uint64_t>() > most_parallel)
      return wrong("parallel", "must be a whole number from 1 to " + std::to_string(most_parallel));
    asked.parallel = found->get<std::uint32_t>();
  }
  BOOST_OUTCOME_TRY(order, word_of(body, "order", std::array{"asc", "desc"}));
  BOOST_OUTCOME_TRY(reprocess, word_of(body, "reprocess", std::array{"none", "failed", "all"}));
  BOOST_OUTCOME_TRY(on_failure, word_of(body, "on_failure", std::array{"stop", "continue"}));
  BOOST_OUTCOME_TRY(version, word_of(body, "version", std::array{"latest", "pinned"}));
  BOOST_OUTCOME_TRY(hours, hours_of(body));
  asked.descending = order == 1;
  asked.reprocess = static_cast<reprocess_policy>(reprocess);
  asked.stop_on_failure = on_failure == 0;
  asked.pinned = version == 1;
  asked.hours = hours;
  return ok();
}

result<void> add_params(const json& body, backfill_request& asked) {
  const auto found = body.find("params");
  if (found == body.end() || found->is_null())
    return ok();
  if (!found->is_object())
    return wrong("params", "must be an object");
  for (const auto& [name, value] : found->items())
    asked.params.emplace_back(name, to_text(value));
  return ok();
}

} // namespace

result<backfill_request> backfill_of(const store_view& view, const json& body) {
  BOOST_OUTCOME_TRY(target, body_text(body, "target"));
  BOOST_OUTCOME_TRY(found, find_trigger(view, target));
  backfill_request asked;
  asked.workflow = found.definition->id();
  asked.trigger = found.trigger;
  BOOST_OUTCOME_TRYV(add_slots(body, objects::zone_of(*found.definition), asked));
  BOOST_OUTCOME_TRYV(add_scope(body, *found.definition, asked));
  BOOST_OUTCOME_TRYV(add_manner(body, asked));
  BOOST_OUTCOME_TRYV(add_params(body, asked));
  return asked;
}

} // namespace pinion
