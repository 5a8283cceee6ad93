#include "simulation/desk.hpp"

#include "pinion/storage/store_reader.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

using kind = scripted_action::kind;

bool is_of_the_world(kind what) {
  return what == kind::step_clock || what == kind::kill_launcher || what == kind::crash ||
         what == kind::reboot;
}

const char* name_of(kind what) {
  static constexpr const char* names[] = {"apply",         "trigger", "operate", "pause",
                                          "resume",        "hold",    "unhold",  "step clock",
                                          "kill launcher", "crash",   "reboot"};
  return names[static_cast<std::size_t>(what)];
}

} // namespace

desk::desk(const scenario& of, random_source& draw, trace& log, answer_watcher& watcher)
    : scenario_{of}, draw_{draw}, log_{log}, watcher_{watcher} {
  for (const auto& action : of.actions)
    errands_.push_back(std::make_unique<errand>(
        errand{action, static_cast<std::uint32_t>(errands_.size()), false, false, {}}));
}

duration desk::next_due(bool engine_is_up) const {
  for (const auto& each : errands_) {
    if (!each->asked)
      return engine_is_up || is_of_the_world(each->action.what) ? each->action.at : duration::max();
    if (!applied_)
      break; // Nothing can be asked about definitions that are not there.
  }
  return duration::max();
}

bool desk::act(duration now, engine_client* client, const kv_reader& disk, const world_act& acts) {
  for (const auto& each : errands_) {
    if (!applied_ && each->asked)
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
    else if (answer.error().code == errc::unavailable || what.action.what == kind::apply)
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
  case kind::apply: {
    apply_request set;
    set.workflows = scenario_.workflows;
    set.projects = {scenario_.settings};
    client.apply(std::move(set), by, answer_to<apply_answer>(what, [this](const apply_answer&) {
                   applied_ = true;
                   watcher_.applied();
                 }));
    break;
  }
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
    watcher_.paused(action.workflow, true);
    client.pause({action.workflow, {}}, by, answer_to<operation_answer>(what, nothing));
    break;
  case kind::resume:
    client.resume({action.workflow, {}}, action.owed, by,
                  answer_to<operation_answer>(what, [this, action](const operation_answer&) {
                    watcher_.paused(action.workflow, false);
                  }));
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
    break;
  }
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
                 answer_to<operation_answer>(what, [](const operation_answer&) {}));
}

void desk::forget_questions() {
  ++*generation_;
  for (const auto& each : errands_)
    if (!each->answered)
      each->asked = false;
}

void desk::wind_down(duration now) {
  scripted_action pause;
  pause.what = kind::pause;
  pause.at = now;
  scripted_action unhold = pause;
  unhold.what = kind::unhold;
  for (auto* each : {&pause, &unhold})
    errands_.push_back(std::make_unique<errand>(
        errand{*each, static_cast<std::uint32_t>(errands_.size()), false, false, {}}));
}

bool desk::done() const {
  return std::all_of(errands_.begin(), errands_.end(),
                     [](const auto& each) { return each->answered; });
}

} // namespace pinion::sim
