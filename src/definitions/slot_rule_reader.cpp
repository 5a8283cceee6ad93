#include "definitions/slot_rule_reader.hpp"

#include "definitions/key_rules.hpp"
#include "definitions/schedule_reader.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion::definitions {

namespace {

struct dst_draft {
  std::optional<missing_time> missing;
  std::optional<repeated_time> repeated;
};

constexpr key_rule<dst_draft> dst_rules[] = {
    {"missing",
     [](const reporter& report, const node& at, dst_draft& into) {
       static const std::vector<std::string_view> words{"shift", "skip"};
       if (const auto word = read_word(report, at, words))
         into.missing = static_cast<missing_time>(*word);
     }},
    {"repeated",
     [](const reporter& report, const node& at, dst_draft& into) {
       static const std::vector<std::string_view> words{"first", "last", "both"};
       if (const auto word = read_word(report, at, words))
         into.repeated = static_cast<repeated_time>(*word);
     }},
};

struct calendar_use {
  const node* name = nullptr;
  const node* shift = nullptr;
};

constexpr key_rule<calendar_use> shifted_calendar_rules[] = {
    {"name", [](const reporter&, const node& at, calendar_use& into) { into.name = &at; }},
    {"shift", [](const reporter&, const node& at, calendar_use& into) { into.shift = &at; }},
};

/// Reads the rule of one trigger; what does not go well has been reported.
class rule_reader {
public:
  rule_reader(const reporter& report, const slot_nodes& nodes, const slot_context& context)
      : report_{report}, nodes_{nodes}, context_{context} {}

  std::optional<read_rule> read(trigger_kind kind) {
    const auto errors = report_.sink.error_count();
    if (!read_zone() || !read_window())
      return std::nullopt;
    auto read = read_schedule(report_, kind, nodes_, out_.slots.in, out_.slots.first);
    if (!read)
      return std::nullopt;
    out_.slots.when = std::move(read->when);
    out_.text = std::move(read->text);
    read_dst();
    read_calendar(kind);
    read_off_days();
    if (report_.sink.error_count() != errors)
      return std::nullopt;
    return std::move(out_);
  }

private:
  bool read_zone() {
    const auto name =
        nodes_.timezone != nullptr ? read_text(report_, *nodes_.timezone) : context_.timezone;
    if (!name)
      return false;
    const auto known = zone::load(*name);
    if (!known) {
      if (nodes_.timezone != nullptr)
        refuse(report_, *nodes_.timezone, known.error());
      return false;
    }
    out_.slots.in = known.value();
    return true;
  }

  bool read_window() {
    auto& slots = out_.slots;
    if (nodes_.start != nullptr &&
        !(slots.first = read_time(report_, *nodes_.start, slots.in, false)))
      return false;
    if (nodes_.end != nullptr && !(slots.last = read_time(report_, *nodes_.end, slots.in, true)))
      return false;
    if (!slots.first || !slots.last || *slots.first <= *slots.last)
      return true;
    report_.error(*nodes_.end, "`end` lies before `start`");
    return false;
  }

  void read_dst() {
    dst_draft draft;
    if (nodes_.dst == nullptr ||
        !read_keys<dst_draft>(report_, *nodes_.dst, dst_rules, "`dst`", draft))
      return;
    std::visit(
        [&](auto& when) {
          if constexpr (requires { when.dst; }) {
            when.dst.missing = draft.missing.value_or(when.dst.missing);
            when.dst.repeated = draft.repeated.value_or(when.dst.repeated);
          }
        },
        out_.slots.when);
  }

  void read_calendar(trigger_kind kind) {
    calendar_use use{nodes_.calendar, nodes_.shift};
    if (nodes_.calendar == nullptr) {
      if (nodes_.shift != nullptr)
        report_.error(*nodes_.shift, "`shift` says what becomes of slots outside a calendar",
                      "add `calendar: name`");
      return;
    }
    if (nodes_.calendar->is_map()) {
      use.name = nullptr;
      read_keys<calendar_use>(report_, *nodes_.calendar, shifted_calendar_rules,
                              "the calendar of a trigger", use);
      if (use.name == nullptr)
        return report_.error(*nodes_.calendar, "`calendar` needs the name of a calendar",
                             "as in {name: workdays, shift: next}");
      if (nodes_.shift != nullptr && use.shift != nodes_.shift)
        return report_.error(*nodes_.shift, "`shift` stands twice, also in `calendar`",
                             "remove one of the two");
    }
    find_calendar(*use.name);
    if (use.shift != nullptr)
      read_shift(kind, *use.shift);
  }

  void find_calendar(const node& name) {
    if (!name.is_scalar())
      return report_kind(report_, name, "the name of a calendar");
    std::vector<std::string_view> names;
    if (context_.calendars != nullptr)
      for (const auto& [known, made] : *context_.calendars) {
        if (known == name.text) {
          context_.used->push_back(known);
          out_.slots.days = made.value;
          return;
        }
        names.emplace_back(known);
      }
    auto advice = did_you_mean(name.text, names);
    report_.error(name, "there is no calendar " + shown(name.text),
                  advice.empty() ? "declare it under `calendars:` in pinion.yaml" : advice);
  }

  void read_shift(trigger_kind kind, const node& at) {
    static const std::vector<std::string_view> words{"skip", "next", "previous"};
    const auto word = read_word(report_, at, words);
    if (!word)
      return;
    out_.slots.shift = static_cast<calendar_shift>(*word);
    if (kind == trigger_kind::every && out_.slots.shift != calendar_shift::skip)
      report_.error(at, "slots of `every` do not move to other days",
                    "write `shift: skip`, which is the default");
  }

  void read_off_days() {
    if (nodes_.off_days == nullptr)
      return;
    static const std::vector<std::string_view> words{"dryrun", "none"};
    const auto word = read_word(report_, *nodes_.off_days, words);
    if (!word || *word != 0)
      return;
    auto& slots = out_.slots;
    slots.off_days_dryrun = true;
    if (nodes_.calendar != nullptr && slots.shift != calendar_shift::skip)
      return report_.error(*nodes_.off_days,
                           "with `shift: next` or `previous` no day is left out: there are no off "
                           "days",
                           "write `shift: skip`");
    const auto* period = std::get_if<period_schedule>(&slots.when);
    const bool leaves_out_days =
        period != nullptr && (period->unit > calendar_unit::day ||
                              (period->unit == calendar_unit::day && period->step > 1));
    if (nodes_.calendar == nullptr && !leaves_out_days)
      report_.error(*nodes_.off_days, "this trigger has no off days",
                    "they are the days that a `calendar`, or `days` and `step` of a period of days "
                    "and longer, leave out");
  }

  const reporter& report_;
  const slot_nodes& nodes_;
  const slot_context& context_;
  read_rule out_;
};

struct misfire_draft {
  misfire_policy policy;
  const node* within = nullptr;
  const node* max = nullptr;
};

void read_misfire_policy(const reporter& report, const node& at, misfire_draft& into) {
  static const std::vector<std::string_view> words{"all", "last", "none"};
  if (const auto word = read_word(report, at, words))
    into.policy.policy = static_cast<misfire_choice>(*word);
}

constexpr key_rule<misfire_draft> misfire_rules[] = {
    {"policy", read_misfire_policy},
    {"within",
     [](const reporter& report, const node& at, misfire_draft& into) {
       into.within = &at;
       if (const auto value = read_duration(report, at, some_duration()))
         into.policy.within = *value;
     }},
    {"max",
     [](const reporter& report, const node& at, misfire_draft& into) {
       into.max = &at;
       if (const auto value = read_integer(report, at, 1, 10'000))
         into.policy.max = static_cast<std::uint32_t>(*value);
     }},
};

/// Before every slot that a trigger can have; cron knows years from 1970 on.
constexpr instant long_ago = std::chrono::sys_days{std::chrono::year{1900} / 1 / 1};

} // namespace

std::optional<read_rule> read_slot_rule(const reporter& report, trigger_kind kind,
                                        const slot_nodes& nodes, const slot_context& context) {
  return rule_reader{report, nodes, context}.read(kind);
}

void check_comes(const reporter& report, const node& at, const read_rule& rule,
                 std::optional<instant> now) {
  const auto& slots = rule.slots;
  const auto before = slots.first ? *slots.first - duration{1} : long_ago;
  if (!next_slot(slots, before)) {
    if (!next_slot(slots.when, before))
      return report.error(at, shown(rule.text) + " never comes" +
                                  (slots.first ? " after `start`" : ""));
    return report.error(at,
                        shown(rule.text) + " never comes: its window and calendar leave no slot");
  }
  if (!now || next_slot(slots, *now))
    return;
  const auto last = previous_slot(slots, *now);
  const auto when = last ? print_local(last->at, zone_of(slots)) : std::string{};
  if (std::holds_alternative<cron_schedule>(slots.when) && !next_slot(slots.when, *now))
    report.error(at, shown(rule.text) + " never comes again; its last time was " + when,
                 "mend the year, or remove the trigger");
  else
    report.warning(at.offset, "the trigger has no slot any more; its last one was " + when,
                   "remove the trigger, or move `end`");
}

std::optional<misfire_policy> read_misfire(const reporter& report, const node& at,
                                           const misfire_policy& unsaid) {
  misfire_draft draft{unsaid};
  const auto errors = report.sink.error_count();
  if (at.is_scalar())
    read_misfire_policy(report, at, draft);
  else
    read_keys<misfire_draft>(report, at, misfire_rules, "a misfire policy", draft);
  const auto policy = draft.policy.policy;
  if (policy == misfire_choice::none && draft.within != nullptr)
    report.error(*draft.within, "`policy: none` makes nothing up: it has no `within`");
  if (policy != misfire_choice::all && draft.max != nullptr)
    report.error(*draft.max, "`max` belongs to `policy: all`");
  return report.sink.error_count() == errors ? std::optional{draft.policy} : std::nullopt;
}

std::vector<std::string_view> dst_keys() { return keys_of<dst_draft>(dst_rules); }
std::vector<std::string_view> misfire_keys() { return keys_of<misfire_draft>(misfire_rules); }
std::vector<std::string_view> shifted_calendar_keys() {
  return keys_of<calendar_use>(shifted_calendar_rules);
}

} // namespace pinion::definitions
