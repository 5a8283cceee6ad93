#include "pinion/actors/engine.hpp"

#include "actors/alerts.hpp"
#include "actors/backfills.hpp"
#include "actors/directory.hpp"
#include "actors/dispatcher.hpp"
#include "actors/engine.hpp"
#include "actors/journal.hpp"
#include "actors/planner.hpp"
#include "actors/retention.hpp"
#include "actors/timekeeper.hpp"
#include "actors/worker.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/model/mutation.hpp"
#include "pinion/storage/epoch.hpp"
#include "pinion/storage/pool_overrides.hpp"
#include "pinion/storage/store_reader.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <condition_variable>

namespace pinion {

namespace {

/// Turns calls into messages to the ENGINE.
class actor_client final : public engine_client {
public:
  explicit actor_client(context_ptr context) : context_{std::move(context)} {}

  void apply(apply_request request, caller by, reply<apply_answer> done) override {
    tell(msg::apply{std::move(request), std::move(by), msg::answer{std::move(done)}});
  }
  void folder_read(std::string origin, std::vector<std::string> problems) override {
    tell(msg::folder_read{std::move(origin), std::move(problems)});
  }
  void delete_workflow(deletion_request request, caller by, reply<deletion_answer> done) override {
    tell(msg::delete_workflow{std::move(request), std::move(by), msg::answer{std::move(done)}});
  }
  void trigger(trigger_request request, caller by, reply<trigger_answer> done) override {
    tell(msg::trigger{std::move(request), std::move(by), msg::answer{std::move(done)}});
  }
  void operate(run_id run, run_operation operation, caller by,
               reply<operation_answer> done) override {
    tell(msg::operate{run, std::move(operation), std::move(by), msg::answer{std::move(done)}});
  }
  void pause(pause_target target, caller by, reply<operation_answer> done) override {
    tell(msg::pause{std::move(target), std::move(by), msg::answer{std::move(done)}});
  }
  void resume(pause_target target, catch_up owed, caller by,
              reply<operation_answer> done) override {
    tell(msg::resume{std::move(target), owed, std::move(by), msg::answer{std::move(done)}});
  }
  void make_slot(slot_request request, caller by, reply<trigger_answer> done) override {
    tell(msg::make_one_slot{std::move(request), std::move(by), msg::answer{std::move(done)}});
  }
  void switch_task(switch_request request, caller by, reply<operation_answer> done) override {
    tell(msg::switch_one_task{std::move(request), std::move(by), msg::answer{std::move(done)}});
  }
  void set_pool(pool_request request, caller by, reply<operation_answer> done) override {
    tell(msg::set_one_pool{std::move(request), std::move(by), msg::answer{std::move(done)}});
  }
  void preview_backfill(backfill_request request, reply<backfill_preview> done) override {
    tell(msg::preview_backfill{std::move(request), msg::answer{std::move(done)}});
  }
  void backfill(backfill_request request, caller by, reply<backfill_record> done) override {
    tell(msg::backfill{std::move(request), std::move(by), msg::answer{std::move(done)}, {}});
  }
  void steer_backfill(std::uint64_t id, backfill_verb verb, caller by,
                      reply<operation_answer> done) override {
    tell(msg::steer_backfill{id, verb, std::move(by), msg::answer{std::move(done)}});
  }
  void hold(caller by, reply<operation_answer> done) override {
    tell(msg::hold{true, std::move(by), msg::answer{std::move(done)}});
  }
  void unhold(caller by, reply<operation_answer> done) override {
    tell(msg::hold{false, std::move(by), msg::answer{std::move(done)}});
  }
  void keep_request(std::vector<kept_request> forgotten, std::optional<kept_request> now,
                    reply<std::uint64_t> done) override {
    kv_batch rows;
    for (const auto& each : forgotten)
      erase_kept_request(rows, each);
    if (now)
      put_kept_request(rows, *now);
    tell(msg::keep_requests{std::move(rows), msg::answer{std::move(done)}});
  }
  void shutdown(bool stop_tasks, caller by, reply<operation_answer> done) override {
    tell(msg::shutdown{stop_tasks, std::move(by), msg::answer{std::move(done)}});
  }
  void why_run(run_id run, reply<why_answer> done) override {
    tell(msg::why{run, std::nullopt, msg::answer{std::move(done)}});
  }
  void why_instance(instance_key key, reply<why_answer> done) override {
    tell(msg::why{key.run, key, msg::answer{std::move(done)}});
  }
  void wheel(reply<wheel_answer> done) override { tell(msg::wheel{msg::answer{std::move(done)}}); }
  void pools(reply<std::vector<pool_status>> done) override {
    tell(msg::pools{msg::answer{std::move(done)}});
  }
  void running(reply<std::vector<instance_key>> done) override {
    tell(msg::running{msg::answer{std::move(done)}});
  }
  void health(reply<health_answer> done) override {
    tell(msg::health{msg::answer{std::move(done)}});
  }
  void wait_run(run_id run, duration at_most, reply<run_record> done) override {
    tell(msg::wait_run{run, at_most, msg::answer{std::move(done)}});
  }
  const kv_port& store() const override { return *context_->ports.kv; }
  change_feed& changes() const override { return context_->changes; }
  const std::string& data_folder() const override { return context_->options.data_folder; }

private:
  // A message that meets a dead ENGINE is dropped with its answer, which then says "unavailable".
  template <class Message>
  void tell(Message what) {
    caf::anon_send(context_->engine, std::move(what));
  }

  context_ptr context_;
};

class actor_engine final : public engine {
public:
  actor_engine(caf::actor_system& system, context_ptr context)
      : system_{system}, context_{context}, client_{context} {}

  ~actor_engine() override { context_->disconnect(); }

  engine_client& client() override { return client_; }

  void stop() override {
    caf::anon_send_exit(context_->engine, caf::exit_reason::user_shutdown);
    if (context_->retention)
      caf::anon_send_exit(context_->retention, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(context_->backfills, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(context_->planner, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(context_->directory, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(context_->alerts, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(context_->dispatcher, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(context_->worker, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(context_->timekeeper, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(context_->journal, caf::exit_reason::user_shutdown);
    const auto policy = caf::get_or(system_.config(), "scheduler.policy", caf::atom("sharing"));
    if (policy != caf::atom("testing"))
      system_.await_all_actors_done();
  }

private:
  caf::actor_system& system_;
  context_ptr context_;
  actor_client client_;
};

result<std::uint64_t> take_epoch(kv_port& kv) {
  // The only wait in the engine, before any actor exists; a kv for tests answers at once.
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<result<std::uint64_t>> taken;
  next_epoch(kv, [&](result<std::uint64_t> epoch) {
    const std::lock_guard lock{mutex};
    taken = std::move(epoch);
    changed.notify_one();
  });
  std::unique_lock lock{mutex};
  changed.wait(lock, [&] { return taken.has_value(); });
  return *taken;
}

} // namespace

void configure_actors(caf::actor_system_config& config, unsigned threads) {
  // Measured: the default policy, stealing, walks its whole queue for each job it takes.
  config.set("scheduler.policy", caf::atom("sharing"));
  if (threads == 0)
    threads = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
  config.set("scheduler.max-threads", static_cast<std::size_t>(threads));
  config.set("scheduler.max-throughput", std::size_t{200});
}

result<std::unique_ptr<engine>> start_engine(caf::actor_system& system, engine_ports ports,
                                             engine_options options, std::function<void()> ended) {
  auto& kv = *ports.kv;
  auto taken = take_epoch(kv);
  if (!taken && PINION_MUTATION("start_without_an_epoch"))
    taken = current_epoch(kv);
  BOOST_OUTCOME_TRY(epoch, std::move(taken));
  const store_reader store{kv};
  BOOST_OUTCOME_TRY(highest, store.highest_run());
  BOOST_OUTCOME_TRY(last_audit, store.last_audit());
  BOOST_OUTCOME_TRY(highest_backfill, store.highest_backfill());
  BOOST_OUTCOME_TRY(held, kv.get(family::meta, held_row));
  auto context = std::make_shared<engine_context>(std::move(ports), std::move(options), epoch);
  context->runs_exist_up_to(highest);
  // Before any actor: owed alarms and pools' names need them at once.
  BOOST_OUTCOME_TRY(overrides, pool_overrides(kv));
  for (const auto& each : overrides)
    context->set_pool_size(each.project, each.pool, each.permits);
  BOOST_OUTCOME_TRY(projects, store.projects());
  for (const auto& [_, json] : projects) {
    BOOST_OUTCOME_TRY(settings, settings_from_canonical_json(json));
    context->set_settings(std::move(settings));
  }
  context->journal = system.spawn(journal, context, last_audit + 1);
  context->timekeeper = system.spawn(timekeeper, context);
  context->worker = system.spawn(worker, context);
  context->dispatcher = system.spawn(dispatcher, context, held.has_value());
  context->alerts = system.spawn(alerts, context);
  context->directory = system.spawn(directory, context);
  context->planner = system.spawn(planner, context);
  context->backfills = system.spawn(backfills, context, highest_backfill);
  if (context->options.retention)
    context->retention = system.spawn(retention, context);
  context->engine = system.spawn(engine_door, context, held.has_value(), std::move(ended));
  // Only now may it make children: they read the context.
  caf::anon_send(context->engine, msg::start_up{});
  return std::unique_ptr<engine>{std::make_unique<actor_engine>(system, context)};
}

} // namespace pinion
