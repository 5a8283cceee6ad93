#include "simulator/permit_desk.hpp"

#include <algorithm>

namespace pinion::simulator {
namespace {

constexpr pool_number slots_pool = 0;
constexpr duration hour{std::chrono::hours{1}};

double share(duration of) {
  return static_cast<double>(of.count()) / static_cast<double>(hour.count());
}

} // namespace

void pool_meter::turn_hour() {
  if (counted_to_ < hour_.start + hour)
    return;
  if (hour_.most_used > 0 || hour_.most_queued > 0)
    hours_.push_back(hour_);
  hour_ = {std::chrono::floor<std::chrono::hours>(counted_to_), 0, 0, 0, 0};
}

// What comes and goes at one instant is not seen.
void pool_meter::advance(instant now) {
  if (used_ == 0 && queued_ == 0)
    counted_to_ = now;
  while (counted_to_ < now) {
    turn_hour();
    const auto end = std::min(now, hour_.start + hour);
    const auto part = share(end - counted_to_);
    hour_.used += part * used_;
    hour_.queued += part * queued_;
    hour_.most_used = std::max(hour_.most_used, used_);
    hour_.most_queued = std::max(hour_.most_queued, queued_);
    counted_to_ = end;
  }
  turn_hour();
}

void pool_meter::change(instant now, std::int64_t used, std::int64_t queued) {
  advance(now);
  used_ = static_cast<std::uint32_t>(used_ + used);
  queued_ = static_cast<std::uint32_t>(queued_ + queued);
}

std::vector<pool_hour> pool_meter::take(instant now) {
  advance(now);
  if (hour_.most_used > 0 || hour_.most_queued > 0)
    hours_.push_back(hour_);
  return std::move(hours_);
}

permit_desk::permit_desk(const simulated_set& of, std::uint32_t slots) {
  names_.emplace_back("slots");
  meters_.emplace_back();
  ledger_.set_capacity(slots_pool, slots);
  for (const auto& [project, settings] : of.projects)
    for (const auto& [pool, permits] : settings.pools)
      ledger_.set_capacity(number_of(project, pool), permits);
}

pool_number permit_desk::number_of(const std::string& project, const std::string& pool) {
  return numbered(project + '.' + pool);
}

pool_number permit_desk::numbered(std::string name) {
  const auto [at, fresh] = numbers_.try_emplace(name, static_cast<pool_number>(names_.size()));
  if (fresh) {
    names_.push_back(std::move(name));
    meters_.emplace_back();
  }
  return at->second;
}

void permit_desk::meter(const std::vector<pool_units>& units, instant now, int used, int queued) {
  for (const auto& unit : units)
    meters_[unit.pool].change(now, used * static_cast<std::int64_t>(unit.units), queued);
}

void permit_desk::ask(const instance_key& key, const workflow_definition& workflow,
                      std::uint8_t priority, instant now) {
  const auto& task = workflow.tasks[key.task];
  permit_request request{key, {}, priority, ++sequence_};
  if (has_process(task.type))
    request.needs.push_back({slots_pool, 1});
  for (const auto& limit : limits_of(workflow, key.task)) {
    const auto number = numbered(limit.name);
    ledger_.set_capacity(number, limit.most);
    request.needs.push_back({number, 1});
  }
  for (const auto& need : task.pools)
    request.needs.push_back({number_of(workflow.project, need.pool), need.permits});
  if (ledger_.enqueue(request) == enqueue_result::known)
    return;
  meter(request.needs, now, 0, 1);
  queued_[key] = std::move(request.needs);
}

void permit_desk::withdraw(const instance_key& key, instant now) {
  const auto found = queued_.find(key);
  if (found == queued_.end())
    return;
  ledger_.withdraw(key);
  meter(found->second, now, 0, -1);
  queued_.erase(found);
}

bool permit_desk::release(const instance_key& key, instant now) {
  if (!ledger_.release(key))
    return false;
  if (const auto found = held_.find(key); found != held_.end()) {
    meter(found->second, now, -1, 0);
    held_.erase(found);
  }
  return true;
}

std::vector<permit_grant> permit_desk::grant(instant now) {
  auto granted = ledger_.grant_next();
  for (const auto& each : granted) {
    auto units = queued_.extract(each.key);
    meter(units.mapped(), now, 1, -1);
    held_.insert(std::move(units));
  }
  return granted;
}

std::vector<simulated_pool> permit_desk::take(instant now) {
  std::vector<simulated_pool> out;
  for (pool_number pool = 0; pool < names_.size(); ++pool)
    out.push_back({names_[pool], ledger_.capacity(pool), meters_[pool].take(now)});
  return out;
}

} // namespace pinion::simulator
