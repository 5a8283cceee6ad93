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
      : random_(seed), workflow_(make_workflow(tasks)),
        run_(workflow_, make_run(tasks), make_edges()) {
    script();
  }

  /// Runs to the end. Returns what went wrong; empty if nothing did.
  std::string play() {
    operations_left_ = below(6);
    while (one_in(3) && !run_.core.ended())
      one_in(2) ? operate() : settle_an_edge();
    if (!run_.core.ended())
      fire();
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
      if (!run_.core.ended() && !act()) // What disturbed it may have ended it.
        return run_.complaint + "nothing can happen, and the run has not ended:" + standing();
    }
    return run_.complaint + standing();
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
          auto& backup = workflow.add_fallback(primary);
          shape(backup);
          backup.setup = backup.teardown = false;
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
    if (one_in(2))
      add_end_tasks(workflow);
    relate(workflow);
    return workflow;
  }

  /// Some that need each other as the lists that they stand in allow.
  void add_end_tasks(workflow_builder& workflow) {
    std::vector<std::uint32_t> ends;
    for (auto left = 1 + below(3); left > 0; --left) {
      const bool failure = one_in(2);
      const bool success = !failure || one_in(3);
      std::vector<std::uint32_t> needs;
      for (const auto end : ends) {
        const auto& before = workflow.definition->tasks[end];
        if (one_in(2) && before.on_run_failure >= failure && before.on_run_success >= success)
          needs.push_back(end);
      }
      const auto position = static_cast<std::uint32_t>(workflow.definition->tasks.size());
      auto& task = workflow.add(needs);
      if (one_in(2))
        task.join = static_cast<join_rule>(below(13));
      shape(task);
      task.setup = task.teardown = false;
      task.on_run_failure = failure;
      task.on_run_success = success;
      ends.push_back(position);
      if (!one_in(4))
        continue;
      auto& backup = workflow.add_fallback(position);
      shape(backup);
      backup.setup = backup.teardown = false;
    }
  }

  /// Some condition over the task's needs.
  std::string condition(const workflow_builder& workflow, const task_definition& task,
                        unsigned depth) {
    static constexpr const char* asked[] = {".success", ".failed", ".skipped", ".done"};
    const auto part = [&] { return condition(workflow, task, depth + 1); };
    switch (depth > 3 ? 0 : below(5)) {
    case 1:
      return part() + " && " + part();
    case 2:
      return '(' + part() + "||" + part() + ')';
    case 3:
      return "!(" + part() + ")";
    default:
      return workflow.definition->tasks[task.needs[below(task.needs.size())]].name +
             asked[below(std::size(asked))];
    }
  }

  /// Teardowns to setups, switches to what is behind them, and what follows a failure.
  void relate(workflow_builder& workflow) {
    auto& tasks = workflow.definition->tasks;
    workflow.definition->failure = static_cast<failure_strategy>(below(3));
    for (std::uint32_t task = 0; task < tasks.size(); ++task) {
      for (const auto need : tasks[task].needs)
        if (tasks[task].teardown && tasks[need].setup && one_in(2))
          tasks[task].teardown_of.push_back(need);
      if (!tasks[task].needs.empty() && one_in(6))
        tasks[task].join_condition = condition(workflow, tasks[task], 0);
      choice_definition choice{"scripted", {{"a", {}}, {"b", {}}}, {}};
      for (std::uint32_t behind = 0; behind < tasks.size(); ++behind) {
        if (std::count(tasks[behind].needs.begin(), tasks[behind].needs.end(), task) == 0)
          continue;
        for (auto* into : {&choice.cases[0].tasks, &choice.cases[1].tasks, &choice.otherwise})
          if (one_in(3))
            into->push_back(behind);
      }
      if (!one_in(4))
        continue;
      tasks[task].type = task_type::choice;
      tasks[task].choice = std::move(choice);
      tasks[task].for_each.reset();
      tasks[task].checks.clear();
      tasks[task].poll.reset();
    }
  }

  run_record make_run(std::uint32_t tasks) {
    auto run = driven_run::fresh_run();
    run.dry = one_in(15);
    if (one_in(3))
      for (std::uint32_t task = 0; task < tasks; ++task)
        if (one_in(4))
          run.modes.emplace_back(task, static_cast<task_mode>(below(3)));
    return run;
  }

  std::vector<bound_edge> make_edges() {
    std::vector<bound_edge> edges;
    const auto& tasks = workflow_.definition->tasks;
    const bool any = one_in(2);
    for (std::uint32_t task = 0; any && task < tasks.size(); ++task) {
      for (std::uint32_t need = 0; need < 2 && one_in(4); ++need)
        edges.push_back(edge_of(task, need));
      if (one_in(8))
        edges.push_back(edge_of(task, bound_edge::first_previous + task));
      if (tasks[task].needs.empty() && one_in(5))
        edges.push_back(edge_of(task, bound_edge::after_gate));
    }
    return edges;
  }

  void fire() {
    const bool place = !one_in(4);
    // What dry instances bring about at once is not foreseen.
    const bool could = run_.core.could_begin() && !has_mode(task_mode::dry);
    apply(run_happening::fire{place});
    if (could && !run_.core.wants_place() && !run_.core.ended())
      run_.complaint += "a run that could begin wants no place; ";
    if (!place && run_.core.run().admitted)
      run_.complaint += "a run took a place that it was not given; ";
    if (place && !run_.core.run().admitted && run_.core.wants_place())
      run_.complaint += "a run did not take its place; ";
  }

  /// One thing of the world around the run; false if nothing is left that could happen.
  bool act() {
    const auto keys = movable();
    if (!run_.core.open_edges().empty() && (keys.empty() || one_in(4))) {
      settle_an_edge();
    } else if (!run_.core.run().admitted && run_.core.wants_place()) {
      apply(run_happening::admit{});
    } else if (!keys.empty()) {
      advance(keys[below(keys.size())]);
    } else if (has_mode(task_mode::frozen)) {
      apply(run_operation{verb::thaw, {}, {}, reason::by_user, "by a test"});
    } else {
      return false;
    }
    return true;
  }

  void settle_an_edge() {
    const auto open = run_.core.open_edges();
    if (open.empty())
      return;
    const auto& edge = *open[below(open.size())];
    const auto how = one_in(2) ? 0 : below(3);
    const auto [task, need] = std::pair{edge.task, edge.need};
    edge_record record;
    record.task = task;
    record.need = need;
    record.outcome = static_cast<edge_record::counts_as>(how);
    record.outputs = "{\"x\":1}";
    apply(run_happening::edge_settled{record});
    if (one_in(5) && !apply(run_happening::edge_settled{record}).refused)
      run_.complaint += "an edge was settled twice; ";
  }

  /// What has not ended, and what it is.
  std::string standing() const {
    const auto& run = run_.core.run();
    auto text = " it is " + std::string{to_string(run.state)} + " (" +
                std::string{to_string(run.why)} + (run.admitted ? ", admitted" : "") +
                (run.cancel_requested ? ", cancelled" : "") + ");";
    for (std::uint32_t task = 0; task < run_.definition->tasks.size(); ++task) {
      const auto& of = run_.definition->tasks[task];
      for (const auto& at : run_.core.instances_of(task)) {
        if (is_terminal(at.state))
          continue;
        text += ' ' + of.name + " is " + std::string{to_string(at.state)} + " (" +
                std::string{to_string(at.why)} + (at.mode == task_mode::frozen ? ", frozen" : "") +
                (of.poll ? ", polls" : "") + (of.setup ? ", setup" : "") +
                (of.teardown ? ", teardown" : "") + (of.is_end_task() ? ", at the end" : "") +
                (of.fallback_of ? ", fallback" : "") +
                (announced_.contains(at.key) ? "" : ", not announced") + ") behind";
        for (const auto need : of.needs)
          text += ' ' + run_.definition->tasks[need].name + ':' +
                  std::to_string(static_cast<int>(run_.core.class_of(need)));
        text += ';';
      }
    }
    return text;
  }

  bool has_mode(task_mode mode) const {
    for (std::uint32_t task = 0; task < run_.definition->tasks.size(); ++task)
      for (const auto& record : run_.core.instances_of(task))
        if (!is_terminal(record.state) && record.mode == mode)
          return true;
    return false;
  }

  void shape(task_definition& task) {
    task.type = static_cast<task_type>(below(5));
    task.setup = one_in(6);
    if (!task.setup && one_in(6)) {
      task.teardown = true;
      task.join = join_rule::all_done_setup_success;
      task.ignore_failure = one_in(2);
    }
    task.retry.max = static_cast<std::uint32_t>(below(3));
    if (one_in(4))
      task.retry.on_exit = {1};
    task.ignore_failure = task.ignore_failure || one_in(6);
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
    if ((has_process || task.type == task_type::check) && one_in(4)) {
      task.poll.emplace();
      task.poll->every = std::chrono::seconds{3};
      task.poll->timeout = std::chrono::seconds{below(60)};
      task.poll->not_yet = {1, 2};
    }
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
      static const std::vector<result<std::string>> choices{
          std::string{"a"}, std::string{"b"}, std::string{"c"}, problem{errc::invalid, "bad"}};
      run_.evaluator.choices.insert_or_assign(task, choices[below(choices.size())]);
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
        if ((record.state > instance_state::waiting || looks_again(record)) &&
            !is_terminal(record.state) && announced_.contains(record.key) && !thaw_is_due(record))
          keys.push_back(record.key);
    return keys;
  }

  static bool looks_again(const instance_record& record) {
    return is_polling(record) && record.mode != task_mode::frozen;
  }

  /// In retry_wait, its time has come and gone, and it is frozen.
  static bool thaw_is_due(const instance_record& record) {
    return record.state == instance_state::retry_wait && record.why == reason::frozen;
  }

  std::map<std::uint32_t, upstream_class> classes() const {
    std::map<std::uint32_t, upstream_class> all;
    for (std::uint32_t task = 0; task < run_.definition->tasks.size(); ++task)
      if (!run_.definition->tasks[task].fallback_of)
        all[task] = run_.core.class_of(task);
    return all;
  }

  /// `task_settled` for each task that now counts otherwise, `wants_place` when that turned true.
  void check_told(const run_step& step, const std::map<std::uint32_t, upstream_class>& before,
                  bool wanted) {
    std::multiset<std::uint32_t> told;
    for (const auto& effect : step.effects)
      if (const auto* settled = std::get_if<run_effect::task_settled>(&effect))
        told.insert(settled->task);
    std::multiset<std::uint32_t> changed;
    for (const auto& [task, now] : classes())
      if (now != before.at(task))
        changed.insert(task);
    if (told != changed)
      run_.complaint += "other tasks were told than have changed; ";
    const bool wants = !wanted && !run_.core.run().admitted && run_.core.wants_place();
    if (count_effects<run_effect::wants_place>(step) != (wants ? 1 : 0))
      run_.complaint += "its wish for a place was not told once; ";
  }

  run_step apply(const run_event& event) {
    std::map<instance_key, instance_state> before;
    for (std::uint32_t task = 0; task < run_.definition->tasks.size(); ++task)
      for (const auto& record : run_.core.instances_of(task))
        before[record.key] = record.state;
    const auto counted = classes();
    const bool wanted = run_.core.wants_place();
    auto step = run_.step(event);
    check_told(step, counted, wanted);
    for (const auto& effect : step.effects)
      if (const auto* entered = std::get_if<run_effect::entered>(&effect))
        announced_.insert(entered->key);
    const bool by_person = std::holds_alternative<run_operation>(event);
    for (const auto& [key, state] : before) {
      const auto* record = run_.core.find(key);
      if (is_terminal(state) && !by_person && (record == nullptr || record->state != state))
        run_.complaint += "a terminal state was left without an operation; ";
      if (record != nullptr && record->state == instance_state::ready &&
          state != instance_state::ready &&
          !attempts_.insert({key, record->attempt, record->look}).second)
        run_.complaint += "an attempt started twice; ";
    }
    check_permits();
    return step;
  }

  /// Invariant 9: a permit's row exists exactly as long as its attempt, but not between two looks.
  void check_permits() {
    std::size_t due = 0;
    for (const auto& [key, attempt] : run_.disk.attempts) {
      if (attempt.state == attempt_state::ended || attempt.state == attempt_state::waiting)
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
    case instance_state::waiting:
      apply(run_happening::timer{key, one_in(40) ? instance_timer::task_timeout
                                                 : instance_timer::look_due});
      return;
    default:
      break;
    }
    if (one_in(40)) {
      apply(run_happening::timer{key, instance_timer::task_timeout});
    } else if (ends_at_once(task.type)) {
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
    const auto task = static_cast<std::uint32_t>(below(run_.definition->tasks.size()));
    if (one_in(3))
      apply(run_happening::timer{run_.key(task), instance_timer::upstream_timeout});
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
    if (one_in(6))
      targets.clear();
    const auto what = static_cast<verb>(one_in(3) ? 4 : below(12));
    if (what == verb::rerun)
      script();
    if (one_in(8) && run_.core.run().started_at != never)
      apply(run_happening::run_timeout{});
    else
      apply(edited({what, targets, static_cast<rerun_scope>(below(4)), reason::by_user, "by a test",
                    one_in(3) ? std::optional{static_cast<task_mode>(below(3))} : std::nullopt, 0,
                    one_in(3)}));
  }

  run_operation edited(run_operation operation) {
    operation.priority = static_cast<std::uint8_t>(1 + below(10));
    if (one_in(2))
      operation.pools = {{"spare", 1}};
    if (operation.what == verb::unblock && !operation.targets.empty() && one_in(2))
      operation.upstream = run_.core.definition().tasks[operation.targets.front().task].needs;
    operation.note = "n";
    return operation;
  }

  std::mt19937_64 random_;
  workflow_builder workflow_;
  driven_run run_;
  std::set<instance_key> announced_;
  std::set<std::tuple<instance_key, std::uint32_t, std::uint32_t>> attempts_; ///< And looks.
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
