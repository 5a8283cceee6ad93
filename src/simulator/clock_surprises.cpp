#include "pinion/simulator/simulation_report.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion {
namespace {

/// What one change of the clocks skips or repeats, in civil time: [begin, end).
struct clock_change {
  civil_time begin;
  civil_time end;
  bool gap = false;
};

std::vector<clock_change> changes_in(zone in, instant from, instant to) {
  std::vector<clock_change> out;
  for (auto span = in.span_at(from); span.end < to && span.end != instant::max();
       span = in.span_at(span.end)) {
    const civil_time at{span.end.time_since_epoch()};
    const auto before = at + span.offset;
    const auto after = at + span.after;
    if (before != after)
      out.push_back({std::min(before, after), std::max(before, after), after > before});
  }
  return out;
}

/// The same rule on clocks that never change.
slot_rule without_changes(slot_rule of) {
  std::visit(
      [](auto& when) {
        if constexpr (requires { when.in; })
          when.in = zone{};
      },
      of.when);
  // The window is meant in instants: it does not move with the zone.
  of.first.reset();
  of.last.reset();
  of.in = {};
  return of;
}

/// Times that are written with an offset do not move with the clocks.
bool follows_clocks(const slot_rule& of) {
  return !std::holds_alternative<every_schedule>(of.when);
}

class search {
public:
  search(const slot_rule& of, zone in) : of_{of}, plain_{without_changes(of)}, in_{in} {
    if (auto* dates = std::get_if<date_schedule>(&plain_.when))
      dates->instants.clear();
  }

  void look(const clock_change& change, clock_surprise found, std::vector<clock_surprise>& out) {
    constexpr std::size_t most = 200;
    const instant begin{change.begin.time_since_epoch()};
    const instant end{change.end.time_since_epoch()};
    for (const auto& each : slots_between(plain_, begin, end, most)) {
      const civil_time civil{each.at.time_since_epoch()};
      found.civil = print_local(each.at, zone{}).substr(0, 19);
      found.slots.clear();
      if (change.gap)
        judge_gap(civil, change, found);
      else
        judge_repeat(civil, found);
      out.push_back(found);
    }
  }

private:
  void judge_gap(civil_time civil, const clock_change& change, clock_surprise& found) {
    const auto after = in_.instants_of(civil).first;
    const auto policy = dst_of(of_.when);
    if (policy.missing == missing_time::skip || !is_slot(of_, after)) {
      found.what = clock_surprise::kind::left_out;
      return;
    }
    found.slots.push_back(after);
    // Another civil time means this instant already: its own, or an earlier one of the gap.
    const instant end{change.end.time_since_epoch()};
    const auto earlier = slots_between(plain_, instant{change.begin.time_since_epoch()},
                                       instant{civil.time_since_epoch()}, 1);
    found.what = is_slot(plain_, end) || !earlier.empty() ? clock_surprise::kind::merged
                                                          : clock_surprise::kind::moved;
  }

  void judge_repeat(civil_time civil, clock_surprise& found) {
    const auto both = in_.instants_of(civil);
    for (const auto at : {both.first, both.second})
      if (is_slot(of_, at))
        found.slots.push_back(at);
    found.what =
        found.slots.size() == 2 ? clock_surprise::kind::doubled : clock_surprise::kind::once;
  }

  const slot_rule& of_;
  slot_rule plain_;
  zone in_;
};

} // namespace

std::string_view to_string(clock_surprise::kind what) noexcept {
  switch (what) {
  case clock_surprise::kind::moved:
    return "moved";
  case clock_surprise::kind::merged:
    return "merged";
  case clock_surprise::kind::left_out:
    return "left_out";
  case clock_surprise::kind::doubled:
    return "doubled";
  case clock_surprise::kind::once:
    return "once";
  }
  return "";
}

std::vector<clock_surprise> surprises_of(const workflow_definition& workflow,
                                         std::uint32_t position, instant from, instant to) {
  std::vector<clock_surprise> out;
  for (const auto& trigger : workflow.triggers) {
    if (trigger.after || !trigger.enabled || !follows_clocks(trigger.slots))
      continue;
    const auto in = zone_of(trigger.slots);
    clock_surprise found;
    found.workflow = position;
    found.trigger = trigger.id;
    found.zone = in.name();
    search look{trigger.slots, in};
    const auto first = std::max(from, trigger.slots.first.value_or(from));
    const auto last = std::min(to, trigger.slots.last.value_or(to));
    for (const auto& change : changes_in(in, first, last))
      look.look(change, found, out);
  }
  return out;
}

} // namespace pinion
