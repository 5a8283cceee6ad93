#include "history_rows.hpp"

namespace pinion::bench {

namespace {

run_record run_at(std::uint64_t id, const char* workflow, instant slot) {
  run_record run;
  run.id = {id};
  run.workflow = workflow;
  run.version = 1;
  run.trigger = "t";
  run.slot = run.interval_start = run.interval_end = slot;
  run.created_at = run.fired_at = run.admitted_at = run.started_at = run.last_at = slot;
  run.admitted = true;
  return run;
}

attempt_record attempt_at(const instance_key& key, instant at) {
  attempt_record attempt;
  attempt.instance = key;
  attempt.number = 1;
  attempt.epoch = 1;
  attempt.worker = "local";
  attempt.boot_id = "bench";
  attempt.pid = 4711;
  attempt.ready_at = attempt.started_at = at;
  attempt.rendered = R"({"argv":["/bin/true"],"env":{"LEVEL":"info"},"script":""})";
  return attempt;
}

instance_record instance_at(const instance_key& key, instance_state state, instant at) {
  instance_record instance;
  instance.key = key;
  instance.state = state;
  instance.why = reason::none;
  instance.attempt = 1;
  instance.epoch = 1;
  instance.triggered_at = instance.waiting_at = instance.pre_ready_at = at;
  instance.first_ready_at = instance.ready_at = instance.started_at = at;
  return instance;
}

void put_fired_slot(kv_batch& batch, const run_record& run) {
  slot_record slot;
  slot.workflow = run.workflow;
  slot.trigger = run.trigger;
  slot.slot = run.slot;
  slot.outcome = slot_outcome::fired;
  slot.version = 1;
  slot.run = run.id;
  slot.decided_at = run.slot;
  put_slot(batch, slot, nullptr);
}

} // namespace

row_filler::row_filler(const std::filesystem::path& folder)
    : kv_{rocks_kv::open({folder / "store", folder / "COMMIT", durability::os})} {
  if (!kv_)
    throw std::runtime_error{kv_.error().message};
}

void row_filler::commit_if(std::size_t rows) {
  if (batch_.writes.size() < rows)
    return;
  std::promise<bool> done;
  auto committed = done.get_future();
  kv().commit(std::exchange(batch_, {}),
              [&done](const result<std::uint64_t>& number) { done.set_value(number.has_value()); });
  if (!committed.get())
    throw std::runtime_error{"the store refuses the rows"};
}

void put_ended(kv_batch& batch, std::uint64_t id, const char* workflow, std::uint32_t tasks,
               instant slot, instance_state last) {
  const bool failed = last == instance_state::failed;
  auto run = run_at(id, workflow, slot);
  run.state = failed ? run_state::failed : run_state::success;
  run.why = failed ? reason::tasks_failed : reason::all_done;
  run.ended_at = slot;
  run.counts[static_cast<std::size_t>(instance_state::success)] = tasks - 1;
  ++run.counts[static_cast<std::size_t>(last)];
  put_run(batch, run, nullptr);
  put_fired_slot(batch, run);
  for (std::uint32_t task = 0; task < tasks; ++task) {
    const instance_key key{{id}, task, no_element};
    const auto state = task + 1 == tasks ? last : instance_state::success;
    auto instance = instance_at(key, state, slot);
    instance.why = state == instance_state::failed ? reason::exit_nonzero : reason::exit_zero;
    instance.body_ended_at = instance.ended_at = slot;
    put_instance(batch, instance);
    auto attempt = attempt_at(key, slot);
    attempt.state = attempt_state::ended;
    attempt.outcome = state;
    attempt.exited = true;
    attempt.ended_at = slot;
    put_attempt(batch, attempt);
  }
}

void put_live(kv_batch& batch, std::uint64_t id, const char* workflow, std::uint32_t tasks,
              instant slot) {
  auto run = run_at(id, workflow, slot);
  run.state = run_state::running;
  run.counts[static_cast<std::size_t>(instance_state::running)] = 1;
  run.counts[static_cast<std::size_t>(instance_state::waiting)] = tasks - 1;
  put_run(batch, run, nullptr);
  put_fired_slot(batch, run);
  const instance_key key{{id}, 0, no_element};
  put_instance(batch, instance_at(key, instance_state::running, slot));
  auto attempt = attempt_at(key, slot);
  attempt.state = attempt_state::running;
  put_attempt(batch, attempt);
}

} // namespace pinion::bench
