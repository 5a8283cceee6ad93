#include "actors/retention.hpp"

#include "actors/crash.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <spdlog/spdlog.h>

namespace pinion {
namespace {

std::string project_of(const std::string& workflow) {
  return workflow.substr(0, workflow.find('.'));
}

} // namespace

void retention_state::wait(duration time) {
  timer_ = context->new_timer();
  self->send(context->timekeeper, msg::arm_steady{timer_, time},
             caf::actor_cast<timer_client>(self));
}

void retention_state::due(std::uint64_t id) {
  if (id == timer_)
    begin_pass();
}

void retention_state::begin_pass() {
  now_ = context->now();
  sum_ = {};
  folders_removed_.clear();
  history_ages ages;
  ages.of = [with = context](const std::string& project) {
    return with->options.retention->history.of(project);
  };
  ages.shortest = keep().history.least();
  ages.longest = keep().history.most();
  const auto highest = store_reader{*context->ports.kv}.highest_run();
  if (!highest) {
    spdlog::error("what is older than it is kept cannot be removed: {}", highest.error().message);
    end_pass();
    return;
  }
  highest_ = highest.value();
  expire_from({now_, std::move(ages)});
}

// Who opens a run that has ended may let it go on, and for that it must be whole. Those opened
// later the journal refuses to erase.
void retention_state::expire_from(history_expiry where) {
  self->request(context->journal, caf::infinite, msg::opened_runs_query{})
      .then([this, where = std::move(where)](msg::opened_runs& opened) mutable {
        where.spare(std::move(opened.runs));
        history_ = std::move(where);
        expire_rows();
      });
}

void retention_state::go_on() {
  if (history_)
    expire_rows();
  else
    judge_folders();
}

void retention_state::erase(const std::string& workflow) {
  erasing_.push_back(workflow);
  // Between two steps of a pass it has its turn.
  if (!history_ && !erasing_now_)
    begin_erasing();
}

void retention_state::begin_erasing() {
  erasing_now_ = true;
  msg::submit nothing;
  nothing.bulk = true;
  self->request(context->journal, caf::infinite, std::move(nothing)).then([this](std::uint64_t) {
    erase_next();
  });
}

void retention_state::erase_next() {
  if (erasing_.empty()) {
    erasing_now_ = false;
    if (history_)
      expire_rows();
    return;
  }
  const auto workflow = erasing_.front();
  const auto row = find_deleted_workflow(*context->ports.kv, workflow);
  auto step = row && row.value() && !row.value()->erased
                  ? erase_workflow_step(*context->ports.kv, *row.value())
                  : result<erasure_step>{row ? problem{errc::not_found, "it is not deleted", {}}
                                             : row.error()};
  if (!step) {
    // A damaged row must not end an engine that can do without the room.
    spdlog::error("a deleted workflow cannot be erased: workflow={} {}", workflow,
                  step.error().message);
    self->send(context->engine, msg::workflow_erased{workflow, step.error()});
    erasing_.pop_front();
    erase_next();
    return;
  }
  msg::submit erase;
  erase.batch = std::move(step.value().batch);
  erase.bulk = true;
  self->request(context->journal, caf::infinite, std::move(erase))
      .then([this, workflow, runs = std::move(step.value().runs),
             over = step.value().over](std::uint64_t) {
        // What a crash leaves here a pass finds: folders of runs that nobody knows any more.
        if (auto* files = context->ports.files; files != nullptr && !runs.empty())
          for (const auto kind : {run_folder_kind::logs, run_folder_kind::workspace})
            files->remove(kind, runs, [](std::uint64_t) {});
        if (over) {
          spdlog::info("a deleted workflow is erased: workflow={}", workflow);
          erasing_.pop_front();
          self->send(context->engine, msg::workflow_erased{workflow, std::nullopt});
        }
        erase_next();
      });
}

void retention_state::expire_rows() {
  if (erasing_now_)
    return;
  if (!erasing_.empty()) {
    begin_erasing();
    return;
  }
  auto before = *history_;
  auto step = history_->next(*context->ports.kv);
  if (!step) {
    // A damaged row must not end an engine that can do without the room.
    spdlog::error("history cannot be removed by its age: {}", step.error().message);
    end_pass();
    return;
  }
  auto& made = step.value();
  if (made.batch.empty()) {
    end_step(made);
  } else {
    msg::submit erase;
    erase.batch = std::move(made.batch);
    erase.bulk = true;
    erase.expiry = true;
    made.batch = {};
    self->request(context->journal, caf::infinite, std::move(erase))
        .then([this, made](std::uint64_t) { end_step(made); },
              [this, before](const caf::error&) { expire_from(before); });
  }
}

void retention_state::end_step(const expiry_step& made) {
  add_up(made);
  if (made.over) {
    history_.reset();
    ask_for_folders(run_folder_kind::logs);
  } else if (made.runs + made.slots + made.backfills + made.audit == 0) {
    self->send(self, msg::flush{}); // Others have their turn.
  } else {
    go_on();
  }
}

void retention_state::add_up(const expiry_step& made) {
  sum_.runs += made.runs;
  sum_.slots += made.slots;
  sum_.backfills += made.backfills;
  sum_.audit += made.audit;
}

void retention_state::ask_for_folders(run_folder_kind kind) {
  auto* files = context->ports.files;
  if (files == nullptr) {
    end_pass();
    return;
  }
  kind_ = kind;
  folders_.clear();
  gone_.clear();
  kept_.clear();
  judged_ = 0;
  const auto me = caf::actor_cast<retention_actor>(self);
  files->list(kind, keep().log_bytes.most() != 0 && kind == run_folder_kind::logs,
              [me](result<std::vector<run_folder>> found) {
                caf::anon_send(me, msg::run_folders{std::move(found)});
              });
}

void retention_state::listed(const msg::run_folders& what) {
  if (!what.found) {
    spdlog::error("folders of runs cannot be listed: {}", what.found.error().message);
    end_pass();
    return;
  }
  folders_ = what.found.value();
  judge_folders();
}

void retention_state::judge_folders() {
  const auto upto = std::min(folders_.size(), judged_ + folders_at_once);
  for (; judged_ < upto; ++judged_) {
    judged_folder at{folders_[judged_], {}, never};
    const auto expired = is_expired(at);
    if (!expired) {
      spdlog::error("a run cannot be read, what it has on the disk stays: {}",
                    expired.error().message);
      continue;
    }
    if (expired.value())
      gone_.push_back(std::move(at));
  }
  if (judged_ < folders_.size()) {
    self->send(self, msg::flush{});
    return;
  }
  keep_below_limits();
  remove_next();
}

result<bool> retention_state::is_expired(judged_folder& at) {
  BOOST_OUTCOME_TRY(run, store_reader{*context->ports.kv}.run(at.folder.run));
  if (!run)
    return at.folder.run <= highest_; // Its history is gone, so nobody can ask for it any more.
  at.workflow = run->workflow;
  at.ended_at = run->ended_at;
  if (!is_terminal(run->state) || run->ended_at == never)
    return false;
  const auto project = project_of(run->workflow);
  const auto& ages = kind_ == run_folder_kind::logs     ? keep().logs
                     : run->state == run_state::success ? keep().workspaces
                                                        : keep().failed_workspaces;
  if (run->ended_at + ages.of(project) < now_)
    return true;
  if (kind_ == run_folder_kind::logs && keep().log_bytes.of(project) != 0) {
    auto& logs = kept_[project];
    logs.ended.push_back(at);
    logs.bytes += at.folder.bytes;
  }
  return false;
}

void retention_state::keep_below_limits() {
  for (auto& [project, logs] : kept_) {
    const auto limit = keep().log_bytes.of(project);
    for (auto& at : logs.ended) {
      if (logs.bytes <= limit)
        break;
      logs.bytes -= at.folder.bytes;
      gone_.push_back(std::move(at));
    }
  }
  kept_.clear();
}

void retention_state::remove_next() {
  if (gone_.empty()) {
    if (kind_ == run_folder_kind::logs)
      ask_for_folders(run_folder_kind::workspace);
    else
      end_pass();
    return;
  }
  const auto remove = [this] {
    const auto me = caf::actor_cast<retention_actor>(self);
    context->ports.files->remove(kind_, {gone_.front().folder.run}, [me](std::uint64_t count) {
      caf::anon_send(me, msg::folders_removed{count});
    });
  };
  const auto& at = gone_.front();
  if (at.workflow.empty()) {
    remove();
    return;
  }
  self->request(context->engine, caf::infinite, msg::seal_run{at.workflow, at.folder.run})
      .then(
          [this, remove](bool sealed) {
            if (sealed && still_ended(gone_.front()))
              remove();
            else
              removed({0});
          },
          // Its WORKFLOW crashed: the next pass comes back to it.
          [this](const caf::error&) { removed({0}); });
}

bool retention_state::still_ended(const judged_folder& at) const {
  const auto run = store_reader{*context->ports.kv}.run(at.folder.run);
  return run && (!run.value() ||
                 (is_terminal(run.value()->state) && run.value()->ended_at == at.ended_at));
}

void retention_state::removed(const msg::folders_removed& what) {
  folders_removed_[kind_] += what.count;
  const auto at = std::move(gone_.front());
  gone_.pop_front();
  if (!at.workflow.empty())
    self->send(context->engine, msg::unseal_run{at.workflow, at.folder.run});
  remove_next();
}

void retention_state::end_pass() {
  history_.reset();
  folders_ = {};
  const auto logs = folders_removed_[run_folder_kind::logs];
  const auto workspaces = folders_removed_[run_folder_kind::workspace];
  if (sum_.runs + sum_.slots + sum_.backfills + sum_.audit + logs + workspaces)
    spdlog::info("removed by age or size: runs={} slots={} backfills={} audit={} logs={} "
                 "workspaces={}",
                 sum_.runs, sum_.slots, sum_.backfills, sum_.audit, logs, workspaces);
  wait(period);
}

retention_actor::behavior_type retention(retention_actor::stateful_pointer<retention_state> self,
                                         context_ptr context) {
  auto& state = self->state;
  state.self = self;
  self->set_exception_handler(log_crash);
  state.context = std::move(context);
  state.wait(retention_state::first_pass);
  return {
      [self](const msg::timer_due& what) { self->state.due(what.id); },
      [self](const msg::erase_workflow& what) { self->state.erase(what.workflow); },
      [self](const msg::flush&) { self->state.go_on(); },
      [self](const msg::run_folders& what) { self->state.listed(what); },
      [self](const msg::folders_removed& what) { self->state.removed(what); },
  };
}

} // namespace pinion
