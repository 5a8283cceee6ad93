#pragma once

#include "attempt_verdict.hpp"
#include "run_graph.hpp"

#include <deque>
#include <unordered_set>

namespace pinion {

class rerun_selection;

/// One step of a run: lives for the length of `run_core::step`. Handlers (`on`) either refuse and
/// change nothing, or move instances; what follows from the moves is queued and drained at the end,
/// so that depth of the graph costs no stack.
class run_stepper {
public:
  run_stepper(run_core& core, instant now, const run_evaluator& evaluate);
  run_step apply(const run_event& event);

private:
  using graph = run_core::graph;

  // step_joining.cpp
  void on(const run_happening::fire& event);
  void on(const run_happening::admit& event);
  // step_edges.cpp
  void on(const run_happening::edge_settled& event);
  // step_attempts.cpp
  void on(const run_happening::granted& event);
  void on(const run_happening::render_failed& event);
  void on(const run_happening::started& event);
  void on(const run_happening::ended& event);
  // step_calls.cpp
  void on(const run_happening::empty_done& event);
  void on(const run_happening::called& event);
  void on(const run_happening::call_refused& event);
  void on(const run_happening::call_ended& event);
  // step_operations.cpp
  void on(const run_happening::timer& event);
  void on(const run_happening::run_timeout& event);
  void on(const run_happening::crashed& event);
  void on(const run_operation& operation);

  // run_stepper.cpp: the ground that all handlers stand on.
  void refuse(errc code, std::string message);
  /// Takes `at` along the lifecycle's edge `event`, keeps all tallies, stamps the time, notes the
  /// row and queues what follows. The edge must exist.
  void move(instance_record& at, instance_event event, reason why, std::string message = {});
  /// Changes the state and the tallies that depend on it; nothing else.
  void shift(instance_record& at, instance_state to);
  void stamp(instance_record& at);
  void note(const instance_key& key);
  void announce(const instance_key& key);
  void write_attempt(const attempt_record& attempt);
  /// The run's first attempt begins.
  void activate();
  void drain();
  void settle(const instance_key& key, bool freshly_ended);
  void send_alarms(const instance_record& at);
  /// From here on a change of how the task's chain counts is noticed, if it is to be told.
  void watch(std::uint32_t task);
  run_step finish();
  void finish_run();

  // step_joining.cpp
  void enter_graph();
  void evaluate(std::uint32_t task);
  /// The join is met, or a fallback is needed: it goes on, unless it is frozen or the run is not
  /// admitted.
  void let_on(std::uint32_t task);
  /// It could go on but for `why`, and stays in waiting (or, for the run's place, in triggered).
  void park(instance_record& at, reason why);
  /// What it could go on with is gone again.
  void unpark(instance_record& at);
  /// `when`, then `for_each`, then permits.
  void proceed(std::uint32_t task);
  void advance_chain(std::uint32_t primary);
  void tell_fallback(std::uint32_t task);
  /// From waiting or retry_wait to pre_ready, and on at once where no dispatcher is needed.
  void make_ready(instance_record& at, instance_event event);
  void start_at_once(instance_record& at);

  // step_edges.cpp
  /// What a settled edge of the task says about its being so, or else `otherwise`.
  std::string message_of(std::uint32_t task, edge_record::counts_as outcome,
                         const char* otherwise) const;
  /// A rerun starts the task over: its edges are judged anew.
  void open_edges(std::uint32_t task);

  // step_modes.cpp
  void switch_modes(const run_operation& operation);
  void set_mode(instance_record& at, task_mode mode);
  void withdraw(instance_record& at);
  void succeed_dry(instance_record& at);
  /// Past its join and no longer kept back: it asks for permits, or queues behind `max_parallel`.
  void go_on(instance_record& at);
  /// Its join, or its fallback's turn, is to be looked at.
  void look_again(std::uint32_t task);

  // step_edits.cpp
  /// bump and repool: of what has not begun.
  void edit(const run_operation& operation);
  void unblock(const run_operation& operation);
  /// The definition is another one: all that is alive is looked at anew.
  void enter_again();
  void drop_upstream(std::uint32_t task, std::uint32_t upstream, const std::string& message);
  void drop_edge(std::size_t place, const std::string& message);

  // step_expansion.cpp
  void expand(std::uint32_t task);
  std::uint32_t free_places(std::uint32_t task) const;
  void release_held(std::uint32_t task);
  /// Back to one placeholder in `waiting`, with attempt numbers that go on.
  void collapse(std::uint32_t task, std::optional<task_mode> mode);

  // step_attempts.cpp
  /// The instance and its attempt, if `key` carries the fence of the process that is awaited; else
  /// refuses. Null: refused.
  instance_record* fenced(const process_key& key);
  void confirm(instance_record& at, attempt_record& attempt, instant since);
  void body_ended(instance_record& at, const run_happening::ended& event);
  void check_ended(instance_record& at, const run_happening::ended& event);
  void next_check(instance_record& at, std::uint32_t step);
  void succeed(instance_record& at, reason why);
  /// The attempt failed or was lost: the next one is timed, or the instance ends.
  void fail_attempt(instance_record& at, const attempt_verdict& verdict);
  /// Writes the end of the newest attempt and returns its permits; nothing without dispatcher.
  void end_attempt(const instance_record& at, instance_state outcome, reason why,
                   const std::string& message);
  /// The attempt's permits go back; not between looks, when it has none.
  void return_permits(const instance_record& at, const attempt_record& attempt);
  void drop_outputs(instance_record& at);

  // step_poll.cpp
  /// A new attempt, or the next look of the one that is alive.
  attempt_record& begin_attempt(instance_record& at, std::uint64_t epoch);
  /// The look is over: the next one is timed, or the instance gives up.
  void not_there_yet(instance_record& at, const attempt_verdict& verdict);
  void look_due(instance_record& at);
  /// Between two looks, the instance was frozen, thawed or made dry.
  void switch_polling(instance_record& at, task_mode mode);

  // step_choice.cpp
  /// A switch's turn came.
  void choose(instance_record& at);
  /// Skips what is named in the switch and not chosen by `value`; returns what is, for people.
  std::string skip_others(std::uint32_t task, const std::string& value);

  // step_end.cpp
  /// All but the end tasks have ended, for the first time or with another outcome: the alarms are
  /// sent, and the end tasks decided.
  void reach_end();
  /// The outcome is not the end task's.
  void pass_over(instance_record& at);
  /// How the run stands while its end tasks are at work.
  void describe_end();
  /// "its end task did not succeed: clean_up", or nothing.
  std::string failed_end_tasks() const;

  // step_failure.cpp
  /// After a failure that nothing covers, if the workflow does not just go on.
  void follow_failure_strategy();
  /// A teardown that has something to do: what ends the run as a whole leaves it alone.
  bool spared(const instance_record& at) const;

  // step_operations.cpp
  /// Ends a live instance as `as`: at once, or by stopping what runs. Not for one in stopping.
  void halt(instance_record& at, instance_state as, reason why, const std::string& message);
  void complete_stop(instance_record& at);
  void cancel_all(const run_operation& operation);
  void declare(const run_operation& operation);
  /// The instances that an operation names, in the order of tasks and elements; nothing if one of
  /// them does not exist (then it has refused).
  std::optional<std::vector<instance_key>> resolve(const std::vector<instance_key>& targets);

  // step_rerun.cpp
  void rerun(const run_operation& operation);
  bool select(const run_operation& operation, rerun_selection& chosen);
  void start_again(const rerun_selection& chosen);
  void reset(instance_record& at, std::optional<task_mode> mode);
  void reopen();

  run_core& core_;
  graph& graph_;
  run_record& run_;
  const run_evaluator& evaluate_;
  instant time_; ///< max(now, largest time seen in this run).
  run_step out_;
  bool changed_ = false;

  struct settled {
    instance_key key;
    bool fresh;
  };
  std::deque<settled> settled_;            ///< Instances that ended, for chains and fan-outs.
  std::deque<std::uint32_t> joins_;        ///< Tasks whose join is to be looked at.
  std::unordered_set<instance_key> noted_; ///< Mirrors out_.instances.
  std::unordered_set<instance_key> announced_;
  std::vector<instance_key> entered_;
  bool wanted_place_;
  std::uint32_t failing_; ///< Units of the run that had failed before the step, or after its rerun.
  std::optional<run_state> outcome_; ///< Before the step; nothing once a rerun opened it again.
  /// Tasks that the step touched, and how they counted before.
  std::vector<std::pair<std::uint32_t, upstream_class>> watched_;
  std::unordered_set<std::uint32_t> watching_; ///< Mirrors watched_.
};

/// "model_ra", or "train:DEU" with the element's index: for messages.
std::string name_of(const workflow_definition& workflow, const instance_record& at);

} // namespace pinion
