#include "actors/dispatcher.hpp"

#include "actors/crash.hpp"
#include "pinion/model/mutation.hpp"

namespace pinion {

namespace {
/// Holders of a pool that `why` names.
constexpr std::size_t most_holders = 5;
} // namespace

pool_number dispatcher_state::number_of(const std::string& project, const std::string& pool) {
  const auto next = static_cast<pool_number>(names.size());
  const auto [at, fresh] = numbers.try_emplace({project, pool}, next);
  if (fresh)
    names.push_back(project.empty() ? pool : project + '.' + pool);
  return at->second;
}

std::vector<pool_units> dispatcher_state::units_of(const std::string& project,
                                                   const std::vector<pool_need>& pools,
                                                   const std::vector<task_limit>& limits,
                                                   bool slot) {
  std::vector<pool_units> out;
  if (slot)
    out.push_back({slots, 1});
  for (const auto& limit : limits) {
    const auto number = number_of({}, limit.name);
    if (ledger.capacity(number) != limit.most) // As the version says that asked last.
      ledger.set_capacity(number, limit.most);
    out.push_back({number, 1});
  }
  for (const auto& need : pools)
    out.push_back({number_of(project, need.pool), need.permits});
  return out;
}

void dispatcher_state::count(const instance_key& key, int by) {
  if (const auto found = needs.find(key); found != needs.end())
    for (const auto& unit : found->second)
      queued[unit.pool] += static_cast<std::uint32_t>(by);
}

void dispatcher_state::ask(const permit_order& order) {
  asking[order.key] = {order.who, order.request};
  auto units = units_of(order.project, order.pools, order.limits, order.slot);
  const auto former = needs.find(order.key);
  // Its pools were edited after it had asked: what it asked for, or was granted, is void.
  if (former != needs.end() && former->second != units) {
    withdraw(order.key);
    asking[order.key] = {order.who, order.request};
  } else if (ledger.holds(order.key)) {
    // Its actor was restarted after the grant, or it was frozen and thawed since.
    self->send(order.who, msg::permits_granted{order.request});
    return;
  }
  // Larger than any priority: the band decides first.
  constexpr std::uint8_t band_width = 16;
  const auto urgency = static_cast<std::uint8_t>(
      static_cast<std::uint8_t>(order.band) * band_width + order.priority);
  if (ledger.enqueue({order.key, units, urgency, ++sequence}) == enqueue_result::known) {
    ledger.reprioritise(order.key, urgency);
  } else {
    needs[order.key] = std::move(units);
    count(order.key, 1);
  }
  // Decided once for all requests that are in the mailbox now.
  if (!grant_queued) {
    grant_queued = true;
    self->send(self, msg::flush{});
  }
}

void dispatcher_state::withdraw(const instance_key& key) {
  if (ledger.withdraw(key)) {
    count(key, -1);
    needs.erase(key);
    asking.erase(key);
  } else {
    release(key);
  }
}

void dispatcher_state::release(const instance_key& key) {
  asking.erase(key);
  needs.erase(key);
  if (PINION_MUTATION("lose_permit_release"))
    return;
  if (ledger.release(key))
    grant();
}

void dispatcher_state::restore(const msg::restore_permits& what) {
  if (PINION_MUTATION("forget_permits_on_restart"))
    return;
  ledger.restore(what.key, units_of(what.project, what.pools, what.limits, what.slot));
}

void dispatcher_state::set_pools(const msg::set_pools& what) {
  for (const auto& [key, number] : numbers)
    if (key.first == what.project && !what.pools.contains(key.second))
      ledger.set_capacity(number, 0);
  for (const auto& [pool, permits] : what.pools)
    ledger.set_capacity(number_of(what.project, pool), permits);
  grant();
}

void dispatcher_state::grant() {
  if (held && !PINION_MUTATION("ignore_hold"))
    return;
  for (const auto& granted : ledger.grant_next()) {
    count(granted.key, -1);
    const auto who = asking.find(granted.key);
    if (who != asking.end())
      self->send(who->second.who, msg::permits_granted{who->second.request});
    else
      ledger.release(granted.key);
  }
}

msg::queue_position dispatcher_state::position(const instance_key& key) const {
  msg::queue_position out;
  out.held = held;
  out.granted = ledger.holds(key);
  const auto standing = ledger.standing(key);
  out.known = standing.has_value() || out.granted;
  if (!standing)
    return out;
  out.position = static_cast<std::uint32_t>(standing->position);
  out.never = standing->never;
  out.behind = standing->behind;
  const auto pool = standing->short_of.empty() ? slots : standing->short_of.front();
  out.pool = names[pool];
  out.limit = numbers.contains({std::string{}, out.pool});
  out.capacity = ledger.capacity(pool);
  out.used = ledger.out(pool);
  for (const auto& holder : ledger.holders_of(pool))
    if (out.holders.size() < most_holders)
      out.holders.push_back(holder.key);
  return out;
}

std::vector<instance_key> dispatcher_state::holders() const {
  std::vector<instance_key> out;
  for (const auto& holder : ledger.holders_of(slots))
    out.push_back(holder.key);
  return out;
}

std::vector<pool_status> dispatcher_state::pools() const {
  const auto describe = [&](std::string project, std::string pool, pool_number number) {
    const auto waiting = queued.find(number);
    return pool_status{std::move(project), std::move(pool), ledger.capacity(number),
                       ledger.out(number), waiting == queued.end() ? 0 : waiting->second};
  };
  std::vector<pool_status> out{describe("", "slots", slots)};
  for (const auto& [key, number] : numbers)
    if (!key.first.empty())
      out.push_back(describe(key.first, key.second, number));
  return out;
}

dispatcher_actor::behavior_type
dispatcher(dispatcher_actor::stateful_pointer<dispatcher_state> self, context_ptr context,
           bool held) {
  auto& state = self->state;
  state.self = self;
  self->set_exception_handler(log_crash);
  state.context = std::move(context);
  state.held = held;
  state.ledger.set_capacity(dispatcher_state::slots, state.context->options.slots);
  return {
      [self](const permit_order& order) { self->state.ask(order); },
      [self](const msg::withdraw& what) { self->state.withdraw(what.key); },
      [self](const msg::release_permits& what) { self->state.release(what.key); },
      [self](const msg::set_pools& what) { self->state.set_pools(what); },
      [self](const msg::set_hold& what) {
        self->state.held = what.held;
        self->state.grant();
      },
      [self](const msg::flush&) {
        self->state.grant_queued = false;
        self->state.grant();
      },
      [self](const msg::restore_permits& what) { self->state.restore(what); },
      [self](const msg::position_query& what) { return self->state.position(what.key); },
      [self](const msg::pools_query&) { return self->state.pools(); },
      [self](const msg::holders_query&) { return self->state.holders(); },
  };
}

} // namespace pinion
