#include "run_move.hpp"

#include "run_stepper.hpp"

#include <algorithm>

namespace pinion {

run_step run_move::step(instant now, const run_evaluator& evaluate) {
  run_step refused;
  if (auto why = obstacle()) {
    refused.refused = std::move(why);
    return refused;
  }
  auto next = moved();
  if (!next) {
    refused.refused = next.error();
    return refused;
  }
  auto former = std::move(core_);
  core_ = std::move(next.value());
  auto step = run_stepper{core_, now, evaluate}.apply(operation_);
  if (step.refused) {
    core_ = std::move(former);
    return step;
  }
  step.run_changed = true;
  std::unordered_set<instance_key> told{step.instances.begin(), step.instances.end()};
  for (const auto& key : changed_)
    if (told.insert(key).second)
      step.instances.push_back(key);
  step.edges_dropped.insert(step.edges_dropped.begin(), dropped_.begin(), dropped_.end());
  for (auto& edge : kept_)
    if (core_.settled_edge(edge.task, edge.need) != nullptr)
      step.edges_settled.push_back(std::move(edge));
  step.effects.insert(step.effects.begin(), run_effect::moved{});
  return step;
}

bool run_move::has_begun(std::uint32_t task) const {
  const auto& elements = core_.graph_->instances[task];
  return std::any_of(elements.begin(), elements.end(), [](const instance_record& at) {
    return at.attempt > 0 || at.key.element != no_element || at.state > instance_state::waiting;
  });
}

std::optional<std::uint32_t> run_move::place_of(std::uint32_t task) const {
  const auto& name = core_.definition_->tasks[task].name;
  const auto& tasks = operation_.definition->tasks;
  const auto found = std::find_if(tasks.begin(), tasks.end(),
                                  [&](const task_definition& each) { return each.name == name; });
  if (found == tasks.end())
    return std::nullopt;
  return static_cast<std::uint32_t>(found - tasks.begin());
}

std::optional<problem> run_move::obstacle() const {
  const auto& from = *core_.graph_;
  const auto refuse = [&](const std::string& what, std::string mend) {
    return problem{errc::refused,
                   to_string(core_.run_.id) + " cannot go on with version " +
                       std::to_string(operation_.version) + ": " + what,
                   std::move(mend)};
  };
  for (const auto& elements : from.instances)
    for (const auto& at : elements)
      if (is_active(at.state))
        return refuse(name_of(from.workflow, at) + " is " + std::string{to_string(at.state)},
                      "Wait until it has ended, or cancel it");
  for (std::uint32_t task = 0; task < from.instances.size(); ++task) {
    if (!has_begun(task))
      continue;
    const auto& name = from.workflow.tasks[task].name;
    const auto place = place_of(task);
    if (!place)
      return refuse("it has no task " + name + ", which has run", "Rerun with --version pinned");
    if (*place != task)
      return refuse("its task " + name + " stands in another place of the file",
                    "Add new tasks behind those that were there");
    if (operation_.definition->tasks[task].is_end_task() != from.workflow.tasks[task].is_end_task())
      return refuse("its task " + name + " runs at another time there (`on_failure`, `on_success`)",
                    "Rerun with --version pinned");
    const bool expanded = from.instances[task].front().key.element != no_element;
    if (expanded && !operation_.definition->tasks[task].for_each)
      return refuse("its task " + name + " is no fan-out any more", "Rerun with --version pinned");
  }
  const bool more = operation_.definition->tasks.size() > from.instances.size();
  if (core_.run_.ended_at != never && more && operation_.what != run_operation::verb::rerun)
    return refuse("it has ended, and there are new tasks",
                  "'rerun --version latest' takes them in");
  return std::nullopt;
}

result<run_core> run_move::moved() {
  auto run = core_.run_;
  run.version = operation_.version;
  std::vector<std::pair<std::uint32_t, task_mode>> modes;
  for (const auto& [task, mode] : run.modes)
    if (const auto place = place_of(task))
      modes.emplace_back(*place, mode);
  std::sort(modes.begin(), modes.end());
  run.modes = std::move(modes);
  run_core next{operation_.definition, std::move(run), operation_.edges};
  next.graph_->tell_tasks = core_.graph_->tell_tasks;
  carry_over(next);
  next.graph_->recount(next.run_);
  return next;
}

void run_move::carry_over(run_core& to) {
  auto& from = *core_.graph_;
  auto& into = *to.graph_;
  for (std::uint32_t task = 0; task < from.instances.size(); ++task) {
    const auto place = place_of(task);
    for (const auto& at : from.instances[task])
      if (place != task || at.placeholder != into.instances[task].front().placeholder)
        changed_.push_back(at.key);
    if (!place)
      continue;
    const bool fan = operation_.definition->tasks[*place].for_each.has_value();
    auto elements = from.instances[task];
    for (auto& at : elements) {
      at.key.task = *place;
      at.placeholder = fan && at.key.element == no_element;
      if (*place != task)
        changed_.push_back(at.key);
      if (from.early_rows.contains({at.key.run, task, at.key.element}))
        into.early_rows.insert(at.key);
    }
    into.instances[*place] = std::move(elements);
  }
  into.outputs = from.outputs;   // Of tasks that have begun: they kept their places.
  into.attempts = from.attempts; // Those that wait between two looks; likewise.
  const auto same_need = [&](const bound_edge& a, const bound_edge& b) {
    const auto place = place_of(a.task);
    auto other = b;
    other.task = a.task;
    other.need = a.need;
    return place && *place == b.task && a.previous() == b.previous() && a == other;
  };
  for (std::size_t at = 0; at < from.edges.size(); ++at) {
    if (!from.settled[at])
      continue;
    dropped_.push_back(*from.settled[at]);
    for (std::size_t next = 0; next < into.edges.size(); ++next) {
      if (into.settled[next] || !same_need(from.edges[at], into.edges[next]))
        continue;
      auto record = *from.settled[at];
      record.task = into.edges[next].task;
      record.need = into.edges[next].need;
      kept_.push_back(record);
      into.settled[next] = std::move(record);
      break;
    }
  }
  for (const auto& [task, drops] : from.dropped)
    for (const auto& each : drops) {
      dropped_.push_back(each);
      const auto place = place_of(task);
      const auto upstream = place_of(each.need - edge_record::first_dropped);
      if (!place || !upstream)
        continue;
      auto record = each;
      record.task = *place;
      record.need = edge_record::first_dropped + *upstream;
      kept_.push_back(record);
      into.dropped[*place].push_back(std::move(record));
    }
}

} // namespace pinion
