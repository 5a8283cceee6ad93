#include "run_fixture.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

using namespace pinion;
using namespace pinion::testing;
using verb = run_operation::verb;

namespace {

/// Drives a random run with a random world around it: what INSTANCE, DISPATCHER, worker and people
/// do.
class random_world {
public:
  explicit random_world(std::uint64_t seed, std::uint32_t tasks)
      : random_(seed), workflow_(make_workflow(tasks)), run_(workflow_) {
    script();
  }

  /// Runs to the end. Returns what went wrong; empty if nothing did.
  std::string play() {
    operations_left_ = below(5);
    if (one_in(10))
      operate();
    if (!run_.core.ended())
      apply(run_happening::fire{!one_in(4)});
    if (!run_.core.ended() && !run_.core.run().admitted) {
      if (one_in(3))
        operate();
      if (!run_.core.ended())
        apply(run_happening::admit{});
    }
    for (int steps = 0; run_.complaint.empty(); ++steps) {
      if (steps > 20'000)
        return "the run does not come to its end";
      if (operations_left_ > 0 && one_in(run_.core.ended() ? 2 : 12)) {
        operate();
        continue;
      }
      if (run_.core.ended())
        return {};
      if (one_in(25))
        disturb();
      const auto keys = movable();
      if (keys.empty())
        return "nothing can happen, and the run has not ended";
      advance(keys[below(keys.size())]);
    }
    return run_.complaint;
  }

private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }

  workflow_builder make_workflow(std::uint32_t count) {
    workflow_builder workflow;
    std::vector<std::uint32_t> primaries;
    while (workflow.definition->tasks.size() < count) {
      const auto position = static_cast<std::uint32_t>(workflow.definition->tasks.size());
      if (position > 0 && one_in(5)) {
        const auto primary = static_cast<std::uint32_t>(below(position));
        if (!workflow.definition->tasks[primary].fallback) {
          shape(workflow.add_fallback(primary));
          continue;
        }
      }
      std::vector<std::uint32_t> needs;
      for (const auto task : primaries)
        if (one_in(3))
          needs.push_back(task);
      auto& task = workflow.add(needs);
      task.join = static_cast<join_rule>(below(13));
      if (one_in(2))
        task.join = join_rule::all_success;
      shape(task);
      primaries.push_back(position);
    }
    return workflow;
  }

  void shape(task_definition& task) {
    task.type = static_cast<task_type>(below(5));
    task.retry.max = static_cast<std::uint32_t>(below(3));
    if (one_in(4))
      task.retry.on_exit = {1};
    task.ignore_failure = one_in(6);
    if (one_in(4))
      task.pools = {{"a", 1}, {"b", 2}};
    if (one_in(4)) {
      task.for_each.emplace();
      task.for_each->max_parallel = static_cast<std::uint32_t>(below(3));
    }
    if (one_in(5))
      task.when = "scripted";
    const bool has_process = task.type == task_type::shell || task.type == task_type::python;
    if (task.type == task_type::check || (has_process && one_in(4)))
      task.checks.resize(2);
    if (!task.checks.empty())
      task.checks.front().weak = one_in(2);
    if (one_in(4))
      task.timeout.upstream = std::chrono::hours{1};
    task.alarms.on_failure = {{"ops"}};
    task.alarms.on_fallback = {{"ops"}};
  }

  /// New answers, as other params or upstream outputs would give after a rerun.
  void script() {
    for (std::uint32_t task = 0; task < run_.definition->tasks.size(); ++task) {
      run_.evaluator.conditions.erase(task);
      run_.evaluator.lists.erase(task);
      if (one_in(4))
        run_.evaluator.conditions.emplace(
            task, one_in(3) ? result<bool>{problem{errc::invalid, "bad"}} : result<bool>{false});
      if (one_in(8))
        run_.evaluator.lists.emplace(task, problem{errc::invalid, "bad list"});
      else
        run_.evaluator.lists.emplace(task, numbered(static_cast<std::uint32_t>(below(5))));
    }
  }

  /// Those that asked for something: an instance that was never announced does nothing.
  std::vector<instance_key> movable() {
    std::vector<instance_key> keys;
    for (std::uint32_t task = 0; task < run_.definition->tasks.size(); ++task)
      for (const auto& record : run_.core.instances_of(task))
        if (!is_terminal(record.state) && record.state != instance_state::waiting &&
            announced_.contains(record.key))
          keys.push_back(record.key);
    return keys;
  }

  run_step apply(const run_event& event) {
    std::map<instance_key, instance_state> before;
    for (std::uint32_t task = 0; task < run_.definition->tasks.size(); ++task)
      for (const auto& record : run_.core.instances_of(task))
        before[record.key] = record.state;
    auto step = run_.step(event);
    for (const auto& effect : step.effects)
      if (const auto* entered = std::get_if<run_effect::entered>(&effect))
        announced_.insert(entered->key);
    const bool by_person = std::holds_alternative<run_operation>(event);
    for (const auto& [key, state] : before) {
      const auto* record = run_.core.find(key);
      if (is_terminal(state) && !by_person && (record == nullptr || record->state != state))
        run_.complaint += "a terminal state was left without an operation; ";
      if (record != nullptr && record->state == instance_state::ready &&
          state != instance_state::ready && !attempts_.insert({key, record->attempt}).second)
        run_.complaint += "an attempt started twice; ";
    }
    check_permits();
    return step;
  }

  /// Invariant 9: a permit's row exists exactly as long as its attempt.
  void check_permits() {
    std::size_t due = 0;
    for (const auto& [key, attempt] : run_.disk.attempts) {
      if (attempt.state == attempt_state::ended)
        continue;
      due += attempt.permits.size();
      for (const auto& need : attempt.permits)
        if (!run_.disk.permits.contains({attempt.instance, need.pool}))
          run_.complaint += "an attempt runs without its permit; ";
    }
    if (due != run_.disk.permits.size())
      run_.complaint += "a permit outlived its attempt; ";
  }

  process_end random_end() {
    process_end end;
    end.kind = static_cast<end_kind>(one_in(2) ? 0 : below(6));
    constexpr int codes[] = {0, 0, 0, 0, 1, 2, 99};
    end.exit_code = codes[below(std::size(codes))];
    end.signal = end.kind == end_kind::signaled ? 9 : 0;
    end.outputs_json = one_in(2) ? "{}" : "{\"x\":1}";
    end.outputs_problem = one_in(15) ? "not UTF-8" : "";
    return end;
  }

  void advance(const instance_key& key) {
    const auto record = *run_.core.find(key);
    const auto& task = run_.definition->tasks[key.task];
    switch (record.state) {
    case instance_state::pre_ready:
      if (one_in(20))
        apply(run_happening::timer{key, instance_timer::queue_timeout});
      else if (one_in(12))
        apply(run_happening::render_failed{key, epoch_, "unknown name"});
      else
        apply(run_happening::granted{key, epoch_, "local", "boot", "{}"});
      return;
    case instance_state::retry_wait:
      apply(run_happening::timer{key, instance_timer::retry_due});
      return;
    default:
      break;
    }
    if (one_in(40)) {
      apply(run_happening::timer{key, instance_timer::task_timeout});
    } else if (task.type == task_type::empty) {
      apply(run_happening::empty_done{key});
    } else if (task.type == task_type::workflow) {
      advance_call(record);
    } else if (record.state == instance_state::ready && !one_in(4)) {
      apply(run_happening::started{run_.process(key), 5, run_.now});
    } else {
      past_.push_back(run_.process(key));
      apply(run_happening::ended{run_.process(key), random_end()});
    }
  }

  void advance_call(const instance_record& record) {
    if (record.called.value == 0 && one_in(5))
      apply(run_happening::call_refused{record.key, "unknown"});
    else if (record.called.value == 0)
      apply(run_happening::called{record.key, {1000 + below(1000)}});
    else
      apply(run_happening::call_ended{record.key, record.called,
                                      static_cast<run_state>(3 + below(4))});
  }

  /// Late, doubled and misdirected messages: refused, and nothing changes.
  void disturb() {
    if (one_in(3))
      ++epoch_; // The engine was restarted.
    if (past_.empty())
      return;
    const auto step = apply(run_happening::ended{past_[below(past_.size())], random_end()});
    if (!step.refused || !step.stale_fence || step.run_changed || !step.instances.empty())
      run_.complaint += "a result with an old fence was taken; ";
  }

  void operate() {
    --operations_left_;
    std::vector<instance_key> targets;
    for (std::uint32_t task = 0; task < run_.definition->tasks.size(); ++task)
      for (const auto& record : run_.core.instances_of(task))
        if (one_in(6))
          targets.push_back(one_in(2) ? record.key : run_.key(task));
    const auto what = static_cast<verb>(one_in(2) ? 4 : below(5));
    if (what == verb::rerun)
      script();
    if (one_in(8) && run_.core.run().started_at != never)
      apply(run_happening::run_timeout{});
    else
      apply(run_operation{what, targets, static_cast<rerun_scope>(below(4)), reason::by_user,
                          "by a test"});
  }

  std::mt19937_64 random_;
  workflow_builder workflow_;
  driven_run run_;
  std::set<instance_key> announced_;
  std::set<std::pair<instance_key, std::uint32_t>> attempts_;
  std::vector<process_key> past_;
  std::uint64_t epoch_ = 1;
  std::size_t operations_left_ = 0;
};

} // namespace

TEST_CASE("a random run in a random world keeps its invariants and ends", "[run_core]") {
  CHECK(rc::check([] {
    const auto seed = *rc::gen::resize(100, rc::gen::arbitrary<std::uint64_t>());
    const auto tasks = static_cast<std::uint32_t>(1 + seed % 12);
    RC_ASSERT(random_world(seed, tasks).play() == "");
  }));
}
