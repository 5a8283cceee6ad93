#include "actors/directory.hpp"

#include "actors/crash.hpp"

#include <algorithm>

namespace pinion {

namespace {
/// Causes that one answer lists at most.
constexpr std::size_t max_causes = 20;

/// Whether `slot` lies between the slot that an edge of a previous slot is bound to and the earlier
/// one that counts in its place.
bool passes_over(const directory_state::watched& at, instant slot) {
  return at.bound && slot <= *at.bound && (at.edge.slots.empty() || slot > at.edge.slots.front());
}
} // namespace

void directory_state::watch(const msg::watch_edges& what, const run_actor& who) {
  auto& of = watchers[what.run];
  of.who = who;
  std::erase_if(of.edges, [&](const watched& old) {
    return std::any_of(what.edges.begin(), what.edges.end(),
                       [&](const bound_edge& fresh) { return fresh.task == old.edge.task; });
  });
  for (const auto& edge : what.edges) {
    of.edges.push_back({edge, std::vector<bound_state>(edge.slots.size()), std::nullopt});
    auto& at = of.edges.back();
    if (edge.previous() && !edge.slots.empty())
      at.bound = edge.slots.front();
    enter(what.run, at);
  }
  edge_lookup store{*context};
  for (auto& each : of.edges)
    if (!read(each, store))
      return;
  for (const auto& each : of.edges)
    enter(what.run, each);
  settle(what.run);
}

void directory_state::enter(run_id run, const watched& at) {
  auto& of = watchers.at(run);
  context->wait_for(at.edge.workflow);
  for (const auto slot : at.edge.slots) {
    auto key = key_of(at.edge, slot);
    waiting[key].insert(run);
    of.entered.insert(std::move(key));
  }
  if (at.bound && passes_over(at, *at.bound)) {
    trigger_name passed{at.edge.workflow, at.edge.trigger};
    passed_over[passed].insert(run);
    of.passing.insert(std::move(passed));
  }
}

bool directory_state::read(watched& at, edge_lookup& store, std::optional<instant> only) const {
  if (at.edge.previous())
    return read_previous(at, store);
  for (std::size_t i = 0; i < at.slots.size(); ++i) {
    if (only && at.edge.slots[i] != *only)
      continue;
    auto state = store.state_of(at.edge, at.edge.slots[i]);
    if (!state) {
      context->ports.fatal("an upstream cannot be read: " + state.error().message);
      return false;
    }
    at.slots[i] = std::move(state).value();
  }
  return true;
}

// A slot that was left out is passed over: what counts is the run before it. Where there is none
// this is the first one ever.
bool directory_state::read_previous(watched& at, edge_lookup& store) const {
  if (at.bound) {
    at.edge.slots.assign(1, *at.bound);
    at.slots.resize(1);
  }
  while (!at.edge.slots.empty()) {
    const auto slot = at.edge.slots.front();
    auto state = store.state_of(at.edge, slot);
    if (!state) {
      context->ports.fatal("an upstream cannot be read: " + state.error().message);
      return false;
    }
    at.slots.front() = std::move(state).value();
    if (at.slots.front().what != bound_state::kind::left_out)
      return true;
    const auto before = store.run_before(at.edge, slot);
    if (!before) {
      context->ports.fatal("an upstream cannot be read: " + before.error().message);
      return false;
    }
    at.edge.slots.clear();
    at.slots.clear();
    if (before.value()) {
      at.edge.slots.push_back(*before.value());
      at.slots.emplace_back();
    }
  }
  return true;
}

void directory_state::settle(run_id run) {
  const auto found = watchers.find(run);
  if (found == watchers.end())
    return;
  auto& of = found->second;
  std::erase_if(of.edges, [&](const watched& at) {
    auto settled = settle_edge(at.edge, at.slots);
    if (!settled)
      return false;
    settled->run = run;
    settled->task = at.edge.task;
    settled->need = at.edge.need;
    self->send(of.who, msg::happened{run_happening::edge_settled{std::move(*settled)}});
    return true;
  });
  if (of.edges.empty())
    forget(run);
}

void directory_state::forget(run_id run) {
  const auto found = watchers.find(run);
  if (found == watchers.end())
    return;
  for (const auto& key : found->second.entered)
    if (const auto at = waiting.find(key); at != waiting.end()) {
      at->second.erase(run);
      if (at->second.empty())
        waiting.erase(at);
    }
  for (const auto& passed : found->second.passing)
    if (const auto at = passed_over.find(passed); at != passed_over.end()) {
      at->second.erase(run);
      if (at->second.empty())
        passed_over.erase(at);
    }
  watchers.erase(found);
}

void directory_state::told(const msg::task_told& what) {
  const auto found = waiting.find(what.of);
  if (found == waiting.end())
    return;
  const auto runs = found->second;
  for (const auto run : runs) {
    for (auto& at : watchers.at(run).edges) {
      if (at.edge.workflow != what.of.workflow || at.edge.trigger != what.of.trigger ||
          at.edge.upstream_task != what.task)
        continue;
      for (std::size_t i = 0; i < at.slots.size(); ++i)
        if (at.edge.slots[i] == what.of.slot)
          at.slots[i] = {what.outcome == upstream_class::pending ? bound_state::kind::pending
                                                                 : bound_state::kind::ended,
                         what.outcome, what.outputs};
    }
    settle(run);
  }
}

void directory_state::judge_again(run_id run, const std::function<bool(const watched&)>& which,
                                  std::optional<instant> only) {
  auto& of = watchers.at(run);
  if (std::none_of(of.edges.begin(), of.edges.end(), which))
    return;
  edge_lookup store{*context};
  for (auto& at : of.edges)
    if (which(at) && !read(at, store, only))
      return;
  for (const auto& at : of.edges)
    enter(run, at);
  settle(run);
}

void directory_state::told(const msg::slots_told& what) {
  std::set<run_id> concerned;
  if (what.slot) {
    const auto& key = *what.slot;
    if (const auto found = waiting.find(key); found != waiting.end())
      concerned = found->second;
    if (const auto found = passed_over.find({key.workflow, key.trigger});
        found != passed_over.end())
      concerned.insert(found->second.begin(), found->second.end());
    const auto waits = [&](const watched& at) {
      const auto& slots = at.edge.slots;
      return at.edge.workflow == key.workflow && at.edge.trigger == key.trigger &&
             (passes_over(at, key.slot) ||
              std::find(slots.begin(), slots.end(), key.slot) != slots.end());
    };
    for (const auto run : concerned)
      judge_again(run, waits, key.slot);
    return;
  }
  const auto of_workflow = [&](const watched& at) { return at.edge.workflow == what.workflow; };
  for (const auto& [run, of] : watchers)
    if (std::any_of(of.edges.begin(), of.edges.end(), of_workflow))
      concerned.insert(run);
  for (const auto run : concerned)
    judge_again(run, of_workflow);
}

std::vector<blocked_by> directory_state::explain(const msg::edges_query& what) const {
  std::vector<blocked_by> out;
  const auto found = watchers.find(what.run);
  if (found == watchers.end())
    return out;
  edge_lookup store{*context};
  for (const auto& at : found->second.edges) {
    if (!what.tasks.empty() &&
        std::find(what.tasks.begin(), what.tasks.end(), at.edge.task) == what.tasks.end())
      continue;
    if (at.edge.slots.empty())
      out.push_back({"upstream", at.edge.workflow + '/' + at.edge.trigger,
                     "waits for a slot of " + at.edge.workflow + '/' + at.edge.trigger +
                         ", but it has none there; `missing: satisfied` or `fail` would say what "
                         "that means",
                     never});
    for (std::size_t i = 0; i < at.slots.size() && out.size() < max_causes; ++i)
      // A window may be satisfied in part: only what is still missing is a cause.
      if (at.slots[i].what != bound_state::kind::ended ||
          at.slots[i].outcome != upstream_class::success)
        out.push_back(store.explain(at.edge, at.edge.slots[i]));
  }
  return out;
}

directory_actor::behavior_type directory(directory_actor::stateful_pointer<directory_state> self,
                                         context_ptr context) {
  self->state.self = self;
  self->set_exception_handler(log_crash);
  self->state.context = std::move(context);
  return {
      [self](const msg::watch_edges& what, const run_actor& who) { self->state.watch(what, who); },
      [self](const msg::forget_edges& what) { self->state.forget(what.run); },
      [self](const msg::task_told& what) { self->state.told(what); },
      [self](const msg::slots_told& what) { self->state.told(what); },
      [self](const msg::edges_query& what) { return self->state.explain(what); },
  };
}

} // namespace pinion
