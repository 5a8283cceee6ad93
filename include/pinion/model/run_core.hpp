#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/model/join.hpp"
#include "pinion/model/process_end.hpp"
#include "pinion/model/records.hpp"
#include "pinion/model/run_state.hpp"
#include "pinion/timing/problem.hpp"

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace pinion {

class run_core;

/// One element of a fan-out as the list expression gave it.
struct fan_out_element {
  std::string key; ///< Unique in the fan-out; the index users see.
  json_text value; ///< The item, or the list of items of a group.
};

/// Answers the questions about expressions that a step asks. Pure with respect to the run: the same
/// run state gives the same answers. Implemented above the model.
class run_evaluator {
public:
  virtual ~run_evaluator() = default;
  /// The value of the task's `when:`.
  virtual result<bool> condition(const run_core& run, std::uint32_t task) const = 0;
  /// The text of the value that a switch goes by.
  virtual result<std::string> choice(const run_core& run, std::uint32_t task) const = 0;
  /// The list of the task's `for_each:`, grouped; at most 10,000 elements, keys unique.
  virtual result<std::vector<fan_out_element>> elements(const run_core& run,
                                                        std::uint32_t task) const = 0;
};

enum class instance_timer : std::uint8_t {
  retry_due,
  queue_timeout,
  upstream_timeout,
  task_timeout,
  look_due ///< Of a `poll:`.
};

enum class rerun_scope : std::uint8_t { only, downstream, upstream, failed };

/// Before all that tasks, triggers and people may give as a number.
inline constexpr std::uint8_t first_priority = 10;

/// What a person may ask of instances of a run. `targets` empty: the whole run.
struct run_operation {
  enum class verb : std::uint8_t {
    cancel,
    fail,
    skip,
    succeed,
    rerun,
    freeze, ///< What has not begun waits; what runs is not touched, its next attempt waits.
    thaw,   ///< Back to normal, from frozen and from dry.
    dryrun,
    bump,    ///< What has not begun gets `priority`.
    unblock, ///< What one task waits for counts as there: `upstream` and `needs`, or all of it.
    repool,  ///< What has not begun asks for `pools` instead of its task's.
    note,    ///< `note` is written on the run.
    move,    ///< The run goes on with `definition`, and nothing else.
  } what = verb::cancel;
  std::vector<instance_key> targets;
  rerun_scope scope = rerun_scope::failed; ///< For rerun.
  /// cancel: the reason that the instances get (by_user, cancelled_by_next, run_cancelled).
  reason why = reason::by_user;
  std::string message; ///< "by alice: wrong data".
  /// rerun: how what starts over takes part from now on; empty: as it did.
  std::optional<task_mode> mode = {};
  /// rerun: the backfill that asks for it; 0: none. From now on the run belongs to it.
  std::uint64_t backfill = 0;
  /// cancel, fail, skip, succeed of the whole run: also of its teardowns, which else run on.
  bool now = false;
  std::uint8_t priority = 0;                ///< bump: 1-9, or `first_priority`.
  std::vector<std::uint32_t> upstream = {}; ///< unblock: positions of direct upstream tasks.
  std::vector<std::uint32_t> needs = {};    ///< unblock: numbers of edges of the task.
  std::vector<std::string> dropped = {};    ///< unblock: what was named, for the audit record.
  std::vector<pool_need> pools = {};        ///< repool: by pool name, unique.
  std::string note = {};
  /// move, rerun: from now on the run is of this version of its workflow, with its needs on other
  /// runs. Null: it stays what it is.
  std::shared_ptr<const workflow_definition> definition = {};
  std::uint32_t version = 0;
  std::vector<bound_edge> edges = {};
};

/// What can happen to a run.
namespace run_happening {
/// The slot fired. `admitted`: there is a place for it, which it takes if it wants one at once (see
/// `could_begin`). Else instances stand in `triggered` until `admit`, those with open edges in
/// `waiting`.
struct fire {
  bool admitted = true;
};
/// An edge of this run came to its end; `run` and `at` are set by the step. Also before the run has
/// fired. One that is settled already is refused, and nothing changes.
struct edge_settled {
  edge_record edge;
};
/// Overlap policy and max_active_runs let the run start.
struct admit {};
/// The dispatcher gave permits and a worker, and the command is rendered.
struct granted {
  instance_key key;
  std::uint64_t epoch = 0;
  std::string worker;
  std::string boot_id;
  json_text rendered = "{}";
};
/// The command could not be rendered: the attempt fails without a process. Permits go back.
struct render_failed {
  instance_key key;
  std::uint64_t epoch = 0;
  std::string message;
};
/// A process of an attempt exists.
struct started {
  process_key key;
  std::int64_t pid = 0;
  instant at{};
};
/// A process of an attempt is gone. `lost_as` says for `end_kind::lost` who lost it: launcher_lost,
/// or worker_lost when the worker itself is gone.
struct ended {
  process_key key;
  process_end end;
  reason lost_as = reason::launcher_lost;
};
/// An `empty` task's turn came (its INSTANCE answered).
struct empty_done {
  instance_key key;
};
/// A `workflow` task's run was created, or could not be.
struct called {
  instance_key key;
  run_id run;
};
struct call_refused {
  instance_key key;
  std::string message;
};
/// The called run ended.
struct call_ended {
  instance_key key;
  run_id run;
  run_state state = run_state::success;
};
/// A timer that the instance armed is due.
struct timer {
  instance_key key;
  instance_timer which = instance_timer::retry_due;
};
struct run_timeout {};
/// The actor of the instance crashed more often than its supervisor repeats.
struct crashed {
  instance_key key;
  std::string message;
};
} // namespace run_happening

using run_event =
    std::variant<run_happening::fire, run_happening::admit, run_happening::edge_settled,
                 run_happening::granted, run_happening::render_failed, run_happening::started,
                 run_happening::ended, run_happening::empty_done, run_happening::called,
                 run_happening::call_refused, run_happening::call_ended, run_happening::timer,
                 run_happening::run_timeout, run_happening::crashed, run_operation>;

/// What must happen once the batch of a step is durable, in this order.
namespace run_effect {
/// The instance entered `state`, or must do once more what the state asks: its INSTANCE asks for
/// permits, starts, checks, waits, stops or quits. One for each instance and step, with the state
/// in which it came to rest. Not told: that an instance waits, when the run fires, unless it waits
/// for other runs or has an upstream timeout to arm; and elements behind `max_parallel`, until
/// their turn.
struct entered {
  instance_key key;
  instance_state state = instance_state::waiting;
};
/// A fan-out's placeholder has gone; its elements follow as `entered`.
struct expanded {
  std::uint32_t task = 0;
};
/// A grant came for an instance that no longer wants it: the dispatcher takes it back.
struct grant_unwanted {
  instance_key key;
};
/// Permits ended with their attempt.
struct released {
  instance_key key;
};
enum class alarm_kind : std::uint8_t { failure, success, fallback };
/// An alarm for a channel; `key` empty: of the run. `fallback` carries the instance that now runs
/// in the place of the failed one.
struct alarm {
  alarm_kind kind = alarm_kind::failure;
  std::optional<instance_key> key;
  std::string channel;
};
/// An instance could begin and the run is not admitted: from now on it competes for a place. A run
/// that waits for other runs holds no place until then. Comes each time `wants_place` turns true:
/// more than once only if people took it back in between (by a freeze, say).
struct wants_place {};
/// Edges of this task, which a rerun starts over, are open again: they are to be asked for anew.
struct edges_opened {
  std::uint32_t task = 0;
};
/// A task as a whole (its fan-out, its fallback chain) has ended, is open again by a rerun, or
/// ended and now counts otherwise (declared well by a person): `class_of` has changed. Others may
/// wait for it. Told only if the run is asked to (see `tell_tasks`), for the head of a chain.
struct task_settled {
  std::uint32_t task = 0;
};
/// The run's first attempt begins: from now on it counts as active and its timeout runs.
struct activated {};
/// All instances are terminal. Comes once for each incarnation.
struct run_ended {
  run_state state = run_state::success;
};
/// The run had ended, and an operation on an instance of it changed how (a failure was declared
/// well): who needs the whole run is to be told. No alarm is sent.
struct restated {
  run_state state = run_state::success;
};
/// A rerun opened the run again.
struct reopened {};
/// The run has another definition: what its instances do is to be read anew. Each that is alive
/// follows as `entered`.
struct moved {};
} // namespace run_effect

using run_effects =
    std::variant<run_effect::entered, run_effect::expanded, run_effect::grant_unwanted,
                 run_effect::released, run_effect::alarm, run_effect::wants_place,
                 run_effect::edges_opened, run_effect::task_settled, run_effect::activated,
                 run_effect::run_ended, run_effect::restated, run_effect::reopened,
                 run_effect::moved>;

/// The outcome of one step: what one batch must write (all or nothing), and what follows.
struct run_step {
  /// The run's row changed; read it from the core.
  bool run_changed = false;
  /// Instances whose rows changed, each once; read them from the core. A key that the core no
  /// longer has (a placeholder that was expanded, an element a rerun removed) is to be deleted.
  std::vector<instance_key> instances;
  std::vector<attempt_record> attempts;
  std::vector<permit_record> permits_taken;
  std::vector<permit_record> permits_released;
  std::vector<output_record> outputs;
  std::vector<instance_key> outputs_dropped;
  std::vector<edge_record> edges_settled;
  std::vector<edge_record> edges_dropped; ///< Their rows go: a rerun opened them again.
  std::vector<run_effects> effects;
  /// Not empty: the event changed nothing, and why: a stale fence (invariant 11), an operation that
  /// the present state forbids, an unknown instance. Nothing else is set then.
  std::optional<problem> refused;
  /// `refused` is about a fence that is not the row's: it is to be recorded.
  bool stale_fence = false;
};

/// The state of one run and every decision in it: joins, retries, fallback, fan-out, timeouts,
/// operations. Knows no clock, disk or actor. For one thread.
///
/// `step` changes the state in memory at once and returns what must be written; effects may be
/// carried out only after that batch is durable. A batch that fails ends the process or the actor,
/// so memory never has to be rolled back.
///
/// What the words of the design mean where they leave a choice:
/// - `when:` is asked once for a task, when its join is met, before `for_each`; it sees no loop
/// name.
///   An error in either fails the instance without a retry. An empty list is one skipped instance.
/// - A fallback chain counts with the state of its last member that ran. A failed primary is
/// covered
///   only if that one succeeded, or if it or the primary has `ignore_failure`: a fallback that was
///   skipped skips what is behind it, but the run fails.
/// - `ignore_failure` makes `failed` a success for joins; what ended `upstream_failed` stays so for
///   them, but does not fail the run.
/// - A stop ends as was promised, however the process ends. An `empty` instance has none and ends
/// at
///   once; a `workflow` instance whose call is under way waits for `called` (then it is told to
///   stop once more) or `call_refused`.
/// - The run's timeout stops what has begun as failed, cancels the rest, and fails the run whatever
///   covers its tasks.
/// - A lost attempt, also one that was stopped although nobody here asked, is repeated up to
///   `max_losses` times after the policy's delay, at least a second. A lost check loses its
///   attempt.
/// - A look of a `poll:` that ends with one of the `not_yet` codes, or is lost, leaves its attempt
///   waiting without process and permits; it uses no retry. The next look is another process of the
///   same attempt. A look that was due before the poll's timeout is made, however late; after the
///   last one the instance fails without a retry. A polling element keeps its place under
///   `max_parallel`, a polling run its place under `max_active_runs`. Frozen, it does not look.
/// - A switch ends as soon as its turn comes, and in the same step those of its options are skipped
///   that are neither chosen nor behind a chosen one. A dry one whose value cannot be made out, and
///   one that a person declares well, lets all of them go on. A rerun passes over what was not
///   chosen, unless it is named or its switch runs again.
/// - What is behind a setup and not directly needs it waits for it too, and is skipped or
///   upstream_failed with it, whatever its join rule. With teardowns that reaches as far as what a
///   teardown of it is behind. A rerun of what lies between takes setup and teardown in, if the
///   teardown has begun.
/// - A teardown waits until all before it has ended, directly needed or not.
/// - A cancel of the whole run (also fail, skip and succeed of it), its timeout and its failure
///   strategy leave alone the teardowns that have something to do: those that have begun, and those
///   of which a setup succeeded; without setups, those of a run of which something has begun. `now`
///   takes them as well, also later. A teardown plays no part in the run's state, unless it
///   fails without `ignore_failure`, or is cancelled.
/// - The failure strategy acts in the step in which a unit of the run comes to fail.
/// - An end task waits until all other tasks have ended, teardowns included. Then the outcome is
///   decided: in that step the alarms are sent and the end tasks of other outcomes skipped; an end
///   task of this one goes on by its join. What becomes of it changes nothing of the outcome, but
///   the run has not ended before it has. A cancelled and a skipped run has none that would run.
/// - A cancel of the whole run takes its end tasks along, before their turn and in it. Its timeout,
///   its failure strategy, and fail, skip and succeed of the whole run leave them alone, unless
///   `now`; once the outcome is decided the timeout is over. An upstream timeout does not count.
/// - A rerun of any other task starts all end tasks over. One of end tasks alone goes by the
///   outcome that stands, and sends no alarm of the run. An operation that changes the outcome
///   while end tasks are at work decides those that have not begun; what has ended stays so.
/// - A rerun starts over what has ended and belongs to it, with the fallbacks; it is refused if any
/// of
///   that is alive. A fan-out that belongs to it whole (named as one, or all its elements, or by
///   what it needs) goes back to one placeholder: elements that the new list does not have are
///   gone, those it has go on with the largest attempt number. What lies outside keeps its state.
///   Without targets, `failed` passes over failures that a fallback covers.
/// - An edge (a need on other runs) is one more upstream of its task. Those of depends_on_previous
///   and the gate of an `after:` trigger are gates: whatever the join rule, it is not looked at
///   before they are settled; one that is skipped skips the task, one that failed fails it as
///   upstream_failed. A rerun that starts a task over opens its edges again, and they are judged by
///   what is there then. A fallback has none: its primary's count.
/// - A run takes a place (is admitted) when something of it could begin. What follows from edges
///   and from what ended is carried on before: skips and failures pass down, dry instances succeed.
/// - A frozen instance goes as far as it can without beginning: from pre_ready it goes back to
///   waiting; in retry_wait it stays though its time has come. The upstream timeout does not end
///   what only waits for its thaw or for the run's place. A task timeout that has not seen an
///   attempt counts from the thaw.
/// - A dry instance whose join is met succeeds at once, unless its `when:` is false (one that fails
///   counts as true: what is above may have been dry too): no attempt, no permits, no checks, no
///   on_success, whether the run is admitted or not. A fan-out is not expanded, a `workflow` task
///   calls nothing. It has no outputs: an expression that reads one fails, as with any task that
///   did not write it, unless it has a default (`??`).
/// - A dropped upstream counts as success for the one task that no longer waits for it, whatever
///   becomes of it, until a rerun starts that task over. Other priorities and pools are those of
///   the instance from then on, reruns included; of a fan-out that is not expanded, of all its
///   elements.
/// - A run moves to another version as a whole, while nothing of it is active. Tasks that have
/// begun
///   or ended keep their names and positions (their attempts and logs are filed under them), or the
///   move is refused; others may come, go and be reordered. What is new waits like all else; a run
///   that has ended takes it in with a rerun only. Needs that are the same stay settled.
/// - Process times (`started_at`, of attempts) come from the worker's clock, kept between what the
///   engine saw of that attempt before and after.
///
/// Cost: O(1) per downstream edge of the instances that a step ends, amortised; a rerun rescans the
/// run. About 330 bytes an instance, texts apart.
class run_core {
public:
  /// A run that has no instance rows yet. `edges` are its needs on other runs; each is one more
  /// upstream of its task's join. One whose task the definition does not have, or is a fallback or
  /// an end task, is left out.
  run_core(std::shared_ptr<const workflow_definition> definition, run_record run,
           std::vector<bound_edge> edges = {});
  ~run_core();
  run_core(run_core&&) noexcept;
  run_core& operator=(run_core&&) noexcept;

  /// A run as the store has it: `instances` are its rows in any order (absent ones stand in their
  /// initial state), `attempts` at least the newest of each instance that is not terminal,
  /// `outputs` those of its instances. Counters are recounted. Fails with `errc::corrupt` if a row
  /// does not fit the definition.
  static result<run_core> restore(std::shared_ptr<const workflow_definition> definition,
                                  run_record run, std::vector<instance_record> instances,
                                  std::vector<attempt_record> attempts,
                                  std::vector<output_record> outputs,
                                  std::vector<bound_edge> edges = {},
                                  std::vector<edge_record> settled = {});

  /// From now on steps tell `task_settled`.
  void tell_tasks(bool on) noexcept;

  /// Applies what happened at `now`; times written are max(now, largest time seen).
  run_step step(const run_event& event, instant now, const run_evaluator& evaluate);

  /// After `restore`: what every live instance must do again, as `entered` in the order of tasks
  /// (and `activated` if the run is active, so that its timeout is armed again; `wants_place` if it
  /// competes for one).
  std::vector<run_effects> resume() const;

  const run_record& run() const noexcept { return run_; }
  const workflow_definition& definition() const noexcept { return *definition_; }
  const std::shared_ptr<const workflow_definition>& definition_ptr() const noexcept {
    return definition_;
  }

  /// The instance, or null if there is none of that key. A fan-out that is not expanded has one
  /// record with `no_element`. Valid until the next step.
  const instance_record* find(const instance_key& key) const noexcept;

  /// All instances of a task in the order of elements (one, unless it is an expanded fan-out).
  const std::vector<instance_record>& instances_of(std::uint32_t task) const noexcept;

  /// The newest attempt of an instance while it has not ended, or null. `empty` and `workflow`
  /// instances without pools have no attempts.
  const attempt_record* newest_attempt(const instance_key& key) const noexcept;

  /// The outputs that `inputs.<task>` names, as JSON: an object of the task's values (of the last
  /// of its fallback chain that ran), for a fan-out an object from index to such objects; "{}"
  /// while there are none.
  json_text outputs_of(std::uint32_t task) const;

  /// The needs on other runs, by task and need, and those of them that are not settled.
  const std::vector<bound_edge>& edges() const noexcept;
  std::vector<const bound_edge*> open_edges() const;
  /// The settled state of an edge (or of a dropped upstream, see edge_record), or null. Valid until
  /// the next step.
  const edge_record* settled_edge(std::uint32_t task, std::uint32_t need) const noexcept;

  /// How a task as a whole (its fan-out, its fallback chain) counts for joins: what others that
  /// need it are told. `pending` until it has ended.
  upstream_class class_of(std::uint32_t task) const;

  /// The value of `inputs.<as>` for a task: the outputs of its settled edge whose need has that
  /// name, an object or under a window a list of them. Null while the edge is open, or where there
  /// is none. A fallback sees its primary's.
  const json_text* outputs_as(std::uint32_t task, std::string_view as) const noexcept;

  /// The run competes for a place or has one: it has fired and not ended, and an instance that is
  /// neither frozen nor dry could begin, or it is admitted.
  bool wants_place() const noexcept;

  /// Fired now, the run would want a place at once; what its dry instances, which succeed at once,
  /// would bring about is not foreseen. For `admission_candidate::wants` of an arrival.
  /// O(tasks) before the run has fired; the same as `wants_place` after.
  bool could_begin() const noexcept;

  /// The run is admitted, nothing of it is under way, and what is left waits, for other runs or to
  /// be thawed: it gives its place to others meanwhile, and goes on without asking for it again.
  bool only_waits() const noexcept;

  /// Position of the task of that name.
  std::optional<std::uint32_t> task_named(std::string_view name) const noexcept;

  /// Upstream chains that the join of `task` still waits for, as task positions (of the chain's
  /// member that is pending); those that were dropped left out. Of an end task whose turn has not
  /// come all that have not ended, O(tasks). For `why`.
  std::vector<std::uint32_t> pending_upstream(std::uint32_t task) const;

  /// How the run came out, decided as soon as all but its end tasks have ended: success, failed,
  /// cancelled or skipped. Nothing before that.
  std::optional<run_state> outcome() const noexcept;
  /// What a run gives as the reason of its decided outcome: tasks_failed, run_timeout or all_done.
  reason reason_of_outcome() const noexcept;
  /// The first `most` tasks with a failure that nothing covers, of those that the run's state goes
  /// by; of a chain its head. Ascending. O(instances).
  std::vector<std::uint32_t> failing_tasks(std::size_t most) const;
  /// The task is an end task, or a fallback of one.
  bool belongs_to_end(std::uint32_t task) const noexcept;

  /// No instance stands in an active state and none will: all are terminal.
  bool ended() const noexcept;

  /// What the join of `task` has counted, and the units of the run's state: for `why` and for
  /// tests.
  const join_counts& upstream_counts(std::uint32_t task) const noexcept;
  const run_standing& standing() const noexcept;

private:
  friend class run_stepper;
  friend class rerun_selection;
  friend class run_move;
  std::shared_ptr<const workflow_definition> definition_;
  run_record run_;
  struct graph;
  std::unique_ptr<graph> graph_; ///< Reads *definition_.
};

/// The delay before retry number `retry` (from 1, since the last rerun) of an instance: delay *
/// factor^(retry-1), plus the jitter's share drawn by a hash of (run, task, element, retry), then
/// capped by max_delay. Overflow gives the cap, or 366 days. Pure.
duration retry_delay(const retry_policy& policy, const instance_key& key,
                     std::uint32_t retry) noexcept;

/// The time between look number `look` (from 1) and the next: `every`, up to a tenth more or less,
/// drawn by a hash of (run, task, element, look), so that thousands that began together spread
/// out. Pure.
duration look_delay(const poll_policy& policy, const instance_key& key,
                    std::uint32_t look) noexcept;

/// Looks of one attempt at most: their number has 24 bits in a fence.
inline constexpr std::uint32_t max_looks = 1U << 24U;

/// Lost attempts of one instance that are repeated without using up a retry.
inline constexpr std::uint32_t max_losses = 3;

} // namespace pinion
