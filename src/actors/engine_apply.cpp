#include "actors/engine.hpp"

#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/reference_check.hpp"
#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace pinion {

namespace {

/// What one apply does, worked out before anything is written.
struct apply_plan {
  struct change {
    std::string id;
    workflow_record record;
    std::shared_ptr<const workflow_definition> definition;
    bool fresh_version = false;
    bool replan = false;
    std::optional<bool> from_tomorrow = {}; ///< Of what it needs; empty: as its own edits.

    bool next_day() const {
      return from_tomorrow.value_or(definition && definition->edits == edit_mode::next_day);
    }
  };
  std::vector<change> changes;
  std::vector<project_settings> projects;
  kv_batch batch;
  apply_answer answer;
};

class apply_planner {
public:
  apply_planner(const engine_context& context, const apply_request& request, const caller& by,
                const std::map<std::string, engine_state::kept_workflow>& known)
      : context_{context}, request_{request}, by_{by}, known_{known}, store_{*context.ports.kv} {}

  /// The first workflow of the set whose name is still being erased.
  static const workflow_definition* still_erased(const apply_request& request,
                                                 const std::set<std::string>& erasing) {
    const auto found = std::find_if(request.workflows.begin(), request.workflows.end(),
                                    [&](const auto& each) { return erasing.contains(each.id()); });
    return found == request.workflows.end() ? nullptr : &*found;
  }

  result<apply_plan> work() {
    check_condition();
    if (!plan_.answer.stale.empty())
      return std::move(plan_);
    for (const auto& settings : request_.projects) {
      BOOST_OUTCOME_TRY(take_settings(settings));
    }
    for (const auto& definition : request_.workflows) {
      BOOST_OUTCOME_TRY(request_.unlisted ? take_unlisted(definition) : take(definition));
    }
    retire_vanished();
    BOOST_OUTCOME_TRY(check_set());
    replan_changed_projects();
    replan_dependents();
    if (!plan_.batch.empty())
      record_audit();
    return std::move(plan_);
  }

private:
  void check_condition() {
    for (const auto& definition : request_.workflows) {
      const auto found = known_.find(definition.id());
      const auto present = found == known_.end() ? 0 : found->second.record.version;
      if (!request_.condition.holds(definition.id(), present))
        plan_.answer.stale.emplace_back(definition.id(), present);
    }
  }

  result<void> take_settings(const project_settings& settings) {
    auto json = to_canonical_json(settings);
    BOOST_OUTCOME_TRY(before, store_.project(settings.project));
    if (before && *before == json)
      return ok();
    if (before) {
      auto old = settings_from_canonical_json(*before);
      if (!old || old.value().triggers_enabled != settings.triggers_enabled)
        replan_.insert(settings.project);
    }
    put_project(plan_.batch, settings.project, json);
    plan_.projects.push_back(settings);
    return ok();
  }

  // A workflow belongs to one origin: whoever wants to move it must take it away there first.
  result<void> check_owner(const workflow_definition& definition, const workflow_record& has) {
    if (has.retired)
      return ok();
    if (request_.origin.empty() && !has.source.empty())
      return problem{errc::refused, definition.id() + " belongs to the file " + has.source,
                     "edit that file; the engine reads it by itself"};
    if (!request_.origin.empty() && has.source.empty())
      return problem{errc::refused,
                     definition.id() + " was applied over the API, but " + definition.source_file +
                         " defines it too",
                     "remove one of the two"};
    return ok();
  }

  /// One of this name was deleted: versions go on behind its last one.
  result<void> go_on_behind_deleted(workflow_record& record, const std::string& id) {
    BOOST_OUTCOME_TRY(before, find_deleted_workflow(*context_.ports.kv, id));
    if (before) {
      record.version = before->version;
      forget_deleted_workflow(plan_.batch, id);
    }
    return ok();
  }

  result<void> take(const workflow_definition& definition) {
    const auto id = definition.id();
    seen_.insert(id);
    const auto found = known_.find(id);
    apply_plan::change change;
    change.id = id;
    if (found != known_.end()) {
      if (!request_.dry_run) {
        BOOST_OUTCOME_TRY(check_owner(definition, found->second.record));
      }
      change.record = found->second.record;
    } else {
      BOOST_OUTCOME_TRY(go_on_behind_deleted(change.record, id));
    }
    const auto hash = definition_hash(definition);
    const auto source = request_.origin.empty() ? std::string{} : definition.source_file;
    const bool same = found != known_.end() && change.record.hash == hash;
    if (same && !change.record.retired && change.record.source == source) {
      plan_.answer.changes.push_back(
          {id, change.record.version, apply_change::kind::unchanged, {}});
      return ok();
    }
    change.record.id = id;
    change.record.source = source;
    change.record.hash = hash;
    change.record.updated_at = context_.now();
    change.replan = !same || change.record.retired;
    change.record.retired = false;
    change.definition =
        same ? found->second.definition : std::make_shared<const workflow_definition>(definition);
    if (!same) {
      ++change.record.version;
      change.fresh_version = true;
      put_version(plan_.batch, {id, change.record.version, hash, to_canonical_json(definition),
                                context_.now(), by_.who});
    }
    put_workflow(plan_.batch, change.record);
    if (change.replan) {
      const bool later = definition.edits == edit_mode::next_day && found != known_.end();
      put_rule_from(plan_.batch, id, later ? tomorrow_of(definition) : never);
    }
    const bool returns = found != known_.end() && found->second.record.retired;
    BOOST_OUTCOME_TRY(put_triggers(definition, returns));
    plan_.answer.changes.push_back(
        {id,
         change.record.version,
         found == known_.end() ? apply_change::kind::created : apply_change::kind::updated,
         {}});
    plan_.changes.push_back(std::move(change));
    return ok();
  }

  result<void> take_unlisted(const workflow_definition& definition) {
    const auto id = definition.id();
    const auto hash = definition_hash(definition);
    const auto found = known_.find(id);
    apply_plan::change change;
    if (found != known_.end()) {
      change.record = found->second.record;
      if (change.record.source != unlisted_source)
        return problem{errc::refused, id + " is a workflow that was applied", "take another name"};
      if (change.record.hash == hash) {
        plan_.answer.changes.push_back(
            {id, change.record.version, apply_change::kind::unchanged, {}});
        return ok();
      }
    } else {
      BOOST_OUTCOME_TRY(go_on_behind_deleted(change.record, id));
    }
    change.id = id;
    change.record.id = id;
    change.record.source = unlisted_source;
    change.record.hash = hash;
    change.record.updated_at = context_.now();
    change.record.retired = true;
    change.definition = std::make_shared<const workflow_definition>(definition);
    put_version(plan_.batch, {id, ++change.record.version, hash, to_canonical_json(definition),
                              context_.now(), by_.who});
    put_workflow(plan_.batch, change.record);
    plan_.answer.changes.push_back({id, change.record.version, apply_change::kind::created, {}});
    plan_.changes.push_back(std::move(change));
    return ok();
  }

  // A trigger that goes on keeps its row, and so its cursor. One that is new or comes back owes
  // nothing from before now.
  result<void> put_triggers(const workflow_definition& definition, bool returns) {
    BOOST_OUTCOME_TRY(rows, store_.triggers_of(definition.id()));
    for (const auto& trigger : definition.triggers) {
      const auto row = std::find_if(rows.begin(), rows.end(),
                                    [&](const auto& each) { return each.trigger == trigger.id; });
      const bool goes_on = row != rows.end() && !row->retired && !returns;
      if (goes_on && trigger.enabled)
        continue;
      trigger_record record;
      if (row != rows.end())
        record = *row;
      record.workflow = definition.id();
      record.trigger = trigger.id;
      record.retired = !trigger.enabled;
      const bool pays = trigger.catchup && trigger.slots.first && row == rows.end();
      // Owed is what comes after `since`.
      record.since =
          pays ? std::min(*trigger.slots.first - duration{1}, context_.now()) : context_.now();
      record.cursor = std::max(record.cursor, context_.now());
      put_trigger(plan_.batch, record);
      if (pays && trigger.enabled && next_slot(trigger.slots, record.since) &&
          next_slot(trigger.slots, record.since)->at <= context_.now())
        plan_.batch.put(family::meta, catch_up_key(definition.id(), trigger.id),
                        std::to_string(to_us(*trigger.slots.first)) + ' ' +
                            std::to_string(to_us(context_.now())));
    }
    for (auto& row : rows) {
      const bool gone = std::none_of(definition.triggers.begin(), definition.triggers.end(),
                                     [&](const auto& each) { return each.id == row.trigger; });
      if (gone && !row.retired) {
        row.retired = true;
        put_trigger(plan_.batch, row);
      }
    }
    return ok();
  }

  instant tomorrow_of(const workflow_definition& definition) const {
    const auto in = zone::load(definition.timezone);
    const auto there = in ? in.value() : zone{};
    return begin_of(day_of(context_.now(), there) + std::chrono::days{1}, there);
  }

  bool ours(const workflow_record& record) const {
    if (request_.origin.empty())
      return request_.prune && record.source.empty() && in_projects(record.id);
    return record.source.starts_with(request_.origin + '/') || record.source == request_.origin;
  }

  bool in_projects(const std::string& id) const {
    const auto project = id.substr(0, id.find('.'));
    return std::any_of(request_.workflows.begin(), request_.workflows.end(),
                       [&](const auto& each) { return each.project == project; });
  }

  void retire_vanished() {
    std::vector<std::string> vanished;
    std::size_t all = 0;
    for (const auto& [id, at] : known_) {
      if (at.record.retired || !ours(at.record))
        continue;
      ++all;
      if (!seen_.contains(id))
        vanished.push_back(id);
    }
    // So many at once look like an unmounted folder, not like an intention.
    // One file alone is an intention however few there are.
    const bool keep = !request_.prune && vanished.size() * 5 > all && vanished.size() > 1;
    for (const auto& id : vanished) {
      const auto& at = known_.at(id);
      if (keep) {
        plan_.answer.changes.push_back(
            {id, at.record.version, apply_change::kind::kept,
             std::to_string(vanished.size()) + " of " + std::to_string(all) +
                 " workflows vanished at once: `apply --prune` retires them"});
        continue;
      }
      auto record = at.record;
      record.retired = true;
      record.updated_at = context_.now();
      put_workflow(plan_.batch, record);
      plan_.answer.changes.push_back({id, record.version, apply_change::kind::retired, {}});
      plan_.changes.push_back({id, record, at.definition, false, true});
    }
  }

  void replan_changed_projects() {
    for (const auto& [id, at] : known_) {
      const auto project = id.substr(0, id.find('.'));
      const bool listed =
          std::any_of(plan_.changes.begin(), plan_.changes.end(),
                      [&name = id](const auto& change) { return change.id == name; });
      if (!at.record.retired && replan_.contains(project) && !listed)
        plan_.changes.push_back({id, at.record, at.definition, false, true});
    }
  }

  /// What everything will be once the set is taken.
  known_definitions::map after() const {
    known_definitions::map all;
    for (const auto& [id, at] : known_)
      if (!at.record.retired)
        all[id] = at.definition;
    for (const auto& change : plan_.changes)
      if (change.record.retired)
        all.erase(change.id);
      else
        all[change.id] = change.definition;
    return all;
  }

  // What was broken before does not keep this set from being taken.
  result<void> check_set() const {
    known_definitions::map before;
    for (const auto& [id, at] : known_)
      if (!at.record.retired)
        before[id] = at.definition;
    const auto old = broken(before);
    for (const auto& [name, what] : broken(after()))
      if (!old.contains(name))
        return what;
    return ok();
  }

  static std::map<std::string, problem> broken(const known_definitions::map& all) {
    std::vector<const workflow_definition*> set;
    for (const auto& [_, definition] : all)
      set.push_back(definition.get());
    std::map<std::string, problem> out;
    for (auto& each : check_references(set)) {
      const auto& of = *set[each.workflow];
      auto name = of.id();
      if (each.task)
        name += ", task " + of.tasks[*each.task].name;
      else if (each.trigger)
        name += ", trigger " + of.triggers[*each.trigger].id;
      name += ": " + each.what.message;
      each.what.message = name;
      out.emplace(std::move(name), std::move(each.what));
    }
    return out;
  }

  // Their planned runs are bound to slots that may be others now.
  void replan_dependents() {
    const known_definitions all{after()};
    // With those that follow them: their slots are the same. From tomorrow on, if only that
    // changes.
    std::map<std::string, bool> concerned;
    std::vector<std::pair<std::string, bool>> open;
    for (const auto& change : plan_.changes)
      if (change.replan)
        open.emplace_back(change.id, change.next_day());
    while (!open.empty()) {
      const auto [id, next_day] = open.back();
      open.pop_back();
      for (const auto& each : all.dependents_of(id)) {
        const auto [at, fresh] = concerned.emplace(each, next_day);
        if (fresh || (at->second && !next_day)) {
          at->second = next_day;
          open.emplace_back(each, next_day);
        }
      }
    }
    for (const auto& change : plan_.changes)
      concerned.erase(change.id);
    for (const auto& [id, next_day] : concerned)
      if (const auto found = known_.find(id); found != known_.end())
        plan_.changes.push_back(
            {id, found->second.record, found->second.definition, false, true, next_day});
  }

  void record_audit() {
    audit_record audit;
    audit.at = context_.now();
    audit.who = by_.who;
    audit.verb = request_.unlisted ? "run" : "apply";
    audit.object = request_.unlisted         ? request_.workflows.front().id()
                   : request_.origin.empty() ? "api"
                                             : request_.origin;
    audit.reason = by_.reason;
    static constexpr const char* kinds[] = {"created", "updated", "unchanged", "retired", "kept"};
    auto list = nlohmann::json::array();
    for (const auto& change : plan_.answer.changes)
      if (change.what != apply_change::kind::unchanged && list.size() < 100)
        list.push_back(std::string{kinds[static_cast<std::size_t>(change.what)]} + ' ' +
                       change.workflow + ":v" + std::to_string(change.version));
    audit.details = nlohmann::json{{"changes", std::move(list)}}.dump();
    put_audit(plan_.batch, audit, by_.request.get());
  }

  const engine_context& context_;
  const apply_request& request_;
  const caller& by_;
  const std::map<std::string, engine_state::kept_workflow>& known_;
  store_reader store_;
  std::set<std::string> seen_;
  std::set<std::string> replan_;
  apply_plan plan_;
};

} // namespace

void engine_state::apply(msg::apply& what) {
  if (const auto* again = apply_planner::still_erased(what.request, erasing);
      again != nullptr && !what.request.dry_run) {
    // A folder is not read again until it changes: it waits.
    if (!what.request.origin.empty())
      applies_after_erasure.push_back(std::move(what));
    else
      what.done(problem{errc::refused,
                        again->id() + " was deleted, and its history is still being erased",
                        "Apply it again in a moment"});
    return;
  }
  if (!what.request.dry_run && (applying || pausing > 0 || !rule_changes.empty())) {
    rule_changes.emplace_back([this, waiting = std::move(what)]() mutable { apply(waiting); });
    return;
  }
  auto worked = apply_planner{*context, what.request, what.by, workflows}.work();
  if (!worked) {
    what.done(worked.error());
    return;
  }
  auto plan = std::make_shared<apply_plan>(std::move(worked).value());
  if (what.request.dry_run || plan->batch.empty()) {
    what.done(std::move(plan->answer));
    return;
  }
  applying = true;
  // What is known moves on at once.
  std::vector<workflow_use> uses; // None of them may be deleted meanwhile.
  for (const auto& change : plan->changes) {
    auto& at = workflows[change.id];
    at.record = change.record;
    at.definition = change.definition;
    uses.push_back(at.in_use);
  }
  // From here on whoever is needed tells the DIRECTORY, and slots are bound by the new rules.
  share_definitions();
  msg::submit submit;
  submit.batch = std::move(plan->batch);
  self->request(context->journal, caf::infinite, std::move(submit))
      .then([this, plan, uses = std::move(uses), done = what.done](std::uint64_t) {
        for (auto& settings : plan->projects) {
          context->set_settings(settings);
          // With the sizes that people have set.
          self->send(context->dispatcher,
                     msg::set_pools{settings.project, context->settings(settings.project)->pools});
        }
        for (const auto& change : plan->changes) {
          auto& at = workflows[change.id];
          if (!at.actor) {
            start_workflow(at, false);
            continue;
          }
          self->send(at.actor, msg::set_version{change.definition, change.record});
          if (change.record.retired)
            self->send(context->planner, msg::forget_workflow{change.id}, at.actor);
          else if (change.replan)
            self->send(context->planner,
                       msg::plan_workflow{change.definition, change.record.version, true,
                                          change.next_day()},
                       at.actor);
        }
        for (const auto& change : plan->changes)
          self->send(context->directory, msg::slots_told{change.id, std::nullopt});
        pay_catch_up();
        done(plan->answer);
        applying = false;
        next_rule_changes();
      });
}

} // namespace pinion
