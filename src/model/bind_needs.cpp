#include "bound_slots.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>
#include <set>

namespace pinion {
namespace {

class binder {
public:
  binder(const workflow_definition& of, const binding_slot& at, const trigger_directory& others,
         zone in)
      : of_(of), at_(at), others_(others), id_(of.id()), me_{at.slot, at.interval, in} {}

  result<std::vector<bound_edge>> bind() {
    BOOST_OUTCOME_TRY(find_own_trigger());
    for (std::uint32_t task = 0; task < of_.tasks.size(); ++task) {
      if (of_.tasks[task].fallback_of)
        continue; // Its primary's needs are its own.
      if (of_.tasks[task].is_end_task())
        continue; // It waits for its run alone.
      BOOST_OUTCOME_TRY(bind_outside(task));
      bind_previous(task);
      if (after_ && of_.tasks[task].needs.empty())
        bind_gate(task);
    }
    return std::move(edges_);
  }

private:
  problem no_upstream(const std::string& workflow, const std::string& trigger) const {
    if (!trigger.empty())
      return {errc::not_found,
              id_ + " needs " + workflow + '/' + trigger + ", which does not exist"};
    return {errc::not_found,
            id_ + " needs " + workflow + ", which does not exist or has not exactly one trigger",
            "name the one that is meant with `trigger:`"};
  }

  /// The trigger's id and what is known of it.
  result<known_trigger> find(const std::string& workflow, std::string& trigger) const {
    if (trigger.empty())
      trigger = others_.only_trigger(workflow);
    if (!trigger.empty())
      if (auto known = others_.find(workflow, trigger); known && known->slots != nullptr)
        return *known;
    return no_upstream(workflow, trigger);
  }

  /// What the slot's own trigger says: the slot before this one, and whom the run follows.
  result<void> find_own_trigger() {
    const auto own = std::find_if(of_.triggers.begin(), of_.triggers.end(),
                                  [this](const auto& each) { return each.id == at_.trigger; });
    if (own == of_.triggers.end())
      return ok(); // @manual and the like.
    const auto* slots = &own->slots;
    if (own->after) {
      after_ = &*own->after;
      followed_ = after_->trigger;
      BOOST_OUTCOME_TRY(known, find(after_->workflow, followed_));
      slots = known.slots;
    }
    if (const auto before = previous_slot(*slots, at_.slot))
      previous_ = before->at;
    return ok();
  }

  result<void> bind_outside(std::uint32_t task) {
    const auto& needs = of_.tasks[task].outside_needs;
    for (std::uint32_t place = 0; place < needs.size(); ++place) {
      const auto& need = needs[place];
      bound_edge edge;
      edge.task = task;
      edge.need = place;
      edge.workflow = need.workflow;
      edge.trigger = need.trigger;
      BOOST_OUTCOME_TRY(known, find(edge.workflow, edge.trigger));
      edge.upstream_task = need.task;
      edge.state = need.state;
      edge.missing = need.missing;
      edge.list = need.window != need_window::none || need.last > 0;
      BOOST_OUTCOME_TRY(slots, bound_slots(need, me_, known));
      edge.slots = std::move(slots);
      // The first instance ever of a chain needs none before it.
      if (edge.slots.empty() && edge.workflow == id_ && edge.trigger == at_.trigger)
        edge.missing = missing_policy::satisfied;
      edges_.push_back(std::move(edge));
    }
    return ok();
  }

  void bind_previous(std::uint32_t task) {
    if (!previous_ || PINION_MUTATION("forget_previous_slot"))
      return;
    const auto& definition = of_.tasks[task];
    switch (definition.depends_on_previous) {
    case previous_need::none:
      return;
    case previous_need::self:
      return bind_previous(task, task);
    case previous_need::tasks:
      for (const auto upstream :
           std::set(definition.previous_tasks.begin(), definition.previous_tasks.end()))
        bind_previous(task, upstream);
      return;
    case previous_need::children:
      for (const auto child : children_of(task))
        bind_previous(task, child);
      return;
    }
  }

  const std::vector<std::uint32_t>& children_of(std::uint32_t task) {
    if (children_.empty()) {
      children_.resize(of_.tasks.size());
      for (std::uint32_t child = 0; child < of_.tasks.size(); ++child)
        for (const auto need : of_.tasks[child].needs)
          children_[need].push_back(child);
    }
    return children_[task];
  }

  void bind_previous(std::uint32_t task, std::uint32_t upstream) {
    bound_edge edge;
    edge.task = task;
    edge.need = bound_edge::first_previous + upstream;
    edge.workflow = id_;
    edge.trigger = at_.trigger;
    edge.upstream_task = of_.tasks[upstream].name;
    edge.missing = missing_policy::satisfied;
    edge.slots = {*previous_};
    edges_.push_back(std::move(edge));
  }

  void bind_gate(std::uint32_t task) {
    bound_edge edge;
    edge.task = task;
    edge.need = bound_edge::after_gate;
    edge.workflow = after_->workflow;
    edge.trigger = followed_;
    edge.state = after_->state;
    edge.missing = missing_policy::skip;
    edge.slots = {at_.slot};
    edges_.push_back(std::move(edge));
  }

  const workflow_definition& of_;
  const binding_slot& at_;
  const trigger_directory& others_;
  std::string id_;
  waiting_side me_;
  const followed_trigger* after_ = nullptr;
  std::string followed_;
  std::optional<instant> previous_;
  std::vector<std::vector<std::uint32_t>> children_; ///< By task; made when first asked for.
  std::vector<bound_edge> edges_;
};

} // namespace

result<std::vector<bound_edge>> bind_needs(const workflow_definition& of, const binding_slot& at,
                                           const trigger_directory& others) {
  BOOST_OUTCOME_TRY(in, zone::load(of.timezone));
  return binder{of, at, others, in}.bind();
}

} // namespace pinion
