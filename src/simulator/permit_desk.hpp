#pragma once

#include "pinion/model/permits.hpp"
#include "pinion/model/task_limits.hpp"
#include "pinion/simulator/simulation.hpp"

#include <unordered_map>

namespace pinion::simulator {

/// Adds up what one pool does, hour by hour.
class pool_meter {
public:
  /// Time goes on to `now`: what stood until then is counted.
  void advance(instant now);
  void change(instant now, std::int64_t used, std::int64_t queued);
  std::vector<pool_hour> take(instant now);

private:
  void turn_hour();
  pool_hour hour_;
  instant counted_to_{};
  std::uint32_t used_ = 0;
  std::uint32_t queued_ = 0;
  std::vector<pool_hour> hours_;
};

/// The dispatcher: gives permits as the engine's does, and keeps the meters.
class permit_desk {
public:
  permit_desk(const simulated_set& of, std::uint32_t slots);

  /// Asks for what the task needs; granted at the next `grant`.
  void ask(const instance_key& key, const workflow_definition& workflow, std::uint8_t priority,
           instant now);
  /// No longer wanted, queued or granted.
  void withdraw(const instance_key& key, instant now);
  /// True if it held something: then others may be granted.
  bool release(const instance_key& key, instant now);
  std::vector<permit_grant> grant(instant now);
  bool holds(const instance_key& key) const noexcept { return ledger_.holds(key); }
  std::vector<simulated_pool> take(instant now);

private:
  pool_number number_of(const std::string& project, const std::string& pool);
  pool_number numbered(std::string name);
  void meter(const std::vector<pool_units>& units, instant now, int used, int queued);

  permit_ledger ledger_;
  std::map<std::string, pool_number> numbers_;
  std::vector<std::string> names_;
  std::vector<pool_meter> meters_;
  std::unordered_map<instance_key, std::vector<pool_units>> queued_;
  std::unordered_map<instance_key, std::vector<pool_units>> held_;
  std::uint64_t sequence_ = 0;
};

} // namespace pinion::simulator
