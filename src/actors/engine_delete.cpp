#include "actors/engine.hpp"

#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace pinion {

namespace {

bool calls(const workflow_definition& of, const std::string& workflow) {
  return std::any_of(of.tasks.begin(), of.tasks.end(), [&](const auto& task) {
    return task.type == task_type::workflow &&
           (task.call_workflow == workflow || of.project + '.' + task.call_workflow == workflow);
  });
}

problem still_there(const workflow_record& record) {
  return {errc::refused, record.id + " belongs to the file " + record.source,
          "Take it out of there first; the engine retires it then"};
}

/// Runs of a workflow by what they are at, of its counters.
result<std::int64_t> live_runs(const store_reader& store, const std::string& workflow) {
  BOOST_OUTCOME_TRY(counts, store.counts_of("main", workflow));
  std::int64_t live = 0;
  for (std::size_t state = 0; state < run_state_count; ++state)
    if (!is_terminal(static_cast<run_state>(state)) &&
        static_cast<run_state>(state) != run_state::planned)
      live += counts.by_state[state];
  return live;
}

} // namespace

// All of it at once, so that a person need not ask again for each.
result<std::vector<problem>> engine_state::keeps_from_deletion(const std::string& id) const {
  std::vector<problem> found;
  const auto& at = workflows.at(id);
  const store_reader store{*context->ports.kv};
  if (!context->retention)
    found.push_back({errc::refused, "this engine removes nothing", "It runs without retention"});
  if (!at.record.retired && !at.record.source.empty())
    found.push_back(still_there(at.record));
  BOOST_OUTCOME_TRY(live, live_runs(store, id));
  if (live > 0)
    found.push_back(
        {errc::refused, id + " has " + std::to_string(live) + " runs under way",
         "Wait for them or cancel them: pinionctl get runs --workflow " + id + " --state running"});
  backfill_filter of_it;
  of_it.workflow = id;
  page_request ask;
  ask.limit = 1'000;
  do {
    BOOST_OUTCOME_TRY(backfills, store.list_backfills(of_it, ask));
    for (const auto& each : backfills.items)
      if (!is_over(each.state))
        found.push_back({errc::refused, "the backfill b" + std::to_string(each.id) + " is not over",
                         "pinionctl cancel b" + std::to_string(each.id)});
    ask.cursor = backfills.next;
  } while (!ask.cursor.empty());
  BOOST_OUTCOME_TRY(elsewhere, store.has_open_items(id));
  if (elsewhere && found.empty())
    found.push_back({errc::refused, "a backfill still has slots of " + id + " to do",
                     "pinionctl get backfills"});
  for (const auto& [other, kept] : workflows)
    if (other != id && !kept.record.retired &&
        (upstream_workflows(*kept.definition).contains(id) || calls(*kept.definition, id))) {
      auto needs = other;
      found.push_back({errc::refused, needs.append(" needs ").append(id),
                       "Edit " + other + " first, or delete it too"});
    }
  return found;
}

void engine_state::delete_workflow(const msg::delete_workflow& what) {
  const auto found = workflows.find(what.request.workflow);
  if (found == workflows.end()) {
    what.done(problem{errc::not_found, "there is no workflow " + what.request.workflow,
                      "`pinionctl get workflows` lists them"});
    return;
  }
  deletion_answer out;
  out.version = found->second.record.version;
  out.stale = !what.request.condition.holds(what.request.workflow, out.version);
  auto refused = keeps_from_deletion(what.request.workflow);
  if (out.stale || !refused) {
    what.done(refused ? result<deletion_answer>{out} : refused.error());
    return;
  }
  if (what.request.dry_run) {
    out.refused = std::move(refused).value();
    what.done(std::move(out));
    return;
  }
  if (!refused.value().empty()) {
    auto why = refused.value().front();
    for (std::size_t i = 1; i < refused.value().size(); ++i)
      why.message += "; " + refused.value()[i].message;
    what.done(std::move(why));
    return;
  }
  // Not `refused`: that is kept under the request's Idempotency-Key, and asking again would not
  // help.
  const auto busy = [id = what.request.workflow, done = what.done] {
    done(problem{errc::unavailable, "something of " + id + " is just being decided", "Ask again"});
  };
  if (found->second.in_use.use_count() > 1) {
    busy();
    return;
  }
  self->request(found->second.actor, patience, msg::close_workflow{})
      .then(
          [this, what, busy](const msg::workflow_status& status) {
            if (status.live == 0)
              write_deletion(what);
            else
              busy();
          },
          [this, what](const caf::error& why) {
            // It may have closed all the same.
            if (const auto still = workflows.find(what.request.workflow); still != workflows.end())
              open_again(still->second);
            what.done(to_problem(why));
          });
}

void engine_state::open_again(const kept_workflow& of) {
  self->send(of.actor, msg::set_version{of.definition, of.record});
  if (!of.record.retired)
    self->send(context->planner, msg::plan_workflow{of.definition, of.record.version, true, false},
               of.actor);
}

// Its WORKFLOW is closed: nothing of it is written any more but what stands here.
void engine_state::write_deletion(const msg::delete_workflow& what) {
  const auto& id = what.request.workflow;
  const auto found = workflows.find(id);
  if (found == workflows.end()) {
    what.done(problem{errc::not_found, id + " has just been deleted", {}});
    return;
  }
  const store_reader store{*context->ports.kv};
  const auto refused = keeps_from_deletion(id);
  const auto runs = store.highest_run();
  const auto backfills = store.highest_backfill();
  const bool holds = what.request.condition.holds(id, found->second.record.version);
  if (!refused || !refused.value().empty() || !runs || !backfills || !holds ||
      found->second.in_use.use_count() > 1) {
    open_again(found->second); // Something came in between: it goes on as it was.
    what.done(problem{errc::unavailable, id + " has just been changed", "Ask again"});
    return;
  }
  auto at = std::move(found->second);
  workflows.erase(found);
  erasing.insert(id);
  share_definitions();
  at.record.retired = true;
  at.record.updated_at = context->now();
  msg::submit submit;
  put_deleted_workflow(submit.batch,
                       {id, at.record.version, what.by.who, what.by.reason, context->now(), false});
  put_given(submit.batch, runs.value(), backfills.value());
  put_workflow(submit.batch, at.record);
  audit_record audit;
  audit.at = context->now();
  audit.who = what.by.who;
  audit.verb = "delete";
  audit.object = id;
  audit.reason = what.by.reason;
  audit.details = "{\"version\":" + std::to_string(at.record.version) + '}';
  put_audit(submit.batch, audit, what.by.request.get());
  self->request(context->journal, caf::infinite, std::move(submit))
      .then([this, id, at = std::move(at), done = what.done](std::uint64_t) {
        spdlog::info("a workflow is deleted: workflow={} version={}", id, at.record.version);
        self->send(context->planner, msg::forget_workflow{id}, at.actor);
        self->send(context->directory, msg::slots_told{id, std::nullopt});
        // Once the PLANNER has answered it plans nothing of it any more.
        self->request(context->planner, caf::infinite, msg::wheel_query{})
            .then([this, id, actor = at.actor](const wheel_answer&) {
              self->unlink_from(actor);
              self->send_exit(actor, caf::exit_reason::user_shutdown);
              self->send(context->retention, msg::erase_workflow{id});
            });
        deletion_answer out;
        out.version = at.record.version;
        done(out);
      });
}

void engine_state::erased(const msg::workflow_erased& what) {
  auto waiting = std::exchange(applies_after_erasure, {});
  if (what.failed) {
    for (auto& each : waiting)
      each.done(problem{
          what.failed->code,
          what.workflow + " was deleted, and its history cannot be erased: " + what.failed->message,
          "`pinionctl store verify` names what is damaged"});
    return;
  }
  erasing.erase(what.workflow);
  context->set_switches(what.workflow, {});
  for (auto& each : waiting)
    apply(each);
}

// What an engine before this one did not get to.
bool engine_state::go_on_erasing() {
  const auto all = deleted_workflows(*context->ports.kv);
  if (!all) {
    context->ports.fatal("the deleted workflows cannot be read: " + all.error().message);
    return false;
  }
  for (const auto& each : all.value()) {
    if (each.erased)
      continue;
    erasing.insert(each.workflow);
    if (context->retention)
      self->send(context->retention, msg::erase_workflow{each.workflow});
  }
  return true;
}

} // namespace pinion
