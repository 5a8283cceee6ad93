#include "actors/stage.hpp"

#include <spdlog/spdlog.h>

namespace pinion::testing {

stage::stage(sim::scenario what) : of{std::move(what)} {
  spdlog::set_level(spdlog::level::off);
  engine.emplace(of, disk, at, clock, eyes, log, this);
  settle();
}

void stage::apply() {
  apply_request set;
  set.workflows = of.workflows;
  set.projects = {of.settings};
  engine->client().apply(set, {"ann", ""}, [this](const result<apply_answer>& answer) {
    if (!answer)
      log.violation(answer.error().message);
  });
  settle();
}

run_id stage::trigger() {
  trigger_request ask;
  ask.workflow = of.workflows.front().id();
  run_id made;
  engine->client().trigger(ask, {"ann", ""}, [&](const result<trigger_answer>& answer) {
    if (answer)
      made = answer.value().run;
  });
  settle();
  return made;
}

void stage::run_actors() {
  while (engine->jobs().has_job())
    engine->jobs().run_once();
}

void stage::settle() {
  for (;;) {
    run_actors();
    if (engine->disk.pending()) {
      if (on_committing) {
        on_committing();
        run_actors();
      }
      engine->disk.release(true);
    } else if (engine->alarm.due() <= clock.steady_now())
      engine->alarm.ring(false);
    else if (!at.act())
      return;
  }
}

void stage::pass(duration time) {
  const auto until = clock.steady_now() + time;
  for (;;) {
    settle();
    const auto due = std::min(at.next_due(), engine->alarm.due());
    if (due > until)
      break;
    clock.advance(std::max(due - clock.steady_now(), duration{0}));
  }
  clock.advance(until - clock.steady_now());
  settle();
}

void stage::restart() {
  engine.reset();
  engine.emplace(of, disk, at, clock, eyes, log, this);
  settle();
}

instance_record stage::instance(run_id run, std::uint32_t task) const {
  const auto row = store().instance({run, task, no_element});
  return row && row.value() ? *row.value() : instance_record{};
}

run_record stage::run(run_id id) const {
  const auto row = store().run(id);
  return row && row.value() ? *row.value() : run_record{};
}

void stage::entering(const instance_key& key, instance_state state) {
  if (on_entering)
    on_entering(key, state);
}

void stage::stepping(run_id id) {
  if (on_stepping)
    on_stepping(id);
}

void stage::launching(const std::string& workflow) {
  if (on_launching)
    on_launching(workflow);
}

} // namespace pinion::testing
