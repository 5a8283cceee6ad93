#include "simulation/scenario_writer.hpp"

#include <algorithm>

namespace pinion::sim {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

/// Begins of coarse scenarios: a Friday, and the evenings before clocks change in Brussels (twice)
/// and New York.
constexpr std::int64_t begins_us[] = {1'800'000'000'000'000, 1'806'179'400'000'000,
                                      1'824'930'000'000'000, 1'805'000'400'000'000};
constexpr const char* zones[] = {"UTC", "Europe/Brussels", "America/New_York", "Asia/Kolkata"};

} // namespace

void time_writer::draw_scale() {
  coarse_ = draw_.chance(35);
  if (coarse_) {
    out_.begins = from_us(begins_us[draw_.below(std::size(begins_us))]);
    out_.lasts = draw_.between(hours{3}, draw_.chance(30) ? hours{40} : hours{12});
    out_.longest_down = hours{4};
  } else {
    out_.lasts = draw_.between(seconds{40}, minutes{3});
    far_steps_ = draw_.chance(25);
  }
}

duration time_writer::draw_step() {
  const auto far = coarse_ ? draw_.between(minutes{5}, hours{7})
                           : (far_steps_ ? draw_.between(minutes{10}, hours{3})
                                         : draw_.between(seconds{1}, minutes{4}));
  return draw_.chance(50) ? far : -far;
}

// -- triggers

void time_writer::add_triggers(workflow_definition& of) {
  if (coarse_)
    of.timezone = zones[draw_.below(std::size(zones))];
  if (!draw_.chance(75))
    return;
  of.triggers.push_back(draw_trigger("tick"));
  if (draw_.chance(20))
    of.triggers.push_back(draw_trigger("tock"));
  if (draw_.chance(20)) {
    static constexpr interval_kind kinds[] = {interval_kind::hour, interval_kind::day,
                                              interval_kind::minute, interval_kind::point};
    of.data_interval.kind = kinds[draw_.below(std::size(kinds))];
    of.data_interval_given = true;
  }
}

trigger_definition time_writer::draw_trigger(std::string id) {
  trigger_definition out;
  out.id = std::move(id);
  out.slots = coarse_ ? draw_coarse_rule() : draw_fine_rule();
  if (draw_.chance(60))
    out.misfire = draw_misfire();
  if (draw_.chance(20))
    out.jitter = coarse_ ? draw_.between(seconds{1}, minutes{8})
                         : draw_.between(milliseconds{1}, seconds{12});
  out.enabled = !draw_.chance(4);
  if (draw_.chance(10))
    out.overlap = static_cast<overlap_policy>(draw_.below(5));
  if (draw_.chance(10))
    out.priority = static_cast<std::uint8_t>(draw_.between(1, 9));
  if (draw_.chance(12)) {
    out.catchup = true;
    out.slots.first = out_.begins - (coarse_ ? draw_.between(hours{1}, hours{6})
                                             : draw_.between(seconds{10}, minutes{2}));
  }
  return out;
}

// The window keeps the plan of a day short where slots come every few seconds.
slot_rule time_writer::draw_fine_rule() {
  slot_rule rule;
  if (draw_.chance(40))
    rule.when = cron_schedule{cron_expression::parse("*/20 * * * * *").value()};
  else
    rule.when = make_every(draw_.between(seconds{8}, seconds{50})).value();
  rule.first = out_.begins - draw_.between(minutes{2}, minutes{10});
  rule.last = out_.begins + out_.lasts + minutes{8} + (far_steps_ ? hours{4} : hours{0});
  return rule;
}

slot_rule time_writer::draw_coarse_rule() {
  slot_rule rule;
  const auto in = zone::load(zones[draw_.below(std::size(zones))]).value();
  const auto two = [](std::uint64_t number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
  };
  switch (draw_.below(5)) {
  case 0:
    rule.when = make_every(minutes{draw_.chance(50) ? 30 : 90}).value();
    break;
  case 1:
    rule.when = cron_schedule{cron_expression::parse("0 * * * *").value(), in};
    break;
  case 2:
    rule.when = cron_schedule{cron_expression::parse("30 */2 * * *").value(), in};
    break;
  case 3:
    rule.when = parse_period({"hour", {":15"}, {}, 1}, in).value();
    break;
  default: {
    period_text text{"day", {}, {}, 1};
    for (auto left = draw_.between(1, 3); left > 0; --left)
      text.at.push_back(two(draw_.below(24)) + ':' + two(draw_.below(60)));
    rule.when = parse_period(std::move(text), in).value();
  }
  }
  if (draw_.chance(30))
    draw_days(rule);
  if (draw_.chance(30))
    rule.first = out_.begins - draw_.between(hours{0}, hours{30});
  return rule;
}

void time_writer::draw_days(slot_rule& rule) {
  calendar_text text;
  text.weekdays = {draw_.chance(50) ? "mon-fri" : "sat-sun"};
  if (draw_.chance(30))
    text.except = {"2027-01-15", "2027-10-31"};
  rule.days = std::make_shared<const calendar>(calendar::parse(std::move(text)).value());
  rule.shift = draw_.chance(60)
                   ? calendar_shift::skip
                   : (draw_.chance(50) ? calendar_shift::next : calendar_shift::previous);
  rule.off_days_dryrun = draw_.chance(60);
}

misfire_policy time_writer::draw_misfire() {
  misfire_policy out;
  out.policy = static_cast<misfire_choice>(draw_.below(3));
  out.max = static_cast<std::uint32_t>(draw_.between(1, 5));
  if (draw_.chance(40))
    out.within =
        coarse_ ? draw_.between(minutes{30}, hours{6}) : draw_.between(seconds{10}, minutes{5});
  return out;
}

// -- needs

void time_writer::bind_all() {
  for (auto number = out_.workflows.size(); number-- > 0;) {
    follow(number);
    need_others(number);
    need_previous(out_.workflows[number]);
  }
}

void time_writer::follow(std::size_t number) {
  auto& of = out_.workflows[number];
  if (number + 1 >= out_.workflows.size() || !draw_.chance(20))
    return;
  const auto& upstream = out_.workflows[draw_.between(number + 1, out_.workflows.size() - 1)];
  if (upstream.triggers.empty())
    return;
  trigger_definition out;
  out.id = "follow";
  out.after =
      followed_trigger{upstream.id(), upstream.triggers[draw_.below(upstream.triggers.size())].id,
                       draw_.chance(50) ? need_state::success : need_state::done};
  if (draw_.chance(30))
    out.misfire = draw_misfire();
  of.triggers.push_back(std::move(out));
}

void time_writer::need_others(std::size_t number) {
  auto& of = out_.workflows[number];
  for (auto& task : of.tasks) {
    if (task.fallback_of || !draw_.chance(18))
      continue;
    for (auto left = draw_.between(1, 2); left > 0; --left) {
      const auto which = draw_.between(number, out_.workflows.size() - 1);
      const auto& upstream = out_.workflows[which];
      if (upstream.triggers.empty())
        continue;
      task.outside_needs.push_back(which == number ? draw_own_need(of) : draw_need(upstream));
    }
  }
}

void time_writer::need_previous(workflow_definition& of) {
  for (std::uint32_t number = 0; number < of.tasks.size(); ++number) {
    auto& task = of.tasks[number];
    if (task.fallback_of)
      continue;
    const auto kind = draw_.below(100);
    if (kind < 8) {
      task.depends_on_previous = previous_need::self;
    } else if (kind < 11) {
      task.depends_on_previous = previous_need::children;
    } else if (kind < 14) {
      task.depends_on_previous = previous_need::tasks;
      const auto other = static_cast<std::uint32_t>(draw_.below(of.tasks.size()));
      task.previous_tasks = {of.tasks[other].fallback_of ? number : other};
    }
  }
}

outside_need time_writer::draw_need(const workflow_definition& upstream) {
  outside_need need;
  need.workflow = upstream.id();
  const auto& task = upstream.tasks[draw_.below(upstream.tasks.size())];
  if (draw_.chance(65) && !task.fallback_of)
    need.task = task.name;
  if (upstream.triggers.size() > 1 || draw_.chance(50))
    need.trigger = upstream.triggers[draw_.below(upstream.triggers.size())].id;
  if (draw_.chance(30)) {
    draw_window(need);
  } else {
    need.slot = static_cast<slot_choice>(draw_.below(5));
    need.back =
        need.slot == slot_choice::back ? static_cast<std::uint32_t>(draw_.between(1, 3)) : 0;
    if (draw_.chance(20) && need.slot == slot_choice::nearest)
      need.last = static_cast<std::uint32_t>(draw_.between(1, 6));
  }
  need.state = draw_.chance(50) ? need_state::success : need_state::done;
  static constexpr missing_policy policies[] = {missing_policy::satisfied,
                                                missing_policy::satisfied, missing_policy::fail,
                                                missing_policy::wait};
  need.missing = policies[draw_.below(std::size(policies))];
  return need;
}

outside_need time_writer::draw_own_need(const workflow_definition& of) {
  auto need = draw_need(of);
  need.window = need_window::none;
  need.last = 0;
  need.slot = draw_.chance(50) ? slot_choice::previous : slot_choice::back;
  need.back = need.slot == slot_choice::back ? static_cast<std::uint32_t>(draw_.between(1, 2)) : 0;
  return need;
}

void time_writer::draw_window(outside_need& need) {
  static constexpr need_window kinds[] = {need_window::data, need_window::slot_day,
                                          need_window::hour, need_window::day};
  need.window = kinds[far_steps_ ? 0 : draw_.below(std::size(kinds))];
  if (need.window == need_window::hour || need.window == need_window::day)
    need.last =
        static_cast<std::uint32_t>(draw_.between(0, need.window == need_window::day ? 2 : 5));
}

// -- edits

void time_writer::draw_edit() {
  out_.edited = out_.workflows;
  for (auto& of : out_.edited) {
    if (!draw_.chance(60))
      continue;
    of.description = "edited";
    of.edits = draw_.chance(40) ? edit_mode::next_day : edit_mode::immediate;
    for (auto& task : of.tasks) {
      if (draw_.chance(20))
        task.priority = static_cast<std::uint8_t>(draw_.between(1, 9));
      if (draw_.chance(25))
        task.outside_needs.clear();
      for (auto& need : task.outside_needs)
        if (draw_.chance(30) && need.window == need_window::none && need.workflow != of.id()) {
          need.slot = slot_choice::nearest;
          need.back = 0;
        }
    }
    for (auto& trigger : of.triggers) {
      if (draw_.chance(20) && !trigger.after)
        trigger.misfire = draw_misfire();
      if (draw_.chance(25) && !trigger.after) {
        const auto first = trigger.slots.first;
        trigger.slots = coarse_ ? draw_coarse_rule() : draw_fine_rule();
        if (trigger.catchup)
          trigger.slots.first = first;
      }
    }
  }
}

} // namespace pinion::sim
