#include "actors/engine.hpp"

#include "actors/alerts.hpp"
#include "actors/dispatcher.hpp"
#include "actors/planner.hpp"
#include "actors/worker.hpp"
#include "pinion/definitions/canonical.hpp"
#include "pinion/model/mutation.hpp"
#include "pinion/storage/store_reader.hpp"

#include <map>
#include <optional>
#include <spdlog/spdlog.h>
#include <unordered_map>

namespace pinion {

namespace {

/// The definitions to which runs are pinned, each read once.
class version_reader {
public:
  explicit version_reader(const store_reader& store) : store_{store} {}

  /// Null if it cannot be read: the run's own actor will say so.
  const workflow_definition* of(const run_record& run) {
    const auto [at, fresh] = known_.try_emplace({run.workflow, run.version});
    if (fresh)
      if (const auto row = store_.version(run.workflow, run.version); row && row.value())
        if (auto read = from_canonical_json(row.value()->definition))
          at->second = std::move(read).value();
    return at->second ? &*at->second : nullptr;
  }

private:
  const store_reader& store_;
  std::map<std::pair<std::string, std::uint32_t>, std::optional<workflow_definition>> known_;
};

} // namespace

void engine_state::start_up() {
  started_at = context->now();
  // Their loss comes here as an exit message and ends the process: see interfaces.hpp.
  self->link_to(context->journal);
  self->link_to(context->timekeeper);
  self->link_to(context->dispatcher);
  self->link_to(context->worker);
  self->link_to(context->planner);
  self->link_to(context->alerts);
  self->link_to(context->directory);
  self->link_to(context->backfills);
  if (context->retention)
    self->link_to(context->retention);
  self->set_exit_handler([this](caf::exit_msg& what) {
    if (what.reason == caf::exit_reason::user_shutdown)
      self->quit(what.reason);
    else
      workflow_down(what.source, what.reason);
  });
  if (!recover())
    return;
  restoring = workflows.size();
  if (restoring == 0)
    self->send(self, msg::recovered{});
  // Each answers once its runs have their actors again.
  const auto one_less = [this] {
    if (--restoring == 0)
      self->send(self, msg::recovered{});
  };
  for (const auto& [_, each] : workflows)
    self->request(each.actor, caf::infinite, msg::workflow_query{})
        .then([one_less](const msg::workflow_status&) { one_less(); },
              [one_less](const caf::error&) { one_less(); });
}

void engine_state::end_recovery() {
  recovery_over = true;
  recovery = context->now() - started_at;
  std::int64_t live = 0;
  if (const auto counts = store_reader{*context->ports.kv}.counts("main"))
    for (const auto& each : counts.value())
      live += each.by_state[static_cast<std::size_t>(run_state::queued)] +
              each.by_state[static_cast<std::size_t>(run_state::running)];
  spdlog::info("recovered: workflows={} live_runs={} duration_ms={}", workflows.size(), live,
               recovery / std::chrono::milliseconds{1});
  self->send(context->backfills, msg::recovered{});
  pay_catch_up();
  claim_timer = context->new_timer();
  self->send(context->timekeeper, msg::arm_steady{claim_timer, claim_time},
             caf::actor_cast<timer_client>(self));
}

void engine_state::share_definitions() {
  known_definitions::map all;
  for (const auto& [id, at] : workflows)
    if (!at.record.retired)
      all[id] = at.definition;
  context->set_definitions(std::move(all));
}

bool engine_state::recover() {
  const store_reader store{*context->ports.kv};
  const auto fail = [&](const problem& why) {
    context->ports.fatal("the store cannot be recovered: " + why.message);
    return false;
  };
  const auto projects = store.projects();
  if (!projects)
    return fail(projects.error());
  for (const auto& [_, json] : projects.value()) {
    auto settings = settings_from_canonical_json(json);
    if (!settings)
      return fail(settings.error());
    const auto& project = settings.value().project;
    self->send(context->dispatcher, msg::set_pools{project, context->settings(project)->pools});
  }
  auto live = restore_permits();
  if (!live)
    return false;
  const auto rows = store.workflows();
  if (!rows)
    return fail(rows.error());
  if (!go_on_erasing())
    return false;
  for (const auto& row : rows.value()) {
    if (erasing.contains(row.id))
      continue;
    const auto version = store.version(row.id, row.version);
    if (!version || !version.value())
      return fail({errc::corrupt,
                   "version " + std::to_string(row.version) + " of " + row.id + " is missing",
                   {}});
    auto definition = from_canonical_json(version.value()->definition);
    if (!definition)
      return fail(definition.error());
    auto& at = workflows[row.id];
    at.record = row;
    at.definition = std::make_shared<const workflow_definition>(std::move(definition).value());
  }
  // Each may need to know the others.
  share_definitions();
  for (auto& [id, at] : workflows)
    start_workflow(at, false, std::move((*live)[id]));
  return true;
}

void engine_state::start_workflow(kept_workflow& of, bool again, std::vector<run_record> live) {
  of.actor = self->spawn<caf::linked>(
      workflow, workflow_seed{context, of.record, of.definition, again, std::move(live)});
  if (!of.record.retired)
    self->send(context->planner, msg::plan_workflow{of.definition, of.record.version, false, false},
               of.actor);
  else // The engine may have died before the plan followed.
    self->send(context->planner, msg::forget_workflow{of.record.id}, of.actor);
}

// The ledger of permits is what the rows say: an attempt that may be alive holds its slot.
std::optional<std::map<std::string, std::vector<run_record>>> engine_state::restore_permits() {
  std::map<std::string, std::vector<run_record>> by_workflow;
  const store_reader store{*context->ports.kv};
  const auto live = store.live_runs();
  if (!live) {
    context->ports.fatal("the live runs cannot be read: " + live.error().message);
    return std::nullopt;
  }
  version_reader definitions{store};
  for (const auto& run : live.value()) {
    const auto instances = store.instances_of(run.id);
    const auto attempts = store.newest_attempts_of(run.id);
    if (!instances || !attempts) {
      context->ports.fatal("the rows of " + to_string(run.id) + " cannot be read");
      return std::nullopt;
    }
    std::unordered_map<instance_key, const attempt_record*> newest;
    for (const auto& attempt : attempts.value())
      if (attempt.state != attempt_state::ended)
        newest[attempt.instance] = &attempt;
    for (const auto& at : instances.value()) {
      const auto attempt = newest.find(at.key);
      if (!is_active(at.state) || attempt == newest.end())
        continue;
      const auto project = run.workflow.substr(0, run.workflow.find('.'));
      const auto* definition = definitions.of(run);
      self->send(context->dispatcher,
                 msg::restore_permits{at.key, project, attempt->second->permits,
                                      definition != nullptr ? limits_of(*definition, at.key.task)
                                                            : std::vector<task_limit>{},
                                      !attempt->second->worker.empty()});
    }
    if (PINION_MUTATION("forget_a_run_on_restart") && &run == &live.value().front())
      continue;
    by_workflow[run.workflow].push_back(run);
  }
  return by_workflow;
}

} // namespace pinion
