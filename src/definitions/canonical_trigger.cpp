#include "definitions/canonical_parts.hpp"

namespace pinion::definitions {

namespace {

using nlohmann::json;

void put_dst(json& out, dst_policy dst) {
  out["dst_missing"] = missing_words.word(dst.missing);
  out["dst_repeated"] = repeated_words.word(dst.repeated);
}

dst_policy dst_from(const json& from, dst_policy unsaid) {
  missing_words.take(from, "dst_missing", unsaid.missing);
  repeated_words.take(from, "dst_repeated", unsaid.repeated);
  return unsaid;
}

template <class Value>
Value value_or_corrupt(result<Value> made) {
  if (!made)
    throw corrupt_member{made.error().message};
  return std::move(made).value();
}

zone zone_from(const json& from) {
  return value_or_corrupt(zone::load(from.at("timezone").get_ref<const std::string&>()));
}

json when_to_json(const every_schedule& every) {
  json out = json::object();
  out["every_us"] = every.period.count();
  put(out, "anchor_us", to_us(every.anchor), std::int64_t{0});
  return out;
}

json when_to_json(const cron_schedule& cron) {
  json out = json::object();
  out["cron"] = cron.expression.text();
  dialect_words.put(out, "dialect", cron.expression.dialect(), cron_dialect::unix_cron);
  day_join_words.put(out, "dom_dow", cron.expression.two_fields(), day_join::either);
  out["timezone"] = cron.in.name();
  put_dst(out, cron.dst);
  return out;
}

json when_to_json(const period_schedule& period) {
  json out = json::object();
  out["period"] = period.text.period;
  put(out, "at", period.text.at, {});
  put(out, "days", period.text.days, {});
  put(out, "step", period.text.step, std::int64_t{1});
  put(out, "anchor_day", static_cast<std::int64_t>(period.anchor.time_since_epoch().count()),
      std::int64_t{0});
  out["timezone"] = period.in.name();
  put_dst(out, period.dst);
  return out;
}

json when_to_json(const date_schedule& dates) {
  json out = json::object();
  out["dates"] = dates.text;
  out["timezone"] = dates.in.name();
  put_dst(out, dates.dst);
  return out;
}

schedule period_from(const json& from) {
  period_text text;
  text.period = from.at("period").get<std::string>();
  take(from, "at", text.at);
  take(from, "days", text.days);
  take(from, "step", text.step);
  const civil_day anchor{std::chrono::days{from.value("anchor_day", 0)}};
  auto made = value_or_corrupt(parse_period(std::move(text), zone_from(from), anchor));
  made.dst = dst_from(from, made.dst);
  return made;
}

schedule cron_from(const json& from) {
  auto dialect = cron_dialect::unix_cron;
  auto two_fields = day_join::either;
  dialect_words.take(from, "dialect", dialect);
  day_join_words.take(from, "dom_dow", two_fields);
  cron_schedule made{value_or_corrupt(cron_expression::parse(
                         from.at("cron").get_ref<const std::string&>(), dialect, two_fields)),
                     zone_from(from)};
  made.dst = dst_from(from, made.dst);
  return made;
}

schedule schedule_from(const json& from) {
  if (from.contains("every_us"))
    return value_or_corrupt(make_every(duration{from.at("every_us").get<std::int64_t>()},
                                       from_us(from.value("anchor_us", std::int64_t{0}))));
  if (from.contains("period"))
    return period_from(from);
  if (from.contains("dates")) {
    auto made = value_or_corrupt(
        parse_dates(from.at("dates").get<std::vector<std::string>>(), zone_from(from)));
    made.dst = dst_from(from, made.dst);
    return made;
  }
  return cron_from(from);
}

/// The zone that a rule's schedule brings; of `every:` that of the workflow.
std::string usual_zone(const json& when, std::string_view timezone) {
  return when.value("timezone", std::string{timezone});
}

json calendar_to_json(const calendar& days) {
  json out = json::object();
  put(out, "weekdays", days.text().weekdays, {});
  put(out, "except", days.text().except, {});
  put(out, "also", days.text().also, {});
  if (days.on())
    out["on"] = calendar_to_json(*days.on());
  return out;
}

std::shared_ptr<const calendar> calendar_from(const json& from) {
  calendar_text text;
  take(from, "weekdays", text.weekdays);
  take(from, "except", text.except);
  take(from, "also", text.also);
  const auto on = from.contains("on") ? calendar_from(from.at("on")) : nullptr;
  return std::make_shared<const calendar>(value_or_corrupt(calendar::parse(std::move(text), on)));
}

/// The members of a rule stand in the trigger's own object, beside "when".
void put_rule(json& out, const slot_rule& rule, std::string_view timezone) {
  out["when"] = std::visit([](const auto& when) { return when_to_json(when); }, rule.when);
  if (rule.first)
    out["first_us"] = to_us(*rule.first);
  if (rule.last)
    out["last_us"] = to_us(*rule.last);
  if (rule.days)
    out["calendar"] = calendar_to_json(*rule.days);
  shift_words.put(out, "shift", rule.shift, calendar_shift::skip);
  put(out, "off_days_dryrun", rule.off_days_dryrun, false);
  put(out, "zone", rule.in.name(), usual_zone(out["when"], timezone));
}

std::optional<instant> instant_from(const json& from, const char* name) {
  if (!from.contains(name))
    return std::nullopt;
  return from_us(from.at(name).get<std::int64_t>());
}

slot_rule rule_from(const json& from, std::string_view timezone) {
  slot_rule rule;
  const auto& when = from.at("when");
  rule.when = schedule_from(when);
  rule.first = instant_from(from, "first_us");
  rule.last = instant_from(from, "last_us");
  if (from.contains("calendar"))
    rule.days = calendar_from(from.at("calendar"));
  shift_words.take(from, "shift", rule.shift);
  take(from, "off_days_dryrun", rule.off_days_dryrun);
  rule.in = value_or_corrupt(zone::load(from.value("zone", usual_zone(when, timezone))));
  return rule;
}

json followed_to_json(const followed_trigger& followed) {
  json out = json::object();
  out["workflow"] = followed.workflow;
  put(out, "trigger", followed.trigger, std::string{});
  need_state_words.put(out, "state", followed.state, need_state::success);
  return out;
}

followed_trigger followed_from(const json& from) {
  followed_trigger followed;
  followed.workflow = from.at("workflow").get<std::string>();
  take(from, "trigger", followed.trigger);
  need_state_words.take(from, "state", followed.state);
  return followed;
}

json misfire_to_json(const misfire_policy& misfire) {
  return {{"policy", misfire_words.word(misfire.policy)},
          {"within_us", misfire.within.count()},
          {"max", misfire.max}};
}

misfire_policy misfire_from(const json& from) {
  misfire_policy misfire;
  misfire_words.take(from, "policy", misfire.policy);
  take(from, "within_us", misfire.within);
  take(from, "max", misfire.max);
  return misfire;
}

} // namespace

json to_json(const trigger_definition& trigger, std::string_view timezone) {
  json out = json::object();
  out["id"] = trigger.id;
  if (trigger.after)
    out["after"] = followed_to_json(*trigger.after);
  else
    put_rule(out, trigger.slots, timezone);
  put(out, "text", trigger.text, std::string{});
  if (!trigger.params.empty())
    out["params"] = pairs_to_json(trigger.params);
  put(out, "enabled", trigger.enabled, true);
  put(out, "priority", trigger.priority, std::uint8_t{0});
  if (trigger.overlap)
    out["overlap"] = overlap_words.word(*trigger.overlap);
  if (trigger.misfire)
    out["misfire"] = misfire_to_json(*trigger.misfire);
  put(out, "catchup", trigger.catchup, false);
  put(out, "jitter_us", trigger.jitter, duration{});
  return out;
}

trigger_definition trigger_from(const json& from, std::string_view timezone) {
  trigger_definition trigger{.id = from.at("id").get<std::string>(), .slots = {}};
  if (from.contains("after"))
    trigger.after = followed_from(from.at("after"));
  else
    trigger.slots = rule_from(from, timezone);
  take(from, "text", trigger.text);
  trigger.params = pairs_from(from.value("params", json::array()));
  take(from, "enabled", trigger.enabled);
  take(from, "priority", trigger.priority);
  if (from.contains("overlap"))
    overlap_words.take(from, "overlap", trigger.overlap.emplace());
  if (from.contains("misfire"))
    trigger.misfire = misfire_from(from.at("misfire"));
  take(from, "catchup", trigger.catchup);
  take(from, "jitter_us", trigger.jitter);
  return trigger;
}

} // namespace pinion::definitions
