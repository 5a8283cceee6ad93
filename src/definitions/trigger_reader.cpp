#include "definitions/trigger_reader.hpp"

#include "definitions/key_rules.hpp"
#include "definitions/param_reader.hpp"
#include "pinion/definitions/limits.hpp"

#include <algorithm>
#include <map>

namespace pinion::definitions {

namespace {

/// A trigger while it is read; the schedule is made when all its keys are known.
struct trigger_draft {
  trigger_definition trigger;
  const workflow_definition* workflow;
  const node* cron = nullptr;
  const node* every = nullptr;
  const node* timezone = nullptr;
};

constexpr key_rule<trigger_draft> trigger_rules[] = {
    {"id",
     [](const reporter& report, const node& at, trigger_draft& into) {
       if (auto value = read_name(report, at))
         into.trigger.id = *std::move(value);
     }},
    {"cron", [](const reporter&, const node& at, trigger_draft& into) { into.cron = &at; }},
    {"every", [](const reporter&, const node& at, trigger_draft& into) { into.every = &at; }},
    {"timezone", [](const reporter&, const node& at, trigger_draft& into) { into.timezone = &at; }},
    {"params",
     [](const reporter& report, const node& at, trigger_draft& into) {
       into.trigger.params = read_param_values(report, at, into.workflow->params);
     }},
    {"enabled",
     [](const reporter& report, const node& at, trigger_draft& into) {
       if (const auto value = read_flag(report, at))
         into.trigger.enabled = *value;
     }},
    {"priority",
     [](const reporter& report, const node& at, trigger_draft& into) {
       if (const auto value = read_integer(report, at, 1, 9))
         into.trigger.priority = static_cast<std::uint8_t>(*value);
     }},
    {"overlap", [](const reporter& report, const node& at,
                   trigger_draft& into) { into.trigger.overlap = read_overlap(report, at); }},
};

void report_schedule(const reporter& report, const node& at, const problem& why) {
  report.error(at, why.message, why.suggestion);
}

void settle_cron(const reporter& report, trigger_draft& draft) {
  const auto text = read_filled_text(report, *draft.cron);
  if (!text)
    return;
  std::string zone_name = draft.workflow->timezone;
  if (draft.timezone != nullptr) {
    const auto named = read_text(report, *draft.timezone);
    if (!named)
      return;
    if (const auto known = zone::load(*named); !known)
      return report_schedule(report, *draft.timezone, known.error());
    zone_name = *named;
  }
  auto made = make_cron(*text, zone_name);
  if (!made)
    return report_schedule(report, *draft.cron, made.error());
  draft.trigger.slots.when = std::move(made).value();
  draft.trigger.text = *text;
}

void settle_every(const reporter& report, trigger_draft& draft) {
  if (draft.timezone != nullptr)
    report.error(*draft.timezone, "`every` counts physical time: it has no timezone");
  const auto period = read_duration(report, *draft.every, every_range);
  if (!period)
    return;
  auto made = make_every(*period);
  if (!made)
    return report_schedule(report, *draft.every, made.error());
  draft.trigger.slots.when = made.value();
  draft.trigger.text = "every " + print_duration(*period);
}

void require_params(const reporter& report, const node& at, const trigger_draft& draft) {
  for (const auto& param : draft.workflow->params) {
    const auto& given = draft.trigger.params;
    const bool found = std::any_of(given.begin(), given.end(),
                                   [&](const auto& value) { return value.first == param.name; });
    if (param.default_value.empty() && !found)
      report.error(at,
                   "the parameter " + shown(param.name) +
                       " has no default, so each trigger must give it",
                   "add `params: {" + param.name + ": ...}` to the trigger");
  }
}

trigger_definition read_trigger(const reporter& report, const node& at,
                                const workflow_definition& workflow) {
  trigger_draft draft{{.id = {}, .slots = {}}, &workflow};
  const auto errors = report.sink.error_count();
  if (!read_keys<trigger_draft>(report, at, trigger_rules, "a trigger", draft))
    return std::move(draft.trigger);
  if (draft.cron != nullptr && draft.every != nullptr)
    report.error(*draft.every, "a trigger has either `cron` or `every`, not both");
  else if (draft.cron != nullptr)
    settle_cron(report, draft);
  else if (draft.every != nullptr)
    settle_every(report, draft);
  else if (report.sink.error_count() == errors)
    report.error(at, "a trigger needs `cron` or `every`");
  if (report.sink.error_count() == errors)
    require_params(report, at, draft);
  return std::move(draft.trigger);
}

void settle_ids(const reporter& report, const node& list, std::vector<trigger_definition>& all) {
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < all.size(); ++i) {
    // An id that was refused has been reported; it is not missing.
    if (all[i].id.empty() && list.items[i].find("id") != nullptr)
      continue;
    const bool named = !all[i].id.empty();
    if (!named)
      all[i].id = "default";
    const auto [first, fresh] = seen.emplace(all[i].id, i);
    if (fresh)
      continue;
    if (named)
      report.error(*list.items[i].find("id"), "a second trigger " + shown(all[i].id));
    else
      report.error(list.items[i], "the id `default` of a trigger without one is taken",
                   "give this trigger an `id`");
  }
}

} // namespace

result<schedule> make_cron(std::string_view text, std::string_view zone_name) {
  BOOST_OUTCOME_TRY(expression, cron_expression::parse(text));
  BOOST_OUTCOME_TRY(in, zone::load(zone_name));
  const auto dst = expression.default_dst();
  return schedule{cron_schedule{std::move(expression), in, dst}};
}

std::vector<trigger_definition> read_triggers(const reporter& report, const node& triggers,
                                              const workflow_definition& workflow) {
  std::vector<trigger_definition> out;
  if (!triggers.is_list()) {
    report_kind(report, triggers, "a list of triggers");
    return out;
  }
  if (triggers.items.size() > definition_limits::triggers) {
    report.error(triggers, "more than 1,000 triggers");
    return out;
  }
  for (const auto& item : triggers.items)
    out.push_back(read_trigger(report, item, workflow));
  settle_ids(report, triggers, out);
  return out;
}

std::optional<overlap_policy> read_overlap(const reporter& report, const node& at) {
  static const std::vector<std::string_view> words{"queue", "queue_one", "skip", "cancel_running",
                                                   "allow"};
  if (const auto word = read_word(report, at, words))
    return static_cast<overlap_policy>(*word);
  return std::nullopt;
}

std::vector<std::string_view> trigger_keys() { return keys_of<trigger_draft>(trigger_rules); }

} // namespace pinion::definitions
