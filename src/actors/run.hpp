#pragma once

#include "actors/context.hpp"
#include "pinion/definitions/evaluator.hpp"
#include "pinion/model/run_core.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <optional>
#include <unordered_map>

namespace pinion {

/// What a RUN is made from.
struct run_seed {
  context_ptr context;
  workflow_actor workflow;
  std::shared_ptr<run_core> core;
  /// The run's row as the store has it; empty: it has none yet.
  std::optional<run_record> stored;
  /// Which incarnation of this run's actor it is, for the JOURNAL.
  std::uint32_t incarnation = 0;
  /// Earlier ones crashed too often: it ends all that is alive as failed, and evaluates nothing.
  bool failing = false;
};

/// What steps have produced that is not yet handed to the JOURNAL; then what is under way.
struct run_flight {
  kv_batch with;
  bool run_changed = false;
  std::vector<instance_key> instances;
  std::vector<attempt_record> attempts;
  std::vector<permit_record> permits_taken;
  std::vector<permit_record> permits_released;
  std::vector<output_record> outputs;
  std::vector<instance_key> outputs_dropped;
  std::vector<edge_record> edges_settled;
  std::vector<edge_record> edges_dropped;
  /// What follows once it is durable, in order.
  std::vector<std::pair<instance_key, msg::enter>> entered;
  std::vector<run_effects> effects;
  std::vector<msg::send_alarm> alarms;
  std::vector<process_key> ended;
  std::vector<std::function<void()>> replies;
  std::optional<run_record> over; ///< The run ended: its row then.

  bool empty() const noexcept {
    return !run_changed && with.empty() && instances.empty() && attempts.empty() &&
           effects.empty() && entered.empty() && ended.empty() && replies.empty();
  }
};

/// See run_why.cpp.
struct why_question;
using why_question_ptr = std::shared_ptr<why_question>;

/// A RUN. Events are applied to the core at once; their rows are gathered while a batch is under
/// way and then written as one; what they cause happens when that is durable.
struct run_state_data {
  static inline constexpr const char* name = "run";
  /// An actor that crashes more often than this is not restarted again.
  static constexpr std::uint32_t max_restarts = 3;

  run_actor::stateful_pointer<run_state_data> self = nullptr;
  run_seed seed;
  std::unique_ptr<run_evaluator> evaluate;
  std::unordered_map<instance_key, instance_actor> instances;
  std::unordered_map<instance_key, std::uint32_t> crashes;
  run_flight gathered;
  bool in_flight = false;
  bool idle = false; ///< What the WORKFLOW was told last, see tell_whether_idle.
  bool compose_queued = false;
  bool moving = false; ///< It has another definition, and its INSTANCEs do not know it yet.
  std::uint64_t timeout_timer = 0;
  std::uint64_t stale_results = 0; ///< Invariant 11: refused for their fence.

  run_state_data() = default;
  run_state_data(const run_state_data&) = delete;
  run_state_data& operator=(const run_state_data&) = delete;
  /// No INSTANCE outlives its RUN.
  ~run_state_data();

  void start_up();
  /// Applies one event; returns why it was refused, if it was.
  std::optional<problem> apply(const run_event& event,
                               std::shared_ptr<const start_request> start = nullptr);
  void offered(const msg::offer& what);
  caf::result<msg::fired_run> fire(msg::fire_run& what);
  caf::result<operation_answer> operate(const msg::operate_run& what);
  /// Queues a `compose`, unless one is queued or a batch is under way.
  void wake();
  void compose();
  void instance_down(const caf::actor_addr& who, const caf::error& why);
  caf::result<why_answer> explain(const msg::why_query& what);

  run_core& core() { return *seed.core; }
  const project_settings& settings();

private:
  void ask_turn(const why_question_ptr& asked);
  void ask_edges(const why_question_ptr& asked);
  void ask_places(const why_question_ptr& asked);
  void answer_why(why_question& asked);
  bool is_of_newest_attempt(const run_event& event) const;
  void gather(run_step&& step, std::shared_ptr<const start_request> start);
  void gather_alarm(const run_effect::alarm& alarm);
  kv_batch write(run_flight& flight);
  void carry_out(run_flight& flight);
  void follow(const run_effects& effect);
  void arm_timeout();
  /// Asks the DIRECTORY about the open edges, of one task or of all.
  void watch_edges(std::optional<std::uint32_t> task = std::nullopt);
  void tell_whether_idle();
  void tell_directory(std::optional<std::uint32_t> task);
  void fail_all();
  void follow_switches();
  std::optional<problem> write_needs(const std::vector<bound_edge>& edges);
  instance_actor& actor_of(const instance_key& key);
  msg::enter enter_message(const instance_key& key, instance_state state, bool again,
                           std::shared_ptr<const start_request> start);
  std::shared_ptr<const start_request> body_of(const instance_key& key, std::uint32_t attempt,
                                               std::uint64_t epoch, problem& why);
  std::shared_ptr<const start_request> check_of(const instance_key& key, problem& why);

  std::shared_ptr<const project_settings> settings_;
  std::shared_ptr<const project_settings> former_settings_;
};

run_actor::behavior_type run(run_actor::stateful_pointer<run_state_data> self, run_seed seed);

/// The alarm's body for its channel, as JSON: what happened, to what, why, when.
json_text alarm_body(const run_core& run, const run_effect::alarm& alarm);

/// The row that remembers an alarm until its channel has it.
std::string alarm_row_key(const std::string& id);
json_text alarm_row(const msg::send_alarm& alarm);

} // namespace pinion
