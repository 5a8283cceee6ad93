#include "simulation/desk.hpp"

#include "pinion/storage/store_reader.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

using kind = scripted_action::kind;

bool is_of_the_world(kind what) {
  return what == kind::step_clock || what == kind::kill_launcher || what == kind::crash ||
         what == kind::reboot || what == kind::fail_write || what == kind::slow_disk ||
         what == kind::break_link || what == kind::kill_worker || what == kind::part_network;
}

/// What the program refuses on a disk that is almost full (src/api/full_disk.cpp).
bool makes_work(const scripted_action& action) {
  return action.what == kind::apply || action.what == kind::edit || action.what == kind::trigger ||
         action.what == kind::make_slot || action.what == kind::backfill ||
         (action.what == kind::operate && action.verb == run_operation::verb::rerun);
}

/// People who were refused ask again after that.
constexpr std::chrono::seconds patience{5};

const char* name_of(kind what) {
  static constexpr const char* names[] = {
      "apply",       "trigger",     "operate",       "pause",          "resume",     "hold",
      "unhold",      "step clock",  "kill launcher", "crash",          "reboot",     "edit",
      "switch task", "make slot",   "backfill",      "steer backfill", "fail write", "slow disk",
      "break link",  "kill worker", "part network"};
  return names[static_cast<std::size_t>(what)];
}

} // namespace

desk::desk(const scenario& of, random_source& draw, const manual_clock& clock, trace& log,
           answer_watcher& watcher)
    : scenario_{of}, draw_{draw}, clock_{clock}, log_{log}, watcher_{watcher} {
  for (const auto& action : of.actions)
    add(action.what, action.at) = action;
}

scripted_action& desk::add(kind what, duration at) {
  auto made = std::make_unique<errand>();
  made->action.what = what;
  made->action.at = at;
  made->number = static_cast<std::uint32_t>(errands_.size());
  errands_.push_back(std::move(made));
  return errands_.back()->action;
}

duration desk::next_due(bool engine_is_up) const {
  auto due = duration::max();
  for (const auto& each : errands_) {
    if (!each->asked && !engine_is_up && !is_of_the_world(each->action.what))
      break;
    if (!each->asked)
      due = std::min(due, each->action.at);
    if (!applied_)
      break; // Nothing can be asked about definitions that are not there.
  }
  return due;
}

bool desk::act(duration now, engine_client* client, const kv_reader& disk, const world_act& acts,
               const std::function<bool()>& takes_work) {
  for (const auto& each : errands_) {
    if (!applied_ && (each->asked || each->action.at > now))
      return false;
    if (each->asked || each->action.at > now)
      continue;
    if (is_of_the_world(each->action.what)) {
      each->asked = each->answered = true;
      log_.note(std::string{"the world: "} + name_of(each->action.what));
      acts(each->action);
      return true;
    }
    if (client == nullptr)
      return false;
    if (makes_work(each->action) && !takes_work()) {
      log_.note(std::string{"refused for want of room: "} + name_of(each->action.what));
      each->action.at = now + patience;
      return true;
    }
    each->asked = true;
    ask(*each, *client, disk);
    return true;
  }
  return false;
}

template <class T, class Then>
std::function<void(result<T>)> desk::answer_to(errand& what, Then then) {
  // Answers of an engine that has crashed since reach nobody.
  return [this, &what, then, asked_in = *generation_, now_in = generation_](result<T> answer) {
    if (asked_in != *now_in || what.answered)
      return;
    what.answered = true;
    log_.note(std::string{"answer to "} + name_of(what.action.what) + ' ' +
              std::to_string(what.number) + ": " + (answer ? "yes" : answer.error().message));
    if (answer)
      then(answer.value());
    else if (what.action.what == kind::apply || what.action.what == kind::edit)
      log_.violation("definitions are refused: " + answer.error().message);
    else if (answer.error().code == errc::unavailable && what.action.what != kind::make_slot)
      log_.violation("a living engine does not answer");
  };
}

void desk::ask(errand& what, engine_client& client, const kv_reader& disk) {
  const auto& action = what.action;
  const caller by{"ann", "simulated"};
  log_.note(std::string{"ask to "} + name_of(action.what) + ' ' + std::to_string(what.number) +
            ' ' + action.workflow);
  const auto nothing = [](const operation_answer&) {};
  switch (action.what) {
  case kind::apply:
    ask_apply(what, client, true);
    break;
  case kind::edit:
    ask_apply(what, client, action.original);
    break;
  case kind::trigger: {
    trigger_request run;
    run.workflow = action.workflow;
    run.key = "key" + std::to_string(what.number);
    client.trigger(
        run, by, answer_to<trigger_answer>(what, [this, key = run.key](const trigger_answer& made) {
          watcher_.trigger_answered(key, made.run);
        }));
    break;
  }
  case kind::operate:
    ask_operation(what, client, disk);
    break;
  case kind::pause:
    client.pause({action.workflow, {}}, by, answer_to<operation_answer>(what, nothing));
    break;
  case kind::resume:
    client.resume({action.workflow, {}}, action.owed, by,
                  answer_to<operation_answer>(what, nothing));
    break;
  case kind::switch_task:
    watcher_.switched(action.workflow, action.task);
    client.switch_task({action.workflow, action.task, action.mode}, by,
                       answer_to<operation_answer>(what, nothing));
    break;
  case kind::make_slot:
    ask_slot(what, client, disk);
    break;
  case kind::backfill:
    ask_backfill(what, client);
    break;
  case kind::steer_backfill:
    ask_steering(what, client, disk);
    break;
  case kind::hold:
    client.hold(by, answer_to<operation_answer>(what, nothing));
    break;
  case kind::unhold:
    client.unhold(by, answer_to<operation_answer>(what, nothing));
    break;
  case kind::step_clock:
  case kind::kill_launcher:
  case kind::crash:
  case kind::reboot:
  case kind::fail_write:
  case kind::slow_disk:
  case kind::break_link:
  case kind::kill_worker:
  case kind::part_network:
    break;
  }
}

void desk::ask_apply(errand& what, engine_client& client, bool original) {
  apply_request set;
  set.workflows = original ? scenario_.workflows : scenario_.edited;
  set.projects = {scenario_.settings};
  client.apply(std::move(set), {"ann", "simulated"},
               answer_to<apply_answer>(what, [this, original](const apply_answer&) {
                 applied_ = true;
                 watcher_.applied(original);
               }));
}

void desk::ask_slot(errand& what, engine_client& client, const kv_reader& disk) {
  if (!what.slot) {
    slot_filter filter;
    static constexpr slot_outcome outcomes[] = {slot_outcome::missed, slot_outcome::paused,
                                                slot_outcome::skipped_overlap};
    filter.outcome = outcomes[draw_.below(std::size(outcomes))];
    const auto rows = store_reader{disk}.list_slots(filter, {20, {}});
    if (!rows || rows.value().items.empty()) {
      what.answered = true;
      return;
    }
    const auto& row = rows.value().items[draw_.below(rows.value().items.size())];
    what.slot = slot_request{row.workflow, row.trigger, row.slot};
  }
  client.make_slot(*what.slot, {"ann", "simulated"},
                   answer_to<trigger_answer>(what, [](const trigger_answer&) {}));
}

void desk::ask_backfill(errand& what, engine_client& client) {
  const auto& action = what.action;
  const auto* rule = rule_of(scenario_.workflows, action.ask.workflow, action.ask.trigger);
  if (rule == nullptr) {
    what.answered = true;
    return;
  }
  auto ask = action.ask;
  ask.to = clock_.wall_now() + std::chrono::seconds{10};
  ask.from = ask.to;
  for (auto left = action.slots; left > 0; --left)
    if (const auto slot = previous_slot(*rule, ask.from))
      ask.from = slot->at;
  client.backfill(ask, {"ann", "simulated"},
                  answer_to<backfill_record>(what, [](const backfill_record&) {}));
}

void desk::ask_steering(errand& what, engine_client& client, const kv_reader& disk) {
  if (what.backfill == 0) {
    const auto rows = store_reader{disk}.list_backfills({}, {20, {}});
    if (!rows || rows.value().items.empty()) {
      what.answered = true;
      return;
    }
    what.backfill = rows.value().items[draw_.below(rows.value().items.size())].id;
  }
  client.steer_backfill(what.backfill, what.action.steer, {"ann", "simulated"},
                        answer_to<operation_answer>(what, [](const operation_answer&) {}));
}

void desk::ask_operation(errand& what, engine_client& client, const kv_reader& disk) {
  if (!what.target) {
    const store_reader store{disk};
    const auto runs = store.list_runs({}, {50, {}});
    if (!runs || runs.value().items.empty()) {
      what.answered = true;
      return;
    }
    const auto& all = runs.value().items;
    const auto& run = all[draw_.below(all.size())];
    run_operation operation;
    operation.what = what.action.verb;
    operation.message = "by ann";
    const auto rows = store.instances_of(run.id);
    if (rows && !rows.value().empty() && draw_.chance(70))
      operation.targets = {rows.value()[draw_.below(rows.value().size())].key};
    if (operation.what == run_operation::verb::rerun && !operation.targets.empty())
      operation.scope = static_cast<rerun_scope>(draw_.below(3));
    what.target.emplace(run.id, std::move(operation));
  }
  const auto& [run, operation] = *what.target;
  watcher_.operation_asked(run, operation);
  client.operate(run, operation, {"ann", "simulated"},
                 answer_to<operation_answer>(what, [this, &what](const operation_answer&) {
                   watcher_.operation_answered(what.target->first, what.target->second);
                 }));
}

void desk::forget_questions() {
  ++*generation_;
  for (const auto& each : errands_)
    if (!each->answered)
      each->asked = false;
}

void desk::wind_down(duration now, const kv_reader& disk) {
  add(kind::pause, now);
  add(kind::unhold, now);
  thaw(now, disk);
}

void desk::thaw(duration now, const kv_reader& disk) {
  const store_reader store{disk};
  for (const auto& workflow : scenario_.workflows)
    if (const auto rows = store.task_switches_of(workflow.id()))
      for (const auto& row : rows.value()) {
        auto& off = add(kind::switch_task, now);
        off.workflow = row.workflow;
        off.task = row.task;
      }
  if (const auto live = store.live_runs())
    for (const auto& run : live.value())
      if (const auto rows = store.instances_of(run.id))
        if (!run.modes.empty() ||
            std::any_of(rows.value().begin(), rows.value().end(),
                        [](const auto& row) { return row.mode == task_mode::frozen; }))
          operate(now, run.id, run_operation::verb::thaw);
  if (const auto all = store.list_backfills({}, {100, {}}))
    for (const auto& backfill : all.value().items)
      if (backfill.state == backfill_state::paused) {
        add(kind::steer_backfill, now).steer = backfill_verb::resume;
        errands_.back()->backfill = backfill.id;
      }
}

void desk::operate(duration now, run_id run, run_operation::verb verb) {
  add(kind::operate, now).verb = verb;
  run_operation operation;
  operation.what = verb;
  operation.message = "by ann";
  errands_.back()->target.emplace(run, std::move(operation));
}

void desk::cut_short(duration now, const kv_reader& disk, const std::vector<run_id>& which) {
  thaw(now, disk);
  for (const auto run : which)
    operate(now, run, run_operation::verb::cancel);
  if (const auto all = store_reader{disk}.list_backfills({}, {100, {}}))
    for (const auto& backfill : all.value().items)
      if (!is_over(backfill.state)) {
        add(kind::steer_backfill, now).steer = backfill_verb::cancel;
        errands_.back()->backfill = backfill.id;
      }
}

bool desk::done() const {
  return std::all_of(errands_.begin(), errands_.end(),
                     [](const auto& each) { return each->answered; });
}

} // namespace pinion::sim
