#pragma once

#include "pinion/definitions/definition_directory.hpp"
#include "pinion/model/admission.hpp"
#include "pinion/model/run_core.hpp"
#include "simulator/assuming_evaluator.hpp"
#include "simulator/permit_desk.hpp"

#include <deque>
#include <queue>
#include <unordered_map>

namespace pinion::simulator {

/// Position of a run in the result; the number of the run is one more.
using row_number = std::uint32_t;
inline constexpr row_number no_row = 0xffff'ffffU;

/// A slot that the clock has reached.
struct slot_row {
  instant slot{};
  row_number row = no_row;
};

/// A trigger, its next slot still to come.
struct live_trigger {
  std::uint32_t workflow = 0;
  std::uint32_t number = 0; ///< In the result.
  const trigger_definition* definition = nullptr;
  known_trigger known;
  std::string name; ///< project.workflow/id
  result<json_text> params = json_text{"{}"};
  std::uint32_t turn = 0;      ///< Those of one instant fire in the order of names.
  bool fires = false;          ///< Enabled, and its rule is known.
  std::vector<slot_row> slots; ///< Ascending.
};

/// A workflow and its runs that have fired and not ended.
struct live_workflow {
  std::shared_ptr<const workflow_definition> definition;
  std::vector<std::uint32_t> triggers; ///< Positions of its live triggers.
  std::uint32_t calls = 0;             ///< The trigger in the result that stands for calls.
  bool binds = false;                  ///< Something of it waits for other runs.
  bool needed = false;                 ///< Others wait for it.
  std::vector<std::uint32_t> needed_tasks;
  std::vector<admission_candidate> live; ///< In the order of run numbers.
  std::unique_ptr<assuming_evaluator> evaluator;
};

/// An edge that is waited for.
struct watched_edge {
  bound_edge edge;
  std::uint32_t trigger = 0;         ///< Position of the live trigger upstream.
  std::optional<std::uint32_t> task; ///< Position there; nothing: the whole run.
  std::vector<bound_state> slots;
  std::size_t pending = 0;
};

/// Timers of one instance; 0: not armed.
struct instance_timers {
  std::uint64_t state = 0;
  instance_timer state_is = instance_timer::retry_due;
  std::uint64_t task = 0;
};

/// A run that has fired and not ended.
struct live_run {
  row_number row = 0;
  run_core core;
  std::vector<watched_edge> edges;
  std::unordered_map<instance_key, instance_timers> timers;
  std::uint64_t timeout = 0;
  bool idle = false; ///< See run_core::only_waits.
};

/// What comes at a time. Those of one instant: first processes end, then timers ring, then slots
/// are planned, then they fire.
struct timed_event {
  enum class kind : std::uint8_t { process_ends, timer, slot_comes, slot_fires };
  instant at{};
  kind what = kind::process_ends;
  std::uint64_t order = 0;
  instance_key key;     ///< slot_*: `task` is the live trigger, `element` the place of its slot.
  std::uint64_t id = 0; ///< A timer's, or what `process` says.
};

/// What follows at the same instant, in the order in which it was caused.
struct message {
  enum class kind : std::uint8_t {
    granted,
    process_started,
    process_stopped,
    empty_done,
    call,
    call_ended,
    edge_settled,
    wants_place,
    admit,
    cancel,
    over,
  } what = kind::granted;
  instance_key key;
  std::uint64_t id = 0;
};

class virtual_engine {
public:
  virtual_engine(const simulated_set& of, const simulation_options& options,
                 const process_model& processes);
  result<simulation_result> run();

private:
  // virtual_engine.cpp: the loop
  void add_workflow(std::uint32_t position);
  void mark_needed();
  void number_triggers();
  bool next_event();
  void handle(const timed_event& event);
  void drain();
  void handle(const message& what);
  void schedule(instant at, timed_event::kind what, instance_key key, std::uint64_t id);
  void send(message::kind what, instance_key key, std::uint64_t id = 0) {
    messages_.push_back({what, key, id});
  }
  live_run* run_of(run_id id) { return live_[id.value - 1].get(); }
  live_workflow& workflow_of(const live_run& run) {
    return workflows_[result_.runs[run.row].workflow];
  }
  const live_workflow& workflow_of(const live_run& run) const {
    return workflows_[result_.runs[run.row].workflow];
  }

  // slot_desk.cpp: PLANNER and WORKFLOW
  void await_slot(std::uint32_t trigger, instant after);
  void slot_comes(std::uint32_t trigger);
  void slot_fires(std::uint32_t trigger, std::uint32_t place);
  void leave_out(std::uint32_t trigger, row_number row, slot_outcome outcome, reason why);
  /// Also a run that a task calls. Where the verdict is skip or miss there is none.
  result<admission_verdict> launch(live_workflow& of, run_record record, row_number row,
                                   overlap_policy overlap);
  row_number add_row(std::uint32_t workflow, std::uint32_t trigger, instant slot);
  void give_place_back(live_workflow& of, run_id run);
  void admit_next(live_workflow& of);
  void wants(run_id run, bool on);
  void over(run_id run);
  void call(const instance_key& key);
  result<run_id> start_called(live_run& caller, const instance_record& at);
  void cancel(live_run& run, reason why);

  // run_effects.cpp: RUN and INSTANCE
  void apply(live_run& run, const run_event& event);
  void carry_out(live_run& run, const run_step& step);
  void entered(live_run& run, const instance_key& key);
  void ask_for_permits(live_run& run, const instance_record& at);
  void granted(const instance_key& key);
  void release(const instance_key& key);
  void give_permits();
  void stop(live_run& run, const instance_record& at);
  std::uint64_t arm(instant from, duration whole, const instance_key& key);
  void timer_due(const instance_key& key, std::uint64_t id);
  void note_end(live_run& run);

  // process_bench.cpp: WORKER and processes
  void start_process(live_run& run, const instance_key& key);
  void process_started(const instance_key& key, std::uint64_t id);
  void process_ends(const instance_key& key, std::uint64_t id);
  void process_stopped(const instance_key& key);
  process_fate fate_of(const live_run& run, const instance_record& at) const;
  process_key process_of(const live_run& run, const instance_record& at) const;

  // edge_board.cpp: DIRECTORY
  void watch_edges(live_run& run, std::vector<bound_edge> edges);
  void read(watched_edge& at);
  void await(const watched_edge& at, run_id run);
  static void count_pending(watched_edge& at);
  void note_classes(const live_run& run);
  bound_state state_of(const watched_edge& at, instant slot) const;
  bound_state of_row(const watched_edge& at, row_number row) const;
  void settle(live_run& run);
  void tell(const live_run& run, std::optional<std::uint32_t> task);
  void tell_slot(std::uint32_t trigger, instant slot);
  std::optional<std::uint32_t> trigger_named(const std::string& workflow,
                                             const std::string& trigger) const;

  const simulated_set& of_;
  const simulation_options& options_;
  const process_model& processes_;
  project_settings no_settings_;
  definition_directory directory_;
  permit_desk permits_;
  simulation_result result_;
  std::vector<live_workflow> workflows_;
  std::vector<live_trigger> triggers_;
  std::unordered_map<std::string, std::uint32_t> by_id_; ///< Workflows.
  std::unordered_map<std::string, std::uint32_t> index_numbers_;
  std::vector<std::unique_ptr<live_run>> live_; ///< By row; null once it has ended.
  /// By row: where in `classes_` the tasks stand that others need; the rest has no such.
  std::vector<std::uint32_t> classes_at_;
  std::vector<upstream_class> classes_;
  std::unordered_map<instance_key, json_text> outputs_; ///< Of ended runs; by row and task.

  struct slot_of_trigger {
    std::uint32_t trigger = 0;
    instant slot{};
    friend bool operator==(const slot_of_trigger&, const slot_of_trigger&) = default;
  };
  struct slot_hash {
    std::size_t operator()(const slot_of_trigger& of) const noexcept {
      return static_cast<std::size_t>(to_us(of.slot)) * 0x9E3779B97F4A7C15ULL ^ of.trigger;
    }
  };
  std::unordered_map<slot_of_trigger, std::vector<run_id>, slot_hash> waiting_;
  std::deque<edge_record> settled_; ///< One for each message `edge_settled`.

  struct later {
    bool operator()(const timed_event& a, const timed_event& b) const noexcept {
      return std::tie(a.at, a.what, a.order) > std::tie(b.at, b.what, b.order);
    }
  };
  std::priority_queue<timed_event, std::vector<timed_event>, later> events_;
  std::deque<message> messages_;
  bool asked_ = false; ///< Somebody asked for permits since the last grant.
  std::uint64_t sequence_ = 0;
  std::uint64_t timers_ = 0;
  instant now_{};
  bool too_many_ = false;
};

} // namespace pinion::simulator
