#include "run_fixture.hpp"

#include <sstream>

namespace pinion::testing {

workflow_builder::workflow_builder() {
  definition->project = "p";
  definition->name = "w";
}

task_definition& workflow_builder::add(std::vector<std::uint32_t> needs, task_type type) {
  auto& task = definition->tasks.emplace_back();
  task.name = "t" + std::to_string(definition->tasks.size() - 1);
  task.type = type;
  task.needs = std::move(needs);
  return task;
}

task_definition& workflow_builder::add_fallback(std::uint32_t primary) {
  auto& task = add();
  task.fallback_of = primary;
  definition->tasks[primary].fallback = static_cast<std::uint32_t>(definition->tasks.size() - 1);
  return task;
}

result<bool> scripted_evaluator::condition(const run_core&, std::uint32_t task) const {
  const auto found = conditions.find(task);
  return found == conditions.end() ? result<bool>{true} : found->second;
}

result<std::vector<fan_out_element>> scripted_evaluator::elements(const run_core&,
                                                                  std::uint32_t task) const {
  const auto found = lists.find(task);
  if (found == lists.end())
    return numbered(3);
  return found->second;
}

result<std::string> scripted_evaluator::choice(const run_core&, std::uint32_t task) const {
  const auto found = choices.find(task);
  return found == choices.end() ? result<std::string>{"a"} : found->second;
}

std::vector<fan_out_element> numbered(std::uint32_t count) {
  std::vector<fan_out_element> all;
  for (std::uint32_t i = 0; i < count; ++i)
    all.push_back({"k" + std::to_string(i), std::to_string(i)});
  return all;
}

void stored_run::apply(const run_step& step, const run_core& core, std::string& complaint) {
  if (step.run_changed)
    run = core.run();
  for (const auto& key : step.instances) {
    if (const auto* record = core.find(key))
      instances[key] = *record;
    else
      instances.erase(key);
  }
  for (const auto& attempt : step.attempts) {
    auto& row = attempts[{attempt.instance, attempt.number}];
    if (row.state == attempt_state::ended)
      complaint += "an ended attempt changed; ";
    row = attempt;
  }
  for (const auto& permit : step.permits_released)
    if (permits.erase({permit.holder, permit.pool}) == 0)
      complaint += "a permit was returned that was not out; ";
  for (const auto& permit : step.permits_taken)
    if (!permits.emplace(std::pair{permit.holder, permit.pool}, permit).second)
      complaint += "a permit was taken twice; ";
  for (const auto& key : step.outputs_dropped)
    outputs.erase(key);
  for (const auto& output : step.outputs)
    outputs[output.instance] = output.values;
  for (const auto& edge : step.edges_dropped)
    if (settled.erase({edge.task, edge.need}) == 0)
      complaint += "an edge was opened that was not settled; ";
  for (const auto& edge : step.edges_settled)
    if (edge.run != run.id || !settled.emplace(std::pair{edge.task, edge.need}, edge).second)
      complaint += "an edge was settled twice; ";
}

result<run_core> stored_run::restore(std::shared_ptr<const workflow_definition> definition) const {
  std::vector<instance_record> rows;
  for (const auto& [key, row] : instances)
    rows.insert(rows.begin(), row); // Backwards: the order must not matter.
  std::vector<attempt_record> tries;
  for (const auto& [key, row] : attempts)
    tries.push_back(row);
  std::vector<output_record> values;
  for (const auto& [key, value] : outputs)
    values.push_back({key, value});
  std::vector<edge_record> ends;
  for (const auto& [place, edge] : settled)
    ends.push_back(edge);
  return run_core::restore(std::move(definition), run, std::move(rows), std::move(tries),
                           std::move(values), edges, std::move(ends));
}

bound_edge edge_of(std::uint32_t task, std::uint32_t need) {
  bound_edge edge;
  edge.task = task;
  edge.need = need;
  edge.workflow = "p.other";
  edge.trigger = "daily";
  edge.upstream_task = "up";
  edge.slots = {at(0)};
  return edge;
}

namespace {

std::string text(const instance_key& key) { return to_string(process_key{key, {}}); }

struct effect_text {
  std::string operator()(const run_effect::entered& e) const {
    return "entered " + text(e.key) + ' ' + std::string{to_string(e.state)};
  }
  std::string operator()(const run_effect::expanded& e) const {
    return "expanded " + std::to_string(e.task);
  }
  std::string operator()(const run_effect::grant_unwanted& e) const {
    return "unwanted " + text(e.key);
  }
  std::string operator()(const run_effect::released& e) const { return "released " + text(e.key); }
  std::string operator()(const run_effect::alarm& e) const {
    return "alarm " + std::to_string(static_cast<int>(e.kind)) + (e.key ? text(*e.key) : "run") +
           e.channel;
  }
  std::string operator()(const run_effect::wants_place&) const { return "wants place"; }
  std::string operator()(const run_effect::edges_opened& e) const {
    return "edges opened " + std::to_string(e.task);
  }
  std::string operator()(const run_effect::task_settled& e) const {
    return "task settled " + std::to_string(e.task);
  }
  std::string operator()(const run_effect::activated&) const { return "activated"; }
  std::string operator()(const run_effect::run_ended& e) const {
    return "run ended " + std::string{to_string(e.state)};
  }
  std::string operator()(const run_effect::restated& e) const {
    return "restated " + std::string{to_string(e.state)};
  }
  std::string operator()(const run_effect::reopened&) const { return "reopened"; }
  std::string operator()(const run_effect::moved&) const { return "moved"; }
};

} // namespace

std::string describe(const instance_record& r) {
  std::ostringstream out;
  out << text(r.key) << ' ' << to_string(r.state) << ' ' << to_string(r.why) << " '" << r.message
      << "' " << r.attempt << ' ' << r.epoch << ' ' << r.retries_used << ' ' << r.losses << ' '
      << r.step << ' ' << r.look << ' ' << to_string(r.stop_as) << ' ' << to_string(r.stop_reason)
      << ' ' << r.warned << ' ' << r.element_key << ' ' << r.element_value << ' ' << r.called.value
      << ' ' << r.has_outputs << ' ' << r.placeholder << ' ' << to_string(r.mode) << ' '
      << int{r.priority} << ' ' << r.repooled;
  for (const auto& need : r.pools)
    out << ' ' << need.pool << need.permits;
  for (const auto when :
       {r.triggered_at, r.waiting_at, r.pre_ready_at, r.first_ready_at, r.ready_at, r.started_at,
        r.body_ended_at, r.ended_at, r.retry_at, r.poll_since})
    out << ' ' << to_us(when);
  return out.str();
}

std::string describe(const run_step& step, const run_core& core) {
  std::ostringstream out;
  if (step.refused)
    out << "refused " << step.refused->message << (step.stale_fence ? " (fence)" : "") << '\n';
  for (const auto& key : step.instances)
    out << (core.find(key) ? describe(*core.find(key)) : text(key) + " deleted") << '\n';
  for (const auto& a : step.attempts)
    out << "attempt " << text(a.instance) << ' ' << a.number << ' ' << to_string(a.state) << ' '
        << to_string(a.why) << ' ' << a.pid << ' ' << a.looks << ' ' << a.message << ' '
        << to_us(a.ended_at) << '\n';
  for (const auto& p : step.permits_taken)
    out << "taken " << text(p.holder) << p.pool << p.permits << '\n';
  for (const auto& p : step.permits_released)
    out << "returned " << text(p.holder) << p.pool << p.permits << '\n';
  for (const auto& o : step.outputs)
    out << "outputs " << text(o.instance) << o.values << '\n';
  for (const auto& o : step.outputs_dropped)
    out << "dropped " << text(o) << '\n';
  for (const auto& edge : step.edges_dropped)
    out << "edge dropped " << edge.task << ' ' << edge.need << '\n';
  for (const auto& edge : step.edges_settled)
    out << "edge settled " << edge.task << ' ' << edge.need << ' ' << static_cast<int>(edge.outcome)
        << edge.outputs << ' ' << to_us(edge.at) << '\n';
  for (const auto& effect : step.effects)
    out << std::visit(effect_text{}, effect) << '\n';
  out << to_string(core.run().state) << ' ' << to_string(core.run().why) << ' '
      << to_us(core.run().last_at);
  return out.str();
}

run_record driven_run::fresh_run() {
  run_record run;
  run.id = {7};
  run.workflow = "p.w";
  run.version = 1;
  run.trigger = "@manual";
  return run;
}

driven_run::driven_run(const workflow_builder& workflow, run_record run,
                       std::vector<bound_edge> edges)
    : definition(workflow.definition), core(definition, run, edges) {
  disk.run = core.run();
  disk.edges = std::move(edges);
  core.tell_tasks(true);
}

run_step driven_run::step(const run_event& event) {
  now += std::chrono::seconds{1};
  auto twin = disk.restore(definition);
  if (!twin)
    complaint += "restore: " + twin.error().message + "; ";
  else
    twin.value().tell_tasks(true);
  auto done = core.step(event, now, evaluator);
  if (twin) {
    const auto again = twin.value().step(event, now, evaluator);
    if (describe(done, core) != describe(again, twin.value()))
      complaint += "the restored run went another way:\n" + describe(done, core) +
                   "\n--- restored:\n" + describe(again, twin.value());
  }
  disk.apply(done, core, complaint);
  complaint += audit(core);
  return done;
}

instance_state driven_run::state(std::uint32_t task, std::uint32_t element) const {
  return core.find(key(task, element))->state;
}

reason driven_run::why(std::uint32_t task, std::uint32_t element) const {
  return core.find(key(task, element))->why;
}

process_key driven_run::process(const instance_key& of) const {
  const auto* record = core.find(of);
  return {of, {record->epoch, record->attempt, step_of(*record, record->step)}};
}

run_step driven_run::grant(const instance_key& of) {
  return step(run_happening::granted{of, 1, "local", "boot", "{}"});
}

run_step driven_run::start(const instance_key& of) {
  return step(run_happening::started{process(of), 4711, now});
}

run_step driven_run::end(const instance_key& of, process_end how) {
  return step(run_happening::ended{process(of), std::move(how)});
}

run_step driven_run::exit(const instance_key& of, int code, std::string outputs) {
  process_end how;
  how.exit_code = code;
  how.outputs_json = std::move(outputs);
  return end(of, how);
}

run_step driven_run::finish(const instance_key& of, int code, std::string outputs) {
  grant(of);
  start(of);
  return exit(of, code, std::move(outputs));
}

run_step driven_run::operate(run_operation::verb what, std::vector<instance_key> targets,
                             rerun_scope scope) {
  return step(run_operation{what, std::move(targets), scope, reason::by_user, "by a test"});
}

run_step driven_run::settle(std::uint32_t task, std::uint32_t need, edge_record::counts_as outcome,
                            std::string outputs) {
  edge_record edge;
  edge.task = task;
  edge.need = need;
  edge.outcome = outcome;
  edge.outputs = std::move(outputs);
  return step(run_happening::edge_settled{std::move(edge)});
}

bool entered(const run_step& step, const instance_key& key, instance_state state) {
  for (const auto& effect : step.effects)
    if (const auto* e = std::get_if<run_effect::entered>(&effect))
      if (e->key == key && e->state == state)
        return true;
  return false;
}

} // namespace pinion::testing
