#include "actors/backfill_plan.hpp"

#include "pinion/model/binding.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace pinion {

namespace {

using std::chrono::days;

constexpr duration tick{1};
/// A need may bind to a slot somewhat later than its own: the first of its day.
constexpr days reach_back{1};

/// Slots by (workflow, trigger).
using slot_sets = std::map<std::pair<std::string, std::string>, std::set<instant>>;

/// Is some task of another slot or trigger of its own workflow waited for by naming this trigger?
/// Its runs come before those of the other triggers.
bool needed_at_home(const workflow_definition& of, const std::string& trigger) {
  const auto id = of.id();
  return std::any_of(of.tasks.begin(), of.tasks.end(), [&](const auto& task) {
    return std::any_of(task.outside_needs.begin(), task.outside_needs.end(), [&](const auto& need) {
      return need.workflow == id && need.trigger == trigger;
    });
  });
}

class downstream_search {
public:
  downstream_search(backfill_plan& plan, const known_definitions& all, instant now)
      : plan_{plan}, all_{all}, root_{plan.sources.front().workflow} {
    const auto [first, last] =
        std::minmax_element(plan.slots.begin(), plan.slots.end(),
                            [](const auto& a, const auto& b) { return a.slot < b.slot; });
    from_ = first->slot - reach_back;
    to_ = std::min(last->slot + downstream_reach, now);
    auto& own = found_[{root_, plan.sources.front().trigger}];
    for (const auto& each : plan.slots)
      own.insert(each.slot);
  }

  result<void> run(bool descending) {
    find_dependents();
    for (const auto& workflow : in_order_of_needs()) {
      BOOST_OUTCOME_TRY(add_slots_of(workflow));
    }
    return write(descending);
  }

private:
  /// Everybody who needs the root, directly or not.
  void find_dependents() {
    std::vector<std::string> to_follow{root_};
    while (!to_follow.empty()) {
      const auto upstream = std::move(to_follow.back());
      to_follow.pop_back();
      for (const auto& each : all_.dependents_of(upstream))
        if (each != root_ && upstreams_.try_emplace(each).second)
          to_follow.push_back(each);
    }
    for (auto& [workflow, needed] : upstreams_)
      for (const auto& each : upstream_workflows(*all_.all().at(workflow)))
        if (each != workflow && (each == root_ || upstreams_.contains(each)))
          needed.insert(each);
  }

  /// Each after all that it needs, and its level: how long the longest way from the root is. Those
  /// that need each other (files are checked for that) stay together at the end, on one level.
  std::vector<std::string> in_order_of_needs() {
    std::vector<std::string> order;
    level_[root_] = 0;
    std::uint32_t highest = 0;
    while (order.size() < upstreams_.size()) {
      const auto before = order.size();
      for (const auto& [workflow, needed] : upstreams_) {
        if (level_.contains(workflow))
          continue;
        std::uint32_t level = 0;
        const bool placed = std::all_of(needed.begin(), needed.end(), [&](const auto& each) {
          const auto at = level_.find(each);
          if (at != level_.end())
            level = std::max(level, at->second + 1);
          return at != level_.end();
        });
        if (!placed)
          continue;
        level_[workflow] = level;
        highest = std::max(highest, level);
        order.push_back(workflow);
      }
      if (order.size() == before)
        for (const auto& [workflow, _] : upstreams_)
          if (level_.try_emplace(workflow, highest + 1).second)
            order.push_back(workflow);
    }
    return order;
  }

  result<void> add_slots_of(const std::string& workflow) {
    const auto& definition = *all_.all().at(workflow);
    for (const auto& trigger : definition.triggers) {
      const auto known = all_.directory().find(workflow, trigger.id);
      if (!trigger.enabled || !known)
        continue;
      const auto slots =
          slots_between(*known->slots, from_, to_ + tick, max_slots_looked_at - looked_at_ + 1);
      looked_at_ += slots.size();
      if (looked_at_ > max_slots_looked_at)
        return problem{errc::limit,
                       "there are more than " + std::to_string(max_slots_looked_at) +
                           " slots downstream of " + root_ + " to look at in this range",
                       "take a shorter range, or backfill " + workflow + " by itself"};
      for (const auto& slot : slots) {
        BOOST_OUTCOME_TRY(bound, is_bound(definition, trigger.id, *known, slot.at));
        if (!bound)
          continue;
        found_[{workflow, trigger.id}].insert(slot.at);
        if (++added_ + plan_.slots.size() > max_backfill_slots)
          return problem{errc::limit,
                         "with its downstream the backfill has more than " +
                             std::to_string(max_backfill_slots) + " slots",
                         "take a shorter range"};
      }
    }
    return ok();
  }

  /// Does a run of that slot wait for one of the slots found so far?
  result<bool> is_bound(const workflow_definition& of, const std::string& trigger,
                        const known_trigger& known, instant slot) const {
    const auto interval = interval_of(*known.slots, slot, known.interval, known.in);
    BOOST_OUTCOME_TRY(edges, bind_needs(of, {trigger, slot, interval}, all_.directory()));
    const auto id = of.id();
    return std::any_of(edges.begin(), edges.end(), [&](const auto& edge) {
      const auto upstream = found_.find({edge.workflow, edge.trigger});
      return edge.workflow != id && upstream != found_.end() &&
             std::any_of(edge.slots.begin(), edge.slots.end(),
                         [&](instant each) { return upstream->second.contains(each); });
    });
  }

  result<void> write(bool descending) {
    struct placed {
      std::uint32_t level;
      bool later; ///< After the other triggers of its workflow.
      backfill_plan::entry what;
    };
    std::vector<placed> all;
    for (const auto& [source, slots] : found_) {
      const auto& [workflow, trigger] = source;
      if (workflow == root_)
        continue;
      const auto& definition = *all_.all().at(workflow);
      BOOST_OUTCOME_TRY(in, zone::load(definition.timezone));
      const auto position = static_cast<std::uint32_t>(plan_.sources.size());
      plan_.sources.push_back({workflow, trigger, in});
      for (const auto slot : slots)
        all.push_back(
            {level_.at(workflow), !needed_at_home(definition, trigger), {position, slot}});
    }
    std::stable_sort(all.begin(), all.end(), [descending](const auto& a, const auto& b) {
      if (std::tie(a.level, a.later) != std::tie(b.level, b.later))
        return std::tie(a.level, a.later) < std::tie(b.level, b.later);
      return descending ? a.what.slot > b.what.slot : a.what.slot < b.what.slot;
    });
    for (const auto& each : all)
      plan_.slots.push_back(each.what);
    return ok();
  }

  backfill_plan& plan_;
  const known_definitions& all_;
  std::string root_;
  instant from_;
  instant to_;
  slot_sets found_;
  std::map<std::string, std::set<std::string>> upstreams_; ///< Of the dependents, among them.
  std::map<std::string, std::uint32_t> level_;
  std::size_t looked_at_ = 0;
  std::size_t added_ = 0;
};

} // namespace

result<void> add_downstream(backfill_plan& plan, const known_definitions& all, bool descending,
                            instant now) {
  return downstream_search{plan, all, now}.run(descending);
}

} // namespace pinion
