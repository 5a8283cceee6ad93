#include "api/rerun_across.hpp"

#include <algorithm>
#include <deque>
#include <map>

namespace pinion {
namespace {

/// A need may bind to a slot somewhat later than its own: the first of its day.
constexpr std::chrono::hours reach_back{24};

bool needs_workflow(const workflow_definition& of, const std::string& workflow) {
  const auto by_task = [&](const task_definition& task) {
    return std::any_of(task.outside_needs.begin(), task.outside_needs.end(),
                       [&](const outside_need& need) { return need.workflow == workflow; });
  };
  const auto by_trigger = [&](const trigger_definition& trigger) {
    return trigger.after && trigger.after->workflow == workflow;
  };
  return std::any_of(of.tasks.begin(), of.tasks.end(), by_task) ||
         std::any_of(of.triggers.begin(), of.triggers.end(), by_trigger);
}

class search {
public:
  search(const store_view& view, const asked_operation& asked) : view_{view}, asked_{asked} {}

  result<std::vector<reached_run>> run() {
    reached_run root{asked_.run, asked_.definition, asked_.operation, {}, {}, {}, {}};
    BOOST_OUTCOME_TRYV(try_out(root));
    if (root.refused)
      return *root.refused;
    root_ = root.run.id;
    found_.emplace(root_, std::move(root));
    for (to_follow_ = {root_}; !to_follow_.empty();) {
      const auto next = to_follow_.front();
      to_follow_.pop_front();
      BOOST_OUTCOME_TRYV(follow(next));
    }
    return in_order();
  }

private:
  /// Fills in what would start over; a refusal is kept, other failures are failures.
  result<void> try_out(reached_run& at) const {
    auto seen = rehearse(view_, at.run, at.definition, at.operation);
    at.refused = seen ? std::nullopt : std::optional{seen.error()};
    at.again.clear();
    if (!seen)
      return seen.error().code == errc::refused || at.run.id == asked_.run.id
                 ? result<void>{ok()}
                 : result<void>{seen.error()};
    at.changes = changes_of(seen.value());
    const auto& tasks = seen.value().core.definition().tasks;
    for (const auto& key : seen.value().step.instances)
      if (key.task < tasks.size())
        at.again.insert(tasks[key.task].name);
    return ok();
  }

  result<void> follow(run_id id) {
    const auto& from = found_.at(id);
    // What no clock made satisfies nobody's needs.
    if (from.refused || from.run.isolated || from.run.trigger.starts_with('@'))
      return ok();
    BOOST_OUTCOME_TRY(workflows, view_.rows.workflows());
    for (const auto& each : workflows) {
      if (each.id == from.run.workflow || each.retired)
        continue;
      BOOST_OUTCOME_TRY(definition, view_.definition(each.id, each.version));
      if (!needs_workflow(*definition, from.run.workflow))
        continue;
      for (const auto& trigger : definition->triggers) {
        BOOST_OUTCOME_TRYV(look_at(each.id, trigger.id, id));
      }
    }
    return ok();
  }

  result<void> look_at(const std::string& workflow, const std::string& trigger, run_id from) {
    slot_filter filter;
    filter.workflow = workflow;
    filter.trigger = trigger;
    filter.from = found_.at(from).run.slot - reach_back;
    page_request ask{1000, {}};
    do {
      BOOST_OUTCOME_TRY(slots, view_.rows.list_slots(filter, ask));
      looked_at_ += slots.items.size();
      if (looked_at_ > most_slots_looked_at)
        return problem{errc::limit,
                       "more than " + std::to_string(most_slots_looked_at) +
                           " later slots of other workflows would have to be looked at",
                       "Rerun without them, and backfill what is behind"};
      for (const auto& slot : slots.items) {
        if (slot.run.value != 0) {
          BOOST_OUTCOME_TRYV(reach(slot, from));
        }
      }
      ask.cursor = slots.next;
    } while (!ask.cursor.empty());
    return ok();
  }

  /// The tasks of that slot's run that wait for something that starts over.
  result<void> reach(const slot_record& slot, run_id from) {
    const auto& upstream = found_.at(from);
    std::set<std::uint32_t> tasks;
    for (const auto& edge : slot.edges)
      if (edge.workflow == upstream.run.workflow && edge.trigger == upstream.run.trigger &&
          (edge.upstream_task.empty() || upstream.again.contains(edge.upstream_task)) &&
          std::binary_search(edge.slots.begin(), edge.slots.end(), upstream.run.slot))
        tasks.insert(edge.task);
    if (tasks.empty() || slot.run == root_)
      return ok();
    auto at = found_.find(slot.run);
    if (at == found_.end()) {
      if (found_.size() == most_reached_runs)
        return problem{errc::limit,
                       "more than " + std::to_string(most_reached_runs) + " runs would run again",
                       "Rerun without other workflows, and backfill what is behind"};
      BOOST_OUTCOME_TRY(run, view_.rows.run(slot.run));
      if (!run)
        return ok();
      BOOST_OUTCOME_TRY(definition, view_.definition_of(*run));
      reached_run made{std::move(*run), std::move(definition), {}, {}, {}, {}, {}};
      made.operation.what = run_operation::verb::rerun;
      made.operation.scope = rerun_scope::downstream;
      made.operation.message =
          asked_.operation.message + " (downstream of " + to_string(root_) + ')';
      at = found_.emplace(slot.run, std::move(made)).first;
    }
    auto& reached = at->second;
    reached.upstream.insert(from);
    auto& targets = reached.operation.targets;
    const auto before = targets.size();
    for (const auto task : tasks)
      if (task < reached.definition->tasks.size() &&
          std::none_of(targets.begin(), targets.end(),
                       [&](const instance_key& key) { return key.task == task; }))
        targets.push_back({slot.run, task, no_element});
    if (targets.size() == before)
      return ok();
    BOOST_OUTCOME_TRYV(try_out(reached));
    to_follow_.push_back(slot.run);
    return ok();
  }

  /// Each after all that it is bound to; those of a circle (files are checked for that) last.
  std::vector<reached_run> in_order() {
    std::vector<reached_run> order;
    std::set<run_id> placed;
    while (!found_.empty()) {
      auto next = std::find_if(found_.begin(), found_.end(), [&](const auto& each) {
        return std::all_of(each.second.upstream.begin(), each.second.upstream.end(),
                           [&](run_id upstream) { return placed.contains(upstream); });
      });
      if (next == found_.end())
        next = found_.begin();
      placed.insert(next->first);
      order.push_back(std::move(next->second));
      found_.erase(next);
    }
    return order;
  }

  const store_view& view_;
  const asked_operation& asked_;
  run_id root_;
  std::map<run_id, reached_run> found_;
  std::deque<run_id> to_follow_;
  std::size_t looked_at_ = 0;
};

} // namespace

result<std::vector<reached_run>> plan_rerun_across(const store_view& view,
                                                   const asked_operation& asked) {
  return search{view, asked}.run();
}

} // namespace pinion
