#include "api/audit_query.hpp"
#include "api/instance_lister.hpp"
#include "api/log_follower.hpp"
#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "api/run_query.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <map>
#include <set>

namespace pinion::routes {
namespace {

/// Sends what has changed and passes; what passed but for its state is gone from the list.
void tell(event_stream& to, std::uint64_t commit, const std::string& id,
          const result<json>& shown) {
  if (!shown)
    return; // It cannot be read, or has vanished with retention.
  if (shown.value().is_null())
    to.send("gone", commit, to_text(json{{"id", id}}));
  else
    to.send("item", commit, to_text(shown.value()));
}

result<watch_hub::look> look_at_runs(const store_view& view, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"kind", "after", "project", "workflow", "trigger", "run", "state",
                            "reason", "labels", "owner", "since", "from", "to"}));
  BOOST_OUTCOME_TRY(filter, run_filter_of(view, request));
  BOOST_OUTCOME_TRY(why, query_reason(request));
  BOOST_OUTCOME_TRY(by_definition, definition_filter::from(request));
  std::optional<run_id> only;
  if (const auto ref = query_text(request, "run"); !ref.empty()) {
    BOOST_OUTCOME_TRY(run, find_run(view, ref));
    only = run.id;
  }
  return [=](const store_view& now, std::span<const row_change> rows, std::uint64_t commit,
             event_stream& to) {
    for (const auto& row : rows) {
      const auto id =
          row.in == family::runs ? keys::decode_run(row.key) : result<run_id>{problem{}};
      if (!id || (only && id.value() != *only))
        continue;
      const auto run = now.rows.run(id.value());
      if (!run || !run.value() || !is_of(*run.value(), filter))
        continue;
      const auto definition = now.definition_of(*run.value());
      if (!definition || !by_definition.passes(*definition.value()))
        continue;
      const bool passes = (!filter.state || run.value()->state == *filter.state) &&
                          (!why || run.value()->why == *why);
      tell(to, commit, to_string(id.value()),
           passes ? objects::run(*run.value(), objects::zone_of(*definition.value())) : json());
    }
  };
}

/// What instances have to be and to stay to be told of.
struct instance_filter_asked {
  run_filter of_run;
  definition_filter by_definition;
  std::optional<run_id> run;
  std::string task;
  std::optional<instance_state> state;
  std::optional<reason> why;
};

void look_at_instance(const instance_filter_asked& asked, const store_view& now,
                      const instance_key& key, std::uint64_t commit, event_stream& to) {
  if (asked.run && key.run != *asked.run)
    return;
  const auto run = now.rows.run(key.run);
  const auto record = now.rows.instance(key);
  if (!run || !run.value() || !record || !record.value() || !is_of(*run.value(), asked.of_run))
    return;
  const auto definition = now.definition_of(*run.value());
  if (!definition || key.task >= definition.value()->tasks.size() ||
      !asked.by_definition.passes(*definition.value()) ||
      (!asked.task.empty() && definition.value()->tasks[key.task].name != asked.task))
    return;
  const bool passes = (!asked.state || record.value()->state == *asked.state) &&
                      (!asked.why || record.value()->why == *asked.why);
  tell(to, commit, objects::instance_ref(*definition.value(), *record.value()),
       passes ? show_instance(now, *run.value(), *definition.value(), *record.value())
              : result<json>{json()});
}

result<watch_hub::look> look_at_instances(const store_view& view, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"kind", "after", "project", "workflow", "run", "task", "state",
                            "reason", "labels", "owner", "since", "from", "to"}));
  auto of_runs = request;
  of_runs.query.erase("state"); // Here it is that of the instance.
  BOOST_OUTCOME_TRY(filter, run_filter_of(view, of_runs));
  BOOST_OUTCOME_TRY(by_definition, definition_filter::from(request));
  BOOST_OUTCOME_TRY(why, query_reason(request));
  instance_filter_asked asked{filter, by_definition, {}, query_text(request, "task"), {}, why};
  if (const auto text = query_text(request, "state"); !text.empty()) {
    asked.state = instance_state_from(text);
    if (!asked.state)
      return problem{errc::invalid, "'" + text + "' is no state of an instance"};
  }
  if (const auto ref = query_text(request, "run"); !ref.empty()) {
    BOOST_OUTCOME_TRY(run, find_run(view, ref));
    asked.run = run.id;
  }
  return [asked](const store_view& now, std::span<const row_change> rows, std::uint64_t commit,
                 event_stream& to) {
    for (const auto& row : rows)
      if (row.in == family::instances)
        if (const auto key = keys::decode_instance(row.key))
          look_at_instance(asked, now, key.value(), commit, to);
  };
}

/// Slots that have been decided.
result<watch_hub::look> look_at_slots(const store_view& view, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"kind", "after", "project", "workflow", "trigger", "state", "reason",
                            "labels", "owner", "since", "from", "to"}));
  BOOST_OUTCOME_TRY(by_definition, definition_filter::from(request));
  const auto project = query_text(request, "project");
  const auto why = query_text(request, "reason");
  const auto workflow = query_text(request, "workflow");
  const auto trigger = query_text(request, "trigger");
  const auto state = query_text(request, "state");
  if (!workflow.empty()) {
    BOOST_OUTCOME_TRYV(find_workflow(view, workflow));
  }
  BOOST_OUTCOME_TRY(range, query_times(request, view.now(), asked_zone(view, workflow)));
  return [=](const store_view& now, std::span<const row_change> rows, std::uint64_t commit,
             event_stream& to) {
    for (const auto& row : rows) {
      const auto key = row.in == family::slots && row.key.starts_with('s')
                           ? keys::decode_slot(row.key)
                           : result<keys::slot_key>{problem{}};
      if (!key || (!workflow.empty() && key.value().workflow != workflow) ||
          (!project.empty() && !key.value().workflow.starts_with(project + '.')) ||
          (!trigger.empty() && key.value().trigger != trigger) || !range.contains(key.value().slot))
        continue;
      const auto slot = now.rows.slot(key.value());
      if (!slot || !slot.value() || slot.value()->outcome == slot_outcome::planned ||
          (!state.empty() && to_string(slot.value()->outcome) != state) ||
          (!why.empty() && to_string(slot.value()->why) != why))
        continue;
      const auto definition = current_definition(now, key.value().workflow);
      if (definition && by_definition.passes(*definition.value()))
        tell(to, commit, {}, objects::slot(*slot.value(), objects::zone_of(*definition.value())));
    }
  };
}

result<watch_hub::look> look_at_backfills(const store_view&, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"kind", "after", "project", "workflow", "state"}));
  const auto workflow = query_text(request, "workflow");
  const auto state = query_text(request, "state");
  const auto project = query_text(request, "project");
  return [=](const store_view& now, std::span<const row_change> rows, std::uint64_t commit,
             event_stream& to) {
    std::set<std::uint64_t> changed; // Also when the state of one of its slots has.
    for (const auto& row : rows) {
      if (row.in != family::slots)
        continue;
      if (const auto id = keys::decode_backfill(row.key))
        changed.insert(id.value());
      else if (const auto item = keys::decode_backfill_item(row.key))
        changed.insert(item.value().backfill);
    }
    for (const auto id : changed) {
      const auto record = now.rows.backfill(id);
      const auto counts = now.rows.counts_of_backfill(id);
      if (record && record.value() && counts &&
          (workflow.empty() || record.value()->workflow == workflow) &&
          (project.empty() || record.value()->workflow.starts_with(project + '.')))
        tell(to, commit, to_backfill_name(id),
             state.empty() || to_string(record.value()->state) == state
                 ? objects::backfill(*record.value(), counts.value())
                 : json());
    }
  };
}

/// Attempts of a run, or of the instances that `ref` names.
result<watch_hub::look> look_at_attempts(const store_view& view, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"kind", "after", "run", "ref"}));
  BOOST_OUTCOME_TRY(ref, attempts_asked(request));
  BOOST_OUTCOME_TRY(found, find_instances(view, ref));
  std::optional<std::uint32_t> task;
  if (!ref.task.empty()) {
    BOOST_OUTCOME_TRY(position, find_task(*found.definition, ref.task));
    task = position;
  }
  const auto only = ref.index && !found.instances.empty()
                        ? std::optional{found.instances.front().key}
                        : std::nullopt;
  return [=, run = found.run, number = ref.attempt](const store_view& now,
                                                    std::span<const row_change> rows,
                                                    std::uint64_t commit, event_stream& to) {
    for (const auto& row : rows) {
      const auto key = row.in == family::attempts ? keys::decode_attempt(row.key)
                                                  : result<keys::attempt_key>{problem{}};
      if (!key || key.value().instance.run != run.id ||
          (task && key.value().instance.task != *task) || (only && key.value().instance != *only) ||
          (number && key.value().number != *number))
        continue;
      const auto attempt = now.rows.attempt(key.value().instance, key.value().number);
      const auto record = now.rows.instance(key.value().instance);
      const auto definition = now.definition_of(run);
      if (attempt && attempt.value() && record && record.value() && definition)
        tell(to, commit, {},
             objects::attempt(*attempt.value(),
                              objects::instance_ref(*definition.value(), *record.value())));
    }
  };
}

result<watch_hub::look> look_at_audit(const store_view& view, const http_request& request) {
  BOOST_OUTCOME_TRYV(
      check_query(request, {"kind", "after", "object", "workflow", "run", "since", "from", "to"}));
  BOOST_OUTCOME_TRY(asked, audit_query::of(request, view.now()));
  return [asked](const store_view& now, std::span<const row_change> rows, std::uint64_t commit,
                 event_stream& to) {
    for (const auto& row : rows) {
      const auto sequence =
          row.in == family::audit ? keys::decode_audit(row.key) : result<std::uint64_t>{problem{}};
      if (!sequence)
        continue;
      const auto record = now.rows.audit(sequence.value());
      if (record && record.value() && asked.passes(*record.value()))
        tell(to, commit, {}, objects::audit(*record.value()));
    }
  };
}

/// Of these kinds no single rows are told: what a list shows of one thing stands in many rows, or
/// not in the store.
const std::map<std::string, std::set<family>>& listed_kinds() {
  static const std::map<std::string, std::set<family>> all{
      {"workflows", {family::definitions, family::slots, family::runs}},
      {"versions", {family::definitions}},
      {"triggers", {family::definitions, family::slots}},
      {"pools", {family::definitions, family::permits, family::instances, family::audit}},
      {"permits", {family::permits}},
      {"vars", {family::definitions}},
      {"channels", {family::definitions}},
      {"plan", {family::definitions, family::slots}},
      {"events",
       {family::definitions, family::slots, family::runs, family::instances, family::attempts,
        family::audit}}};
  return all;
}

/// What the engine does with a commit is seen in its lists a moment later: told once more then.
constexpr std::chrono::seconds told_again_after{1};

result<watch_hub::look> look_at_list(const http_request& request, const std::string& kind,
                                     const std::shared_ptr<std::atomic<bool>>& again) {
  BOOST_OUTCOME_TRYV(check_query(request, {"kind", "after"}));
  return [families = listed_kinds().at(kind), again](const store_view&,
                                                     std::span<const row_change> rows,
                                                     std::uint64_t commit, event_stream& to) {
    if (std::none_of(rows.begin(), rows.end(),
                     [&](const row_change& row) { return families.contains(row.in); }))
      return;
    *again = true;
    to.send("changed", commit, "{}");
  };
}

result<watch_hub::look> look_at(const store_view& view, const http_request& request) {
  const auto kind = query_text(request, "kind");
  if (kind == "runs")
    return look_at_runs(view, request);
  if (kind == "instances")
    return look_at_instances(view, request);
  if (kind == "slots")
    return look_at_slots(view, request);
  if (kind == "backfills")
    return look_at_backfills(view, request);
  if (kind == "attempts")
    return look_at_attempts(view, request);
  if (kind == "audit")
    return look_at_audit(view, request);
  std::string known = "runs, instances, slots, backfills, attempts, audit";
  for (const auto& [each, _] : listed_kinds())
    known += ", " + each;
  return problem{errc::invalid, "'" + kind + "' cannot be watched", "'kind' is one of " + known};
}

/// Where a client that comes back goes on: `after`, or what browsers and libraries send.
result<std::optional<std::uint64_t>> asked_after(const http_request& request) {
  auto text = query_text(request, "after");
  if (text.empty())
    text = request.last_event_id;
  if (text.empty())
    return std::optional<std::uint64_t>{};
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc{} || at != end)
    return problem{errc::invalid, "'after' must be the id of an event, not '" + text + "'"};
  return std::optional{number};
}

http_reply stream_reply(std::shared_ptr<event_stream> events) {
  http_reply made;
  made.content_type = "text/event-stream";
  made.events = std::move(events);
  return made;
}

result<void> watch(const api_ptr& state, const http_request& request, const reply_function& reply) {
  BOOST_OUTCOME_TRY(after, asked_after(request));
  auto events = std::make_shared<event_stream>();
  const auto kind = query_text(request, "kind");
  const auto again = std::make_shared<std::atomic<bool>>(false);
  const bool listed = listed_kinds().contains(kind);
  BOOST_OUTCOME_TRY(look, listed ? look_at_list(request, kind, again)
                                 : look_at(store_view{*state}, request));
  if (listed)
    events->tick(told_again_after, [again, weak = std::weak_ptr<event_stream>(events)] {
      if (const auto to = weak.lock(); to && again->exchange(false))
        to->send("changed", 0, "{}");
    });
  BOOST_OUTCOME_TRYV(state->watches.add(state, events, std::move(look), after));
  reply(stream_reply(std::move(events)));
  return ok();
}

result<void> follow(const api_ptr& state, const http_request& request,
                    const reply_function& reply) {
  BOOST_OUTCOME_TRYV(check_query(request, {"ref"}));
  BOOST_OUTCOME_TRY(ref, parse_reference(query_text(request, "ref")));
  BOOST_OUTCOME_TRY(found, find_instances(store_view{*state}, ref));
  std::optional<std::uint32_t> task;
  if (!found.instances.empty())
    task = found.instances.front().key.task;
  auto follower = std::make_shared<log_follower>(state->engine().data_folder(), ref, found.run,
                                                 found.definition, task);
  auto events = std::make_shared<event_stream>();
  const std::weak_ptr<event_stream> weak = events;
  const std::weak_ptr<api_state> shared = state; // The state holds the stream.
  events->tick(log_follower::glance, [shared, follower, weak] {
    if (const auto alive = shared.lock())
      alive->later([follower, weak] {
        if (const auto to = weak.lock())
          follower->glance_at(*to);
      });
  });
  BOOST_OUTCOME_TRYV(state->watches.add(
      state, events,
      [follower](const store_view& view, std::span<const row_change> rows, std::uint64_t commit,
                 event_stream& to) { follower->look(view, rows, commit, to); },
      {}));
  // What changes from here on is told; what stood before is looked at now.
  follower->begin(store_view{*state}, *events);
  reply(stream_reply(std::move(events)));
  return ok();
}

http_handler streaming(const api_ptr& state,
                       result<void> (*begin)(const api_ptr&, const http_request&,
                                             const reply_function&)) {
  return [state, begin](const http_request& request, const reply_function& reply) {
    if (const auto begun = begin(state, request, reply); !begun)
      reply(error_reply(begun.error()));
  };
}

} // namespace

void add_watch(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"GET", "/api/v1/watch",
                   "Server-sent events: what changes of the things of a kind.",
                   streaming(state, watch)});
  table.push_back({"GET", "/api/v1/logs/follow",
                   "Server-sent events: which logs grow, and when all has ended.",
                   streaming(state, follow)});
}

} // namespace pinion::routes
