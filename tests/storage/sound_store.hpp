#pragma once

#include "pinion/storage/memory_kv.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_check.hpp"
#include "storage/kv_helpers.hpp"
#include "storage/records.hpp"

#include <memory>
#include <string>

namespace pinion::test {

/// The rows of a store in which all fits together, one of each kind at least: project dw with pool
/// models (2), workflow dw.w of two tasks, `b` after `a`. r1 has ended, r2 runs and holds a
/// permit, one slot is planned, one was missed, a backfill has made r2.
struct sound_store {
  run_record ended = made_run(1);
  run_record running = made_run(2);
  attempt_record attempt;
  permit_record permit;
  slot_record planned = slot_at(5, slot_outcome::planned);
  slot_record missed = slot_at(4, slot_outcome::missed);
  slot_record fired = slot_at(2, slot_outcome::fired);
  edge_record settled;
  backfill_record backfill;
  backfill_item item;

  sound_store() {
    finish();
    go_on();
    backfill.id = 1;
    backfill.workflow = "dw.w";
    backfill.trigger = "t";
    backfill.total = 1;
    item.backfill = 1;
    item.workflow = "dw.w";
    item.trigger = "t";
    item.slot = running.slot;
    item.state = backfill_item_state::running;
    item.run = running.id;
    bound_edge edge;
    edge.task = 1;
    edge.workflow = "dw.w";
    edge.trigger = "t";
    edge.slots = {ended.slot};
    fired.run = running.id;
    fired.edges = {edge};
    settled = {running.id, 1, 0, edge_record::counts_as::success, {}, "{}", day};
  }

  void write_to(kv_batch& batch) const {
    batch.put(family::meta, std::string{keys::epoch}, codecs::encode_counter(3));
    put_project(batch, "dw", R"({"pools":2})");
    put_workflow(batch, workflow_of("dw.w", 1, "h"));
    put_version(batch, version_of("dw.w", 1, "h"));
    put_trigger(batch, trigger_of("dw.w", "t", day));
    put_cursor(batch, "dw.w", "t", day);
    put_rule_from(batch, "dw.w", day);
    put_task_switch(batch, {"dw.w", "a", task_mode::frozen, "ada", "", day});
    put_run(batch, ended, nullptr);
    put_run(batch, running, nullptr);
    for (std::uint32_t task = 0; task < 2; ++task)
      put_instance(batch, instance(1, task, instance_state::success));
    put_instance(batch, instance(2, 0, instance_state::running));
    attempt_record old = attempt;
    old.instance = {run_id{1}, 0, no_element};
    old.state = attempt_state::ended;
    old.outcome = instance_state::success;
    put_attempt(batch, old);
    put_attempt(batch, attempt);
    put_permit(batch, permit);
    put_output(batch, {{run_id{1}, 1, no_element}, R"({"n":1})"});
    auto first = slot_at(1, slot_outcome::late);
    first.run = ended.id;
    for (const auto& slot : {first, fired, missed, planned})
      put_slot(batch, slot, nullptr);
    put_edge(batch, settled);
    put_request_key(batch, "dw.w", "once", ended.id);
    put_backfill(batch, backfill, nullptr);
    put_backfill_item(batch, item, nullptr);
    for (std::uint64_t i = 1; i <= 3; ++i) {
      audit_record audit;
      audit.sequence = i;
      put_audit(batch, audit);
    }
  }

  static slot_record slot_at(int hour, slot_outcome outcome) {
    auto slot = slot_of("dw.w", "t", day + std::chrono::hours{hour}, outcome);
    slot.version = 1;
    return slot;
  }
  static instance_record instance(std::uint64_t run, std::uint32_t task, instance_state state) {
    auto made = instance_of(run, task, state);
    made.attempt = task == 0 ? 1 : 0;
    if (made.attempt != 0 && state == instance_state::success)
      made.why = reason::exit_zero;
    made.epoch = task == 0 ? 3 : 0;
    made.has_outputs = run == 1 && task == 1;
    return made;
  }

private:
  static run_record made_run(std::uint64_t id) {
    run_record run;
    run.id = run_id{id};
    run.workflow = "dw.w";
    run.trigger = "t";
    run.version = 1;
    run.slot = day + std::chrono::hours{id};
    run.created_at = run.fired_at = run.admitted_at = run.slot;
    run.admitted = true;
    return run;
  }
  void finish() {
    ended.state = run_state::success;
    ended.ended_at = ended.slot;
    ended.counts[static_cast<std::size_t>(instance_state::success)] = 2;
  }
  void go_on() {
    running.state = run_state::running;
    running.counts[static_cast<std::size_t>(instance_state::running)] = 1;
    running.counts[static_cast<std::size_t>(instance_state::waiting)] = 1;
    attempt.instance = {run_id{2}, 0, no_element};
    attempt.number = 1;
    attempt.epoch = 3;
    attempt.state = attempt_state::running;
    attempt.permits = {{"models", 1}};
    permit = {"dw", "models", 1, attempt.instance, 1, day};
  }
};

/// Any version of `dw.w` is this one; the text "damaged" is none.
inline store_check_readers sound_readers() {
  return {[](const std::string& text) -> result<std::shared_ptr<const workflow_definition>> {
            if (text == "damaged")
              return problem{errc::corrupt, "this is no definition", {}};
            auto made = std::make_shared<workflow_definition>();
            made->project = "dw";
            made->name = "w";
            made->tasks.resize(2);
            made->tasks[0].name = "a";
            made->tasks[0].pools = {{"models", 1}};
            made->tasks[1].name = "b";
            made->tasks[1].needs = {0};
            made->tasks[1].outside_needs.resize(1);
            return std::shared_ptr<const workflow_definition>{std::move(made)};
          },
          [](const std::string& text) -> result<std::map<std::string, std::uint32_t>> {
            if (text == "damaged")
              return problem{errc::corrupt, "these are no settings", {}};
            return std::map<std::string, std::uint32_t>{{"models", 2}};
          }};
}

} // namespace pinion::test
