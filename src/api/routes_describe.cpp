#include "api/graph.hpp"
#include "api/instance_lister.hpp"
#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/paging.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "api/timeline.hpp"
#include "api/why_slot.hpp"

namespace pinion::routes {
namespace {

/// A description shows so much of each list; the rest is there through `get`.
constexpr std::size_t most_instances = 500;
constexpr std::size_t most_events = 500;
constexpr std::size_t most_changes = 50;
constexpr std::size_t most_needs = 500;
constexpr std::size_t most_items = 100;
constexpr std::size_t most_tasks = 500;
/// Of a graph that is asked for without a limit: as much as can be drawn.
constexpr std::uint64_t usual_nodes = 5'000;

/// What people did to a thing: the newest, of as many records as one look takes.
result<void> add_audit(const store_view& view, const std::string& object, timeline& events) {
  BOOST_OUTCOME_TRY(changes, view.rows.list_audit({object, never, true}, {most_changes, {}}));
  for (const auto& change : changes.items)
    events.add_audit(change);
  if (!changes.next.empty())
    events.older_changes();
  return ok();
}

/// The newest events, and whether people may have changed the thing before them.
void put_timeline(json& shown, timeline& events) {
  shown["more_changes"] = events.has_older_changes();
  shown["timeline"] = events.take(most_events);
}

/// What a run needs of other runs: each need bound to exact slots, and how it was settled.
json needs_of(const workflow_definition& definition, const std::vector<bound_edge>& edges,
              const std::vector<edge_record>& settled) {
  const auto in = objects::zone_of(definition);
  json needs = json::array();
  for (const auto& edge : edges) {
    if (needs.size() == most_needs)
      break;
    const auto done = std::find_if(settled.begin(), settled.end(), [&](const edge_record& each) {
      return each.task == edge.task && each.need == edge.need;
    });
    const auto task = edge.task < definition.tasks.size() ? definition.tasks[edge.task].name
                                                          : std::to_string(edge.task);
    needs.push_back(objects::edge(edge, done == settled.end() ? nullptr : &*done, task, in));
  }
  return needs;
}

result<json> describe_run(const store_view& view, const run_record& run) {
  BOOST_OUTCOME_TRY(definition, view.definition_of(run));
  instance_query query;
  query.run = run.id;
  BOOST_OUTCOME_TRY(instances, list_instances(view, query, {most_instances, {}}));
  timeline events;
  events.add_run(run);
  BOOST_OUTCOME_TRYV(add_audit(view, to_string(run.id), events));
  BOOST_OUTCOME_TRY(rows, view.rows.list_instances({"main", run.id, {}, {}}, {most_instances, {}}));
  for (const auto& row : rows.items)
    if (row.key.task < definition->tasks.size())
      events.add_instance(objects::instance_ref(*definition, row), row);
  json shown = objects::run(run, objects::zone_of(*definition));
  shown["kind"] = "run";
  shown["instances"] = std::move(instances["items"]);
  shown["more_instances"] = !instances["next"].is_null();
  BOOST_OUTCOME_TRY(slot, view.rows.slot({run.lane, run.workflow, run.trigger, run.slot}));
  BOOST_OUTCOME_TRY(settled, view.rows.edges_of(run.id));
  shown["needs"] = needs_of(*definition, slot ? slot->edges : std::vector<bound_edge>{}, settled);
  put_timeline(shown, events);
  return shown;
}

result<json> describe_instance(const store_view& view, const found_instances& found,
                               const instance_record& record) {
  BOOST_OUTCOME_TRY(shown, show_instance(view, found.run, *found.definition, record));
  const auto ref = objects::instance_ref(*found.definition, record);
  BOOST_OUTCOME_TRY(attempts, view.rows.attempts_of(record.key));
  timeline events;
  events.add_instance(ref, record);
  BOOST_OUTCOME_TRYV(add_audit(view, ref, events));
  json tries = json::array();
  for (const auto& attempt : attempts) {
    events.add_attempt(ref, attempt);
    tries.push_back(objects::attempt(attempt, ref));
  }
  shown["kind"] = "instance";
  shown["title"] = found.definition->tasks[record.key.task].title;
  shown["attempts"] = std::move(tries);
  if (!attempts.empty())
    shown["rendered"] = from_stored(attempts.back().rendered);
  put_timeline(shown, events);
  return shown;
}

result<json> describe_attempt(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(found, find_attempt(view, ref));
  const auto name = objects::instance_ref(*found.definition, found.instance);
  auto shown = objects::attempt(found.attempt, name);
  timeline events;
  events.add_attempt(name, found.attempt);
  shown["kind"] = "attempt";
  shown["rendered"] = from_stored(found.attempt.rendered);
  shown["timeline"] = events.take(most_events);
  return shown;
}

result<json> describe_instances(const store_view& view, const reference& ref) {
  if (ref.attempt)
    return describe_attempt(view, ref);
  BOOST_OUTCOME_TRY(found, find_instances(view, ref));
  if (found.instances.empty())
    return describe_run(view, found.run);
  if (found.instances.size() == 1)
    return describe_instance(view, found, found.instances.front());
  json items = json::array();
  timeline events;
  for (const auto& record : found.instances) {
    if (items.size() == most_instances)
      break;
    BOOST_OUTCOME_TRY(shown, show_instance(view, found.run, *found.definition, record));
    items.push_back(std::move(shown));
    events.add_instance(objects::instance_ref(*found.definition, record), record);
  }
  return json{{"kind", "fan_out"},
              {"id", to_string(found.run.id) + '/' + ref.task},
              {"count", found.instances.size()},
              {"instances", std::move(items)},
              {"timeline", events.take(most_events)}};
}

result<json> newest_runs(const store_view& view, const run_filter& filter, const zone& in) {
  BOOST_OUTCOME_TRY(runs, view.rows.list_runs(filter, {10, {}}));
  json items = json::array();
  for (const auto& run : runs.items)
    items.push_back(objects::run(run, in));
  return items;
}

result<json> describe_workflow(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(record, find_workflow(view, ref.workflow));
  BOOST_OUTCOME_TRY(definition, view.definition(record.id, ref.version.value_or(record.version)));
  BOOST_OUTCOME_TRY(triggers, view.rows.triggers_of(record.id));
  BOOST_OUTCOME_TRY(version, view.rows.version(record.id, ref.version.value_or(record.version)));
  json shown = ref.version && version ? objects::version(*version, record.version)
                                      : objects::workflow(record, *definition, triggers,
                                                          store_directory{view}, view.now());
  shown["kind"] = ref.version ? "version" : "workflow";
  graph_extent extent;
  extent.most = most_tasks;
  auto graph = graph_of(*definition, nullptr, extent);
  shown["graph"] = std::move(graph["nodes"]);
  shown["more_tasks"] = graph["more"] != 0;
  if (version)
    shown["definition"] = from_stored(version->definition);
  if (ref.version)
    return shown;
  run_filter filter;
  filter.workflow = record.id;
  BOOST_OUTCOME_TRY(runs, newest_runs(view, filter, objects::zone_of(*definition)));
  shown["runs"] = std::move(runs);
  BOOST_OUTCOME_TRY(counts, view.rows.counts_of("main", record.id));
  json by_state = json::object();
  for (std::size_t i = 0; i < counts.by_state.size(); ++i)
    if (counts.by_state[i] != 0)
      by_state[std::string{to_string(static_cast<run_state>(i))}] = counts.by_state[i];
  shown["counts"] = std::move(by_state);
  BOOST_OUTCOME_TRY(switches, view.rows.task_switches_of(record.id));
  json switched = json::array();
  for (const auto& each : switches)
    switched.push_back(objects::task_switch(each));
  shown["switched_tasks"] = std::move(switched);
  timeline events;
  BOOST_OUTCOME_TRYV(add_audit(view, record.id, events));
  for (const auto& each : switches) {
    BOOST_OUTCOME_TRYV(add_audit(view, each.workflow + '.' + each.task, events));
  }
  put_timeline(shown, events);
  return shown;
}

result<json> describe_trigger(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(definition, current_definition(view, ref.workflow));
  const auto found = std::find_if(definition->triggers.begin(), definition->triggers.end(),
                                  [&](const auto& one) { return one.id == ref.trigger; });
  if (found == definition->triggers.end())
    return problem{errc::not_found, "'" + ref.workflow + "' has no trigger '" + ref.trigger + "'"};
  BOOST_OUTCOME_TRY(row, view.rows.trigger(ref.workflow, ref.trigger));
  auto shown = objects::trigger(*definition, *found, row ? &*row : nullptr, store_directory{view},
                                view.now());
  const auto in = objects::zone_of(*definition);
  run_filter filter;
  filter.workflow = ref.workflow;
  filter.trigger = ref.trigger;
  BOOST_OUTCOME_TRY(runs, newest_runs(view, filter, in));
  timeline events;
  BOOST_OUTCOME_TRYV(add_audit(view, ref.workflow + '/' + ref.trigger, events));
  shown["kind"] = "trigger";
  shown["runs"] = std::move(runs);
  put_timeline(shown, events);
  return shown;
}

/// A slot that has no run.
result<json> describe_slot(const store_view& view, const reference& ref) {
  BOOST_OUTCOME_TRY(slot, find_slot(view, ref));
  BOOST_OUTCOME_TRY(definition, slot.version == 0 ? current_definition(view, slot.workflow)
                                                  : view.definition(slot.workflow, slot.version));
  const auto in = objects::zone_of(*definition);
  auto shown = objects::slot(slot, in);
  shown["kind"] = "slot";
  shown["id"] = objects::slot_name({slot.lane, slot.workflow, slot.trigger, slot.slot}, in);
  shown["message"] = why_slot(slot, nullptr, in).sentence;
  shown["needs"] = needs_of(*definition, slot.edges, {});
  timeline events;
  BOOST_OUTCOME_TRYV(add_audit(view, slot.workflow + '/' + slot.trigger, events));
  put_timeline(shown, events);
  return shown;
}

result<json> describe_backfill(const store_view& view, std::uint64_t id) {
  BOOST_OUTCOME_TRY(record, find_backfill(view, id));
  BOOST_OUTCOME_TRY(counts, view.rows.counts_of_backfill(id));
  BOOST_OUTCOME_TRY(items, view.rows.list_backfill_items(id, {}, {most_items, {}}));
  auto shown = objects::backfill(record, counts);
  shown["kind"] = "backfill";
  json slots = json::array();
  for (const auto& item : items.items) {
    const auto definition = current_definition(view, item.workflow);
    slots.push_back(
        objects::backfill_item(item, definition ? objects::zone_of(*definition.value()) : zone{}));
  }
  shown["items"] = std::move(slots);
  shown["more_items"] = !items.next.empty();
  timeline events;
  events.add_backfill(record);
  BOOST_OUTCOME_TRYV(add_audit(view, to_backfill_name(id), events));
  put_timeline(shown, events);
  return shown;
}

result<json> describe(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"ref"}));
  const auto text = query_text(request, "ref");
  const store_view view{state};
  if (const auto backfill = backfill_number(text))
    return describe_backfill(view, *backfill);
  BOOST_OUTCOME_TRY(ref, parse_reference(text));
  if (ref.names_run()) {
    auto shown = describe_instances(view, ref);
    const bool slot_alone = !shown && shown.error().code == errc::not_found &&
                            ref.selects == run_selector::slot && ref.task.empty();
    return slot_alone ? describe_slot(view, ref) : std::move(shown);
  }
  return ref.trigger.empty() ? describe_workflow(view, ref) : describe_trigger(view, ref);
}

result<json> show_graph(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"ref", "upstream", "downstream", "across", "limit"}));
  BOOST_OUTCOME_TRY(ref, parse_reference(query_text(request, "ref")));
  constexpr auto all = std::numeric_limits<std::uint32_t>::max();
  const auto across = query_text(request, "across");
  if (!across.empty() && across != "true" && across != "false")
    return problem{errc::invalid, "'across' must be true or false"};
  const bool cut = request.query.contains("upstream") || request.query.contains("downstream");
  BOOST_OUTCOME_TRY(up, query_number(request, "upstream", 0, all, cut ? 0 : all));
  BOOST_OUTCOME_TRY(down, query_number(request, "downstream", 0, all, cut ? 0 : all));
  BOOST_OUTCOME_TRY(most, query_number(request, "limit", 1, 100'000, usual_nodes));
  const store_view view{state};
  graph_extent extent{{},
                      static_cast<std::uint32_t>(up),
                      static_cast<std::uint32_t>(down),
                      static_cast<std::size_t>(most)};
  if (!ref.names_run()) {
    BOOST_OUTCOME_TRY(record, find_workflow(view, ref.workflow));
    BOOST_OUTCOME_TRY(definition, view.definition(record.id, ref.version.value_or(record.version)));
    auto graph = graph_of(*definition, nullptr, extent);
    if (across == "true") {
      BOOST_OUTCOME_TRYV(add_across(view, *definition, nullptr, graph));
    }
    return graph;
  }
  BOOST_OUTCOME_TRY(run, find_run(view, ref));
  BOOST_OUTCOME_TRY(definition, view.definition_of(run));
  if (!ref.task.empty()) {
    BOOST_OUTCOME_TRY(task, find_task(*definition, ref.task));
    extent.around = task;
  }
  BOOST_OUTCOME_TRY(rows, view.rows.instances_of(run.id));
  const run_instances shown{run, rows};
  auto graph = graph_of(*definition, &shown, extent);
  graph["at"] = objects::time(view.now());
  if (across == "true") {
    BOOST_OUTCOME_TRYV(add_across(view, *definition, &run, graph));
  }
  return graph;
}

} // namespace

void add_describe(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"GET", "/api/v1/describe",
                   "Everything about what `ref` names, with its timeline.",
                   answering(state, describe)});
  table.push_back({"GET", "/api/v1/graph", "The graph of a workflow, or of a run with its states.",
                   answering(state, show_graph)});
}

} // namespace pinion::routes
