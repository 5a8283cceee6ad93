#pragma once

#include "api/json.hpp"
#include "pinion/api/routes.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/storage/memory_kv.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pinion::testing {

/// An engine that remembers what it was asked and answers at once, over a store in memory.
class fake_engine final : public engine_client {
public:
  mutable memory_kv kv;
  std::string folder = "/nonexistent";
  std::vector<std::string> calls;
  caller last_caller;
  apply_request applied;
  trigger_request triggered;
  run_operation operation;
  pause_target target;
  catch_up owed = catch_up::none;
  slot_request asked_slot;
  switch_request switched;
  std::vector<pool_request> pool_sizes;
  backfill_request asked_backfill;
  backfill_preview previewed;
  std::optional<problem> refusal; ///< The answer to every change, if set.
  health_answer state;
  why_answer reasons;
  std::vector<instance_key> at_work; ///< What holds worker slots.
  mutable change_feed feed;
  run_id next_run{1};

  void apply(apply_request request, caller by, reply<apply_answer> done) override {
    applied = std::move(request);
    apply_answer answer;
    for (const auto& one : applied.workflows) {
      const auto row = store_reader{kv}.workflow(one.id()).value();
      const auto present = row ? row->version : 0;
      if (!applied.condition.holds(one.id(), present))
        answer.stale.emplace_back(one.id(), present);
    }
    for (const auto& one : applied.workflows)
      answer.changes.push_back({one.id(), 1, apply_change::kind::created, {}});
    finish<apply_answer>("apply", std::move(by), std::move(answer), done);
  }
  void delete_workflow(deletion_request request, caller by, reply<deletion_answer> done) override {
    const auto row = store_reader{kv}.workflow(request.workflow).value();
    deletion_answer answer;
    answer.version = row ? row->version : 0;
    answer.stale = !request.condition.holds(request.workflow, answer.version);
    if (request.dry_run)
      answer.refused = keeping_reasons;
    finish<deletion_answer>((request.dry_run ? "would delete " : "delete ") + request.workflow,
                            std::move(by), std::move(answer), done);
  }
  std::vector<problem> keeping_reasons; ///< What a dry run of a deletion tells.
  void folder_read(std::string, std::vector<std::string>) override {}
  void trigger(trigger_request request, caller by, reply<trigger_answer> done) override {
    triggered = std::move(request);
    finish<trigger_answer>("trigger", std::move(by), {next_run, false}, done);
  }
  void operate(run_id run, run_operation asked, caller by, reply<operation_answer> done) override {
    operation = std::move(asked);
    finish<operation_answer>("operate " + to_string(run), std::move(by), {1}, done);
  }
  void pause(pause_target what, caller by, reply<operation_answer> done) override {
    target = std::move(what);
    finish<operation_answer>("pause", std::move(by), {1}, done);
  }
  void resume(pause_target what, catch_up which, caller by, reply<operation_answer> done) override {
    target = std::move(what);
    owed = which;
    finish<operation_answer>("resume", std::move(by), {1}, done);
  }
  void make_slot(slot_request request, caller by, reply<trigger_answer> done) override {
    asked_slot = std::move(request);
    finish<trigger_answer>("make_slot", std::move(by), {next_run, false}, done);
  }
  void set_pool(pool_request request, caller by, reply<operation_answer> done) override {
    pool_sizes.push_back(request);
    finish<operation_answer>("set_pool", std::move(by), {1}, done);
  }
  void switch_task(switch_request request, caller by, reply<operation_answer> done) override {
    switched = std::move(request);
    finish<operation_answer>("switch_task", std::move(by), {2}, done);
  }
  void preview_backfill(backfill_request request, reply<backfill_preview> done) override {
    asked_backfill = std::move(request);
    finish<backfill_preview>("preview_backfill", {}, previewed, done);
  }
  void backfill(backfill_request request, caller by, reply<backfill_record> done) override {
    asked_backfill = std::move(request);
    backfill_record made;
    made.id = 12;
    made.workflow = asked_backfill.workflow;
    made.trigger = asked_backfill.trigger;
    finish<backfill_record>("backfill", std::move(by), std::move(made), done);
  }
  void steer_backfill(std::uint64_t id, backfill_verb verb, caller by,
                      reply<operation_answer> done) override {
    const auto* const word = verb == backfill_verb::pause    ? "pause b"
                             : verb == backfill_verb::resume ? "resume b"
                                                             : "cancel b";
    finish<operation_answer>(word + std::to_string(id), std::move(by), {3}, done);
  }
  void hold(caller by, reply<operation_answer> done) override {
    finish<operation_answer>("hold", std::move(by), {0}, done);
  }
  void unhold(caller by, reply<operation_answer> done) override {
    finish<operation_answer>("unhold", std::move(by), {0}, done);
  }
  void keep_request(std::vector<kept_request> forgotten, std::optional<kept_request> now,
                    reply<std::uint64_t> done) override {
    if (keeping)
      return keeping->push_back([this, forgotten, now, done] { write(forgotten, now, done); });
    write(forgotten, now, done);
  }
  void write(const std::vector<kept_request>& forgotten, const std::optional<kept_request>& now,
             const reply<std::uint64_t>& done) {
    kv_batch rows;
    for (const auto& each : forgotten)
      erase_kept_request(rows, each);
    if (now)
      put_kept_request(rows, *now);
    kv.commit(std::move(rows), done);
  }
  /// Set: what is to be kept waits here.
  std::optional<std::vector<std::function<void()>>> keeping;
  void shutdown(bool stop_tasks, caller by, reply<operation_answer> done) override {
    finish<operation_answer>(stop_tasks ? "shutdown stop" : "shutdown leave", std::move(by), {0},
                             done);
  }
  void why_run(run_id, reply<why_answer> done) override { done(reasons); }
  void why_instance(instance_key, reply<why_answer> done) override { done(reasons); }
  void wheel(reply<wheel_answer> done) override { done(wheel_answer{}); }
  void pools(reply<std::vector<pool_status>> done) override {
    done(std::vector<pool_status>{{"", "slots", 4, 1, 0}, {"dw", "models", 2, 2, 3}});
  }
  void running(reply<std::vector<instance_key>> done) override { done(at_work); }
  void health(reply<health_answer> done) override { done(state); }
  void wait_run(run_id run, duration, reply<run_record> done) override {
    auto row = store_reader{kv}.run(run);
    if (row && row.value())
      done(std::move(*row.value()));
    else
      done(problem{errc::not_found, "no such run"});
  }
  const kv_port& store() const override { return kv; }
  change_feed& changes() const override { return feed; }
  const std::string& data_folder() const override { return folder; }

private:
  template <class T>
  void finish(const std::string& call, caller by, T answer, const reply<T>& done) {
    calls.push_back(call);
    last_caller = std::move(by);
    if (refusal)
      done(*refusal);
    else
      done(std::move(answer));
  }
};

/// The API over a fake engine whose store holds workflow `dw.load`: `first`, then `train` (a
/// fan-out) and `side`, then `last`; in Shanghai, with a trigger `nightly` at 02:00.
class api_fixture {
public:
  static constexpr std::int64_t slot_us = 1'795'370'400'000'000; ///< 2026-11-22T18:00Z
  fake_engine engine;
  manual_clock clock{from_us(slot_us + 3'600'000'000)};
  router api = make_api({&engine, &clock, nullptr, nullptr, {}, ""});

  api_fixture() { apply(definition()); }

  static workflow_definition definition() {
    workflow_definition made;
    made.project = "dw";
    made.name = "load";
    made.owner = "ds";
    made.labels = {{"tier", "gold"}};
    made.timezone = "Asia/Shanghai";
    made.tasks.resize(4);
    made.tasks[0].name = "first";
    made.tasks[1].name = "train";
    made.tasks[1].needs = {0};
    made.tasks[1].for_each =
        fan_out{.variable = "x", .of = "[1]", .of_is_json = true, .groups_pool = {}, .key = {}};
    made.tasks[1].pools = {{"models", 1}};
    made.tasks[2].name = "side";
    made.tasks[2].needs = {0};
    made.tasks[3].name = "last";
    made.tasks[3].needs = {1, 2};
    trigger_definition nightly;
    nightly.id = "nightly";
    nightly.slots.when = cron_schedule{cron_expression::parse("0 2 * * *").value(),
                                       zone::load("Asia/Shanghai").value()};
    nightly.text = "0 2 * * *";
    made.triggers.push_back(std::move(nightly));
    return made;
  }

  void apply(const workflow_definition& made) {
    kv_batch batch;
    workflow_record workflow;
    workflow.id = made.id();
    workflow.version = 1;
    workflow.hash = "abc";
    put_workflow(batch, workflow);
    version_record version;
    version.workflow = made.id();
    version.version = 1;
    version.hash = "abc";
    version.definition = to_canonical_json(made);
    put_version(batch, version);
    for (const auto& one : made.triggers) {
      trigger_record trigger;
      trigger.workflow = made.id();
      trigger.trigger = one.id;
      put_trigger(batch, trigger);
    }
    commit(std::move(batch));
  }

  /// A running run whose `first` has succeeded and whose `train` has two elements.
  run_record add_run(std::uint64_t number, run_state state = run_state::running) {
    run_record run;
    run.id = {number};
    run.workflow = "dw.load";
    run.version = 1;
    run.trigger = "nightly";
    run.slot = from_us(slot_us) - std::chrono::days{static_cast<int>(10 - number)};
    run.interval_start = run.slot - std::chrono::days{1};
    run.interval_end = run.slot;
    run.state = state;
    run.why = reason::none;
    run.created_at = run.fired_at = run.started_at = run.slot;
    run.admitted = true;
    run.counts[static_cast<std::size_t>(instance_state::success)] = 1;
    run.counts[static_cast<std::size_t>(instance_state::running)] = 1;
    run.counts[static_cast<std::size_t>(instance_state::pre_ready)] = 1;
    run.counts[0] = 2;
    kv_batch batch;
    put_run(batch, run, nullptr);
    put_instance(batch, instance(run, 0, no_element, instance_state::success));
    put_instance(batch, instance(run, 1, 0, instance_state::running, "DEU"));
    put_instance(batch, instance(run, 1, 1, instance_state::pre_ready, "AUT"));
    commit(std::move(batch));
    return run;
  }

  /// A slot of `nightly`, so many days after that of run 10.
  static slot_record slot(int days, slot_outcome outcome) {
    slot_record made;
    made.workflow = "dw.load";
    made.trigger = "nightly";
    made.slot = from_us(slot_us) + std::chrono::days{days};
    made.outcome = outcome;
    made.version = 1;
    return made;
  }

  /// Writes slots that had no row before.
  void add_slots(const std::vector<slot_record>& slots) {
    kv_batch batch;
    for (const auto& each : slots)
      put_slot(batch, each, nullptr);
    commit(std::move(batch));
  }

  static instance_record instance(const run_record& run, std::uint32_t task, std::uint32_t element,
                                  instance_state state, std::string key = {}) {
    instance_record made;
    made.key = {run.id, task, element};
    made.state = state;
    made.why = reason::none;
    made.started_at = run.slot + std::chrono::seconds{1};
    if (is_terminal(state))
      made.ended_at = run.slot + std::chrono::seconds{3};
    made.element_key = std::move(key);
    return made;
  }

  void commit(kv_batch batch) {
    std::uint64_t next = 1;
    number_audit(batch, next);
    auto rows = change_feed::changes_of(batch);
    engine.kv.commit(std::move(batch), [&](const result<std::uint64_t>& number) {
      engine.feed.publish(number.value(), std::move(rows));
    });
  }

  struct answer {
    unsigned status = 0;
    json body;
    std::map<std::string, std::string> headers;
  };

  answer get(const std::string& target) { return send("GET", target, {}); }
  answer post(const std::string& target, const json& body) {
    return send("POST", target, to_text(body));
  }

  answer send(const std::string& method, const std::string& target, std::string body,
              std::map<std::string, std::string> headers = {}) {
    http_request request;
    request.headers = std::move(headers);
    request.method = method;
    request.user = "alice";
    request.body = std::move(body);
    const auto parsed = parse_target(target, request);
    REQUIRE(parsed);
    // An answer may come when nobody waits for it any more.
    const auto got = std::make_shared<answer>();
    api.dispatch(std::move(request), [got](const http_reply& reply) {
      got->status = reply.status;
      got->body = json::parse(reply.body, nullptr, false);
      got->headers = reply.headers;
    });
    return *got;
  }
};

} // namespace pinion::testing
