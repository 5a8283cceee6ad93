#include "pinion/model/permits.hpp"

#include "pinion/model/mutation.hpp"

#include <algorithm>
#include <functional>
#include <queue>

namespace pinion {
namespace {

std::vector<pool_units> ordered(std::vector<pool_units> needs) {
  std::sort(needs.begin(), needs.end(), std::greater<>{});
  return needs;
}

bool share_a_pool(const std::vector<pool_units>& a, const std::vector<pool_units>& b) {
  return std::any_of(a.begin(), a.end(), [&b](const pool_units& need) {
    return std::any_of(b.begin(), b.end(),
                       [&](const pool_units& other) { return other.pool == need.pool; });
  });
}

} // namespace

void permit_ledger::set_capacity(pool_number pool, std::uint32_t permits) {
  pools_[pool].capacity = permits;
  changed_ = true;
}

enqueue_result permit_ledger::enqueue(const permit_request& request) {
  if (queued_.contains(request.key) || holders_.contains(request.key))
    return enqueue_result::known;
  const auto group = groups_.try_emplace(ordered(request.needs)).first;
  const rank at{static_cast<std::uint8_t>(255 - request.priority), request.sequence, request.key};
  group->second.insert(at);
  queued_.emplace(request.key, place{group, at});
  changed_ = true;
  return impossible(group->first) ? enqueue_result::too_large : enqueue_result::queued;
}

bool permit_ledger::withdraw(const instance_key& key) {
  const auto found = queued_.find(key);
  if (found == queued_.end())
    return false;
  const auto group = found->second.group;
  group->second.erase(found->second.at);
  queued_.erase(found);
  if (group->second.empty())
    groups_.erase(group);
  changed_ = true;
  return true;
}

bool permit_ledger::reprioritise(const instance_key& key, std::uint8_t priority) {
  const auto found = queued_.find(key);
  if (found == queued_.end())
    return false;
  auto& [group, at] = found->second;
  group->second.erase(at);
  at.urgency = static_cast<std::uint8_t>(255 - priority);
  group->second.insert(at);
  changed_ = true;
  return true;
}

std::vector<permit_grant> permit_ledger::grant_next() {
  std::vector<permit_grant> grants;
  if (!changed_)
    return grants;
  changed_ = false;
  struct head {
    rank at;
    group_map::iterator group;
    bool operator>(const head& other) const { return at > other.at; }
  };
  std::priority_queue<head, std::vector<head>, std::greater<>> heads;
  for (auto group = groups_.begin(); group != groups_.end(); ++group)
    if (!impossible(group->first))
      heads.push({*group->second.begin(), group});
  reservations reserved;
  while (!heads.empty()) {
    const auto [at, group] = heads.top();
    heads.pop();
    if (!fits(group->first, reserved)) {
      reserve(group->first, reserved); // Those behind it in the group need the same: they wait too.
      continue;
    }
    take(at.key, group->first);
    grants.push_back({at.key, group->first});
    queued_.erase(at.key);
    group->second.erase(group->second.begin());
    if (group->second.empty())
      groups_.erase(group);
    else
      heads.push({*group->second.begin(), group});
  }
  return grants;
}

bool permit_ledger::release(const instance_key& key) {
  const auto found = holders_.find(key);
  if (found == holders_.end())
    return false;
  for (const auto& need : found->second)
    pools_[need.pool].out -= need.units;
  holders_.erase(found);
  changed_ = true;
  return true;
}

void permit_ledger::restore(const instance_key& key, std::vector<pool_units> needs) {
  withdraw(key);
  if (holders_.contains(key))
    return;
  take(key, ordered(std::move(needs)));
  changed_ = true;
}

std::uint32_t permit_ledger::capacity(pool_number pool) const noexcept {
  return pool_of(pool).capacity;
}

std::uint32_t permit_ledger::out(pool_number pool) const noexcept { return pool_of(pool).out; }

std::optional<queue_standing> permit_ledger::standing(const instance_key& key) const {
  const auto found = queued_.find(key);
  if (found == queued_.end())
    return std::nullopt;
  const auto& needs = found->second.group->first;
  queue_standing standing;
  standing.never = impossible(needs);
  for (const auto& need : needs)
    if (pool_of(need.pool).free() < need.units)
      standing.short_of.push_back(need.pool);
  std::optional<rank> first_before;
  for (const auto& [others, ranks] : groups_) {
    if (!share_a_pool(others, needs))
      continue;
    const auto before = std::distance(ranks.begin(), ranks.lower_bound(found->second.at));
    standing.position += static_cast<std::uint64_t>(before);
    if (before > 0 && !impossible(others) && (!first_before || *ranks.begin() < *first_before))
      first_before = *ranks.begin();
  }
  if (standing.short_of.empty() && first_before)
    standing.behind = first_before->key;
  return standing;
}

std::vector<permit_grant> permit_ledger::holders_of(pool_number pool) const {
  std::vector<permit_grant> holders;
  for (const auto& [key, needs] : holders_)
    if (std::any_of(needs.begin(), needs.end(),
                    [pool](const pool_units& need) { return need.pool == pool; }))
      holders.push_back({key, needs});
  std::sort(holders.begin(), holders.end(),
            [](const permit_grant& a, const permit_grant& b) { return a.key < b.key; });
  return holders;
}

bool permit_ledger::impossible(const needs_list& needs) const noexcept {
  return std::any_of(needs.begin(), needs.end(), [this](const pool_units& need) {
    return need.units > pool_of(need.pool).capacity;
  });
}

bool permit_ledger::fits(const needs_list& needs, const reservations& reserved) const noexcept {
  if (PINION_MUTATION("grant_more_than_there_is"))
    return true;
  return std::all_of(needs.begin(), needs.end(), [&](const pool_units& need) {
    const auto held_back = reserved.find(need.pool);
    const auto kept = held_back == reserved.end() ? 0 : held_back->second;
    return pool_of(need.pool).free() >= kept + need.units;
  });
}

void permit_ledger::reserve(const needs_list& needs, reservations& reserved) const {
  for (const auto& need : needs) {
    auto& kept = reserved[need.pool];
    kept += need.units;
    if (pool_of(need.pool).free() < kept)
      return;
  }
}

void permit_ledger::take(const instance_key& key, const needs_list& needs) {
  for (const auto& need : needs)
    pools_[need.pool].out += need.units;
  holders_.emplace(key, needs);
}

permit_ledger::tally permit_ledger::pool_of(pool_number number) const noexcept {
  const auto found = pools_.find(number);
  return found == pools_.end() ? tally{} : found->second;
}

} // namespace pinion
