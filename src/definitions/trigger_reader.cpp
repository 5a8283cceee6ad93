#include "definitions/trigger_reader.hpp"

#include "definitions/key_rules.hpp"
#include "definitions/needs_reader.hpp"
#include "definitions/param_reader.hpp"
#include "definitions/slot_rule_reader.hpp"
#include "pinion/definitions/limits.hpp"

#include <algorithm>
#include <map>

namespace pinion::definitions {

namespace {

/// A trigger while it is read; its rule is made when all its keys are known.
struct trigger_draft {
  trigger_definition trigger;
  const workflow_definition* workflow;
  slot_nodes slots = {};
  const node* after = nullptr;
  const node* followed = nullptr;
  const node* state = nullptr;
  const node* catchup = nullptr;
  const node* misfire = nullptr;
};

template <auto Member>
void keep(const reporter&, const node& at, trigger_draft& into) {
  into.*Member = &at;
}

template <auto Member>
void keep_slot(const reporter&, const node& at, trigger_draft& into) {
  into.slots.*Member = &at;
}

constexpr key_rule<trigger_draft> trigger_rules[] = {
    {"id",
     [](const reporter& report, const node& at, trigger_draft& into) {
       if (auto value = read_name(report, at))
         into.trigger.id = *std::move(value);
     }},
    {"cron", keep_slot<&slot_nodes::cron>},
    {"dialect", keep_slot<&slot_nodes::dialect>},
    {"dom_dow", keep_slot<&slot_nodes::dom_dow>},
    {"period", keep_slot<&slot_nodes::period>},
    {"at", keep_slot<&slot_nodes::at>},
    {"days", keep_slot<&slot_nodes::days>},
    {"step", keep_slot<&slot_nodes::step>},
    {"every", keep_slot<&slot_nodes::every>},
    {"anchor", keep_slot<&slot_nodes::anchor>},
    {"dates", keep_slot<&slot_nodes::dates>},
    {"after", keep<&trigger_draft::after>},
    {"trigger", keep<&trigger_draft::followed>},
    {"state", keep<&trigger_draft::state>},
    {"timezone", keep_slot<&slot_nodes::timezone>},
    {"start", keep_slot<&slot_nodes::start>},
    {"end", keep_slot<&slot_nodes::end>},
    {"calendar", keep_slot<&slot_nodes::calendar>},
    {"shift", keep_slot<&slot_nodes::shift>},
    {"off_days", keep_slot<&slot_nodes::off_days>},
    {"dst", keep_slot<&slot_nodes::dst>},
    {"catchup", keep<&trigger_draft::catchup>},
    {"misfire", keep<&trigger_draft::misfire>},
    {"jitter",
     [](const reporter& report, const node& at, trigger_draft& into) {
       if (const auto value = read_duration(report, at, {{}, std::chrono::days{1}}))
         into.trigger.jitter = *value;
     }},
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

/// In the order of `trigger_kind`.
constexpr std::string_view kind_words[] = {"cron", "period", "every", "dates", "after"};

constexpr unsigned bit(trigger_kind kind) { return 1U << static_cast<unsigned>(kind); }
constexpr unsigned civil =
    bit(trigger_kind::cron) | bit(trigger_kind::period) | bit(trigger_kind::dates);
constexpr unsigned timed = civil | bit(trigger_kind::every);

/// The keys that not every kind of trigger has, the kinds that have them, and why others do not.
struct kind_key {
  std::string_view key;
  unsigned kinds;
  std::string_view advice;
};

constexpr std::string_view follows =
    "an `after` trigger has the slots and data intervals of the one that it follows";
constexpr std::string_view physical = "`every` counts physical time, which knows no days and no "
                                      "daylight saving";

constexpr kind_key kind_keys[] = {
    {"dialect", bit(trigger_kind::cron), "it belongs to `cron`"},
    {"dom_dow", bit(trigger_kind::cron), "it belongs to `cron`"},
    {"at", bit(trigger_kind::period), "it belongs to `period`"},
    {"days", bit(trigger_kind::period), "it belongs to `period`; a `calendar` goes with all"},
    {"step", bit(trigger_kind::period), "it belongs to `period`; cron writes it as */n"},
    {"anchor", bit(trigger_kind::every),
     "it belongs to `every`; steps of `period` count from `start`"},
    {"trigger", bit(trigger_kind::after), "it belongs to `after`; `id` names this trigger"},
    {"state", bit(trigger_kind::after), "it belongs to `after`"},
    {"timezone", timed, follows},
    {"start", timed, follows},
    {"end", timed, follows},
    {"calendar", timed, follows},
    {"shift", timed, follows},
    {"off_days", timed, follows},
    {"catchup", timed, follows},
    {"dst", civil, physical},
};

/// The one key that says what kind it is; nothing if there is none or more, which is reported.
std::optional<trigger_kind> kind_of_trigger(const reporter& report, const node& at) {
  std::optional<trigger_kind> kind;
  for (std::size_t i = 0; i < std::size(kind_words); ++i) {
    const auto* found = at.find(kind_words[i]);
    if (found == nullptr)
      continue;
    if (kind) {
      report.error(*found,
                   "a trigger has one of `cron`, `period`, `every`, `dates` and `after`, "
                   "not both `" +
                       std::string{kind_words[static_cast<std::size_t>(*kind)]} + "` and `" +
                       std::string{kind_words[i]} + '`',
                   "make two triggers of it");
      return std::nullopt;
    }
    kind = static_cast<trigger_kind>(i);
  }
  if (!kind)
    report.error(at, "a trigger needs one of `cron`, `period`, `every`, `dates` and `after`");
  return kind;
}

void check_keys_of_kind(const reporter& report, const node& at, trigger_kind kind) {
  for (std::size_t i = 0; i < at.pairs(); ++i)
    for (const auto& row : kind_keys)
      if (row.key == at.key(i).text && (row.kinds & bit(kind)) == 0) {
        const bool to_follow = kind == trigger_kind::after && row.advice == physical;
        report.error(at.key(i),
                     '`' + std::string{row.key} + "` does not go with `" +
                         std::string{kind_words[static_cast<std::size_t>(kind)]} + '`',
                     std::string{to_follow ? follows : row.advice});
      }
}

void settle_after(const reporter& report, trigger_draft& draft) {
  followed_trigger followed;
  auto workflow = read_workflow_reference(report, *draft.after, draft.workflow->project);
  if (draft.followed != nullptr)
    if (auto name = read_name(report, *draft.followed))
      followed.trigger = *std::move(name);
  if (draft.state != nullptr)
    followed.state = read_need_state(report, *draft.state).value_or(followed.state);
  if (!workflow)
    return;
  followed.workflow = *std::move(workflow);
  draft.trigger.text =
      "after " + followed.workflow + (followed.trigger.empty() ? "" : '/' + followed.trigger);
  draft.trigger.after = std::move(followed);
}

const node& schedule_node(const slot_nodes& nodes, trigger_kind kind) {
  switch (kind) {
  case trigger_kind::period:
    return *nodes.period;
  case trigger_kind::every:
    return *nodes.every;
  case trigger_kind::dates:
    return *nodes.dates;
  default:
    return *nodes.cron;
  }
}

void settle_catchup(const reporter& report, trigger_draft& draft) {
  const auto value = read_flag(report, *draft.catchup);
  if (!value)
    return;
  draft.trigger.catchup = *value;
  if (*value && draft.slots.start == nullptr)
    report.error(*draft.catchup, "`catchup` makes up what is owed since `start`, which is missing",
                 "add `start: 2026-01-01`");
}

void settle_slots(const reporter& report, trigger_kind kind, const trigger_context& context,
                  trigger_draft& draft, std::vector<std::string>& used) {
  auto rule = read_slot_rule(report, kind, draft.slots,
                             {draft.workflow->timezone, context.calendars, &used});
  if (draft.catchup != nullptr)
    settle_catchup(report, draft);
  if (!rule)
    return;
  // What is over may still be owed.
  check_comes(report, schedule_node(draft.slots, kind), *rule,
              draft.trigger.catchup ? std::nullopt : context.now);
  draft.trigger.slots = std::move(rule->slots);
  draft.trigger.text = std::move(rule->text);
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

/// Reads one trigger behind those of `into`.
void read_trigger(const reporter& report, const node& at, const workflow_definition& workflow,
                  const trigger_context& context, read_triggers_result& into) {
  trigger_draft draft{{.id = {}, .slots = {}}, &workflow};
  const auto errors = report.sink.error_count();
  if (read_keys<trigger_draft>(report, at, trigger_rules, "a trigger", draft)) {
    if (const auto kind = kind_of_trigger(report, at)) {
      check_keys_of_kind(report, at, *kind);
      if (*kind == trigger_kind::after)
        settle_after(report, draft);
      else if (report.sink.error_count() == errors)
        settle_slots(report, *kind, context, draft, into.calendars);
    }
  }
  if (draft.misfire != nullptr)
    draft.trigger.misfire = read_misfire(
        report, *draft.misfire,
        draft.after != nullptr ? misfire_policy{} : default_misfire(draft.trigger.slots));
  if (report.sink.error_count() == errors)
    require_params(report, at, draft);
  const auto offset = draft.after != nullptr ? draft.after->offset : 0;
  into.after_offsets.push_back(offset);
  into.followed_offsets.push_back(draft.followed != nullptr ? draft.followed->offset : offset);
  into.triggers.push_back(std::move(draft.trigger));
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

read_triggers_result read_triggers(const reporter& report, const node& triggers,
                                   const workflow_definition& workflow,
                                   const trigger_context& context) {
  read_triggers_result out;
  if (!triggers.is_list()) {
    report_kind(report, triggers, "a list of triggers");
    return out;
  }
  if (triggers.items.size() > definition_limits::triggers) {
    report.error(triggers, "more than 1,000 triggers");
    return out;
  }
  for (const auto& item : triggers.items)
    read_trigger(report, item, workflow, context, out);
  settle_ids(report, triggers, out.triggers);
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
