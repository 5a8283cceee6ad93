#include "run_stepper.hpp"

#include <algorithm>
#include <set>

namespace pinion {
namespace {

bool ended_badly(instance_state state) {
  return state == instance_state::failed || state == instance_state::upstream_failed ||
         state == instance_state::cancelled;
}

} // namespace

/// What a rerun takes in: whole tasks, and single elements of fan-outs whose list stays as it is.
class rerun_selection {
public:
  using graph_type = run_core::graph;
  rerun_selection(const graph_type& graph, rerun_scope scope)
      : graph_(graph), scope_(scope), whole_(graph.instances.size(), 0) {}

  void add_task(std::uint32_t task) {
    if (whole_[task] != 0)
      return;
    whole_[task] = 1;
    tasks_.push_back(task);
  }
  void add_element(const instance_key& key) {
    elements_.push_back(key);
    tasks_.push_back(key.task);
  }

  /// Adds the fallbacks of what is in (a rerun of a primary resets its chain), and what lies up or
  /// down the graph as the scope says.
  /// `new_tasks`: the run has got tasks that it did not have before.
  void close(bool new_tasks) {
    opens_outcome_ = new_tasks;
    // NOLINTNEXTLINE(modernize-loop-convert): the list grows.
    for (std::size_t next = 0; next < tasks_.size(); ++next) {
      const auto task = tasks_[next];
      if (graph_.task(task).fallback)
        add_task(*graph_.task(task).fallback);
      if (scope_ == rerun_scope::upstream)
        add_upstream(task);
      else if (scope_ != rerun_scope::only)
        for (const auto behind : graph_.downstream_of(graph_.primary_of(task)))
          if (!stays_out(behind))
            add_task(behind);
    }
    add_surroundings();
    for (const auto task : tasks_)
      opens_outcome_ = opens_outcome_ || !graph_.at_end(task);
    if (opens_outcome_)
      for (const auto task : graph_.end_tasks)
        add_chain(task);
    std::sort(tasks_.begin(), tasks_.end());
    tasks_.erase(std::unique(tasks_.begin(), tasks_.end()), tasks_.end());
    std::erase_if(elements_, [this](const instance_key& key) { return whole_[key.task] != 0; });
  }

  /// It is not about end tasks alone: how the run comes out is open again.
  bool opens_outcome() const noexcept { return opens_outcome_; }

  /// Ascending.
  const std::vector<std::uint32_t>& tasks() const { return tasks_; }
  bool whole(std::uint32_t task) const { return whole_[task] != 0; }
  /// Of tasks that are not whole, ascending.
  const std::vector<instance_key>& elements() const { return elements_; }

private:
  /// A switch that does not run again has not chosen it.
  bool stays_out(std::uint32_t task) const {
    const auto& at = graph_.instances[task].front();
    if (at.state != instance_state::skipped || at.why != reason::not_chosen)
      return false;
    const auto& needs = graph_.task(task).needs;
    return std::none_of(needs.begin(), needs.end(), [this](std::uint32_t need) {
      return graph_.task(need).type == task_type::choice && whole_[need] != 0;
    });
  }

  /// What lies between a setup and a teardown that has begun needs both anew.
  void add_surroundings() {
    std::set<std::uint32_t> setups;
    for (const auto task : tasks_) {
      const auto around = graph_.setups.around(task);
      setups.insert(around.begin(), around.end());
    }
    for (const auto setup : setups)
      for (const auto behind : graph_.downstream_of(setup)) {
        const auto& ends = graph_.task(behind).teardown_of;
        if (!std::binary_search(ends.begin(), ends.end(), setup) || graph_.awaits(behind))
          continue;
        add_chain(setup);
        add_chain(behind);
      }
  }

  void add_chain(std::uint32_t task) {
    add_task(task);
    while (graph_.task(task).fallback)
      add_task(task = *graph_.task(task).fallback);
  }

  void add_upstream(std::uint32_t task) {
    const auto& definition = graph_.task(task);
    if (definition.fallback_of)
      add_task(*definition.fallback_of);
    // New upstream results may give another list: then single elements cannot stay.
    if (!definition.needs.empty())
      add_task(task);
    for (const auto need : definition.needs)
      add_task(need);
  }

  const graph_type& graph_;
  rerun_scope scope_;
  bool opens_outcome_ = false;
  std::vector<std::uint8_t> whole_;
  std::vector<std::uint32_t> tasks_;
  std::vector<instance_key> elements_;
};

void run_stepper::rerun(const run_operation& operation) {
  const bool ended = run_.ended_at != never;
  if (!ended && (run_.fired_at == never || run_.cancel_requested))
    return refuse(errc::refused,
                  to_string(run_.id) +
                      (run_.cancel_requested ? " is being cancelled" : " has not started yet"));
  rerun_selection chosen{graph_, operation.scope};
  if (!select(operation, chosen))
    return;
  const bool more = operation.definition && graph_.live > 0 && ended; // New tasks.
  chosen.close(more);

  std::vector<instance_key> resets = chosen.elements();
  for (const auto task : chosen.tasks())
    if (chosen.whole(task) && !graph_.awaits(task)) // One that waits joins the rerun as it is.
      for (const auto& at : graph_.instances[task])
        resets.push_back(at.key);
  if (resets.empty() && !more)
    return refuse(errc::refused, "nothing to run again");
  for (const auto& key : resets) {
    const auto& at = *graph_.find(key);
    const bool not_begun = at.state == instance_state::waiting && !is_polling(at); // It is frozen.
    if (!is_terminal(at.state) && !not_begun)
      return refuse(errc::refused, name_of(graph_.workflow, at) + " is " +
                                       std::string{to_string(at.state)} +
                                       ": what is alive cannot be run again");
  }
  reopen();
  run_.backfill = operation.backfill;
  for (const auto task : chosen.tasks()) {
    watch(graph_.primary_of(task));
    if (!chosen.whole(task))
      continue;
    if (!graph_.awaits(task))
      open_edges(task);
    if (graph_.instances[task].front().key.element != no_element)
      collapse(task, operation.mode);
  }
  for (const auto& key : resets)
    if (auto* at = graph_.find(key))
      reset(*at, operation.mode);
  graph_.recount(run_);
  failing_ = graph_.standing.failing;
  if (chosen.opens_outcome())
    outcome_.reset();
  if (operation.definition)
    enter_again();
  start_again(chosen);
}

/// Puts what the operation names into `chosen`; false if it has refused.
bool run_stepper::select(const run_operation& operation, rerun_selection& chosen) {
  const auto keys = resolve(operation.targets);
  if (!keys)
    return false;
  if (operation.scope != rerun_scope::failed) {
    // All elements of a fan-out are the fan-out: its list is made again.
    std::unordered_map<std::uint32_t, std::size_t> named;
    for (const auto& key : *keys)
      ++named[key.task];
    for (const auto& key : *keys)
      if (named[key.task] == graph_.instances[key.task].size())
        chosen.add_task(key.task);
      else
        chosen.add_element(key);
    return true;
  }
  for (const auto& key : *keys) {
    if (!ended_badly(graph_.find(key)->state))
      continue;
    const auto head = graph_.primary_of(key.task);
    // Of the whole run: a failure that its fallback made good is no failure of the run.
    if (operation.targets.empty() && graph_.chained(head) &&
        graph_.chain_outcome(head).join == upstream_class::success)
      continue;
    if (key.element != no_element)
      chosen.add_element(key);
    else
      chosen.add_task(key.task);
    if (key.task != head && graph_.instances[head].front().key.element == no_element)
      chosen.add_task(head);
  }
  return true;
}

void run_stepper::start_again(const rerun_selection& chosen) {
  for (const auto& key : chosen.elements()) {
    auto& at = *graph_.find(key);
    if (at.mode == task_mode::frozen)
      at.why = reason::frozen;
    else if (at.mode == task_mode::dry)
      succeed_dry(at);
    else
      go_on(at);
  }
  for (const auto task : chosen.tasks()) {
    joins_.push_back(task);
    // What was parked behind it waits for it again, in the rerun or not.
    for (const auto behind : graph_.downstream_of(task))
      joins_.push_back(behind);
    if (graph_.awaits(task))
      unpark(graph_.instances[task].front());
    if (graph_.chained(task)) // A fallback that runs again while its primary's failure stands.
      settled_.push_back({graph_.instances[graph_.primary_of(task)].front().key, false});
  }
}

/// Starts an instance over; its attempts and their numbers go on. Tallies are recounted after.
void run_stepper::reset(instance_record& at, std::optional<task_mode> mode) {
  drop_outputs(at);
  const auto former = std::move(at);
  at = initial_record(graph_.workflow, run_, former.key.task);
  at.key = former.key;
  at.state = instance_state::waiting;
  at.why = graph_.reason_to_wait(at.key.task);
  at.mode = mode.value_or(former.mode);
  at.placeholder = former.placeholder;
  at.attempt = former.attempt;
  at.epoch = former.epoch;
  at.priority = former.priority;
  at.repooled = former.repooled;
  at.pools = former.pools;
  at.element_key = former.element_key;
  at.element_value = former.element_value;
  at.triggered_at = former.triggered_at;
  at.waiting_at = time_;
  note(at.key);
  announce(at.key);
}

void run_stepper::reopen() {
  changed_ = true;
  if (run_.ended_at == never)
    return;
  if (run_.fired_at == never)
    run_.fired_at = time_; // Cancelled before its time: a person decides that it runs now.
  if (!run_.admitted)
    run_.admitted_at = time_;
  run_.admitted = true;
  run_.cancel_requested = false;
  run_.cancel_failed = false;
  run_.started_at = never; // The run's timeout counts anew, from the next attempt.
  run_.ended_at = never;
  run_.why = reason::rerun;
  run_.message.clear();
  ++run_.incarnation;
  out_.effects.emplace_back(run_effect::reopened{});
}

} // namespace pinion
