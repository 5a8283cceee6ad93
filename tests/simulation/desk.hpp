#pragma once

#include "pinion/storage/kv.hpp"
#include "pinion/timing/clock.hpp"
#include "simulation/scenario.hpp"
#include "simulation/trace.hpp"

#include <map>
#include <memory>
#include <set>

namespace pinion::sim {

/// Whom the desk tells what people have asked for and what they were told.
class answer_watcher {
public:
  virtual ~answer_watcher() = default;
  virtual void operation_asked(run_id run, const run_operation& operation) = 0;
  virtual void operation_answered(run_id run, const run_operation& operation) = 0;
  virtual void trigger_answered(const std::string& key, run_id run) = 0;
  /// Definitions were handed over and taken: the original ones, or the edited.
  virtual void applied(bool original) = 0;
  virtual void switched(const std::string& workflow, const std::string& task) = 0;
};

/// The people: carry out the actions of a scenario through the engine's client, and ask again what
/// a crash left unanswered.
class desk {
public:
  desk(const scenario& of, random_source& draw, const manual_clock& clock, trace& log,
       answer_watcher& watcher);

  /// What the world itself must do is handed to `world_acts`.
  using world_act = std::function<void(const scripted_action&)>;

  /// The next moment at which there is something to ask; people do not ask an engine that is down.
  duration next_due(bool engine_is_up) const;
  /// Asks one thing that is due, if there is one; nothing else until the set is applied. What makes
  /// new work is refused while `takes_work` says no, and asked again a little later.
  bool act(duration now, engine_client* client, const kv_reader& disk, const world_act& acts,
           const std::function<bool()>& takes_work);
  /// The engine crashed: what has not been answered is asked again.
  void forget_questions();
  /// Pauses all triggers and ends what keeps work from going on: holds, switches, pauses of
  /// backfills. Nothing new comes.
  void wind_down(duration now, const kv_reader& disk);
  /// Thaws again, cancels `which` (they wait for what does not come) and the backfills that are
  /// left.
  void cut_short(duration now, const kv_reader& disk, const std::vector<run_id>& which);
  bool done() const;

private:
  struct errand {
    scripted_action action;
    std::uint32_t number = 0;
    bool asked = false;
    bool answered = false;
    std::optional<std::pair<run_id, run_operation>> target;
    std::optional<slot_request> slot;
    std::uint64_t backfill = 0;
  };
  scripted_action& add(scripted_action::kind what, duration at);
  void thaw(duration now, const kv_reader& disk);
  void operate(duration now, run_id run, run_operation::verb verb);
  void ask(errand& what, engine_client& client, const kv_reader& disk);
  void ask_operation(errand& what, engine_client& client, const kv_reader& disk);
  void ask_apply(errand& what, engine_client& client, bool original);
  void ask_slot(errand& what, engine_client& client, const kv_reader& disk);
  void ask_backfill(errand& what, engine_client& client);
  void ask_steering(errand& what, engine_client& client, const kv_reader& disk);
  template <class T, class Then>
  std::function<void(result<T>)> answer_to(errand& what, Then then);

  const scenario& scenario_;
  random_source& draw_;
  const manual_clock& clock_;
  trace& log_;
  answer_watcher& watcher_;
  std::vector<std::unique_ptr<errand>> errands_;
  std::shared_ptr<std::uint32_t> generation_ = std::make_shared<std::uint32_t>(0);
  bool applied_ = false;
};

} // namespace pinion::sim
