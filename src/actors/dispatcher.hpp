#pragma once

#include "actors/context.hpp"
#include "pinion/model/permits.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <unordered_map>

namespace pinion {

/// The shell around the permit ledger: names of pools to numbers, requests to actors.
struct dispatcher_state {
  static inline constexpr const char* name = "dispatcher";
  /// Worker slots: the ledger wants them to be pool 0.
  static constexpr pool_number slots = 0;

  dispatcher_actor::stateful_pointer<dispatcher_state> self = nullptr;
  context_ptr context;
  permit_ledger ledger;
  /// By project and name; limits of definitions stand under no project.
  std::map<std::pair<std::string, std::string>, pool_number> numbers;
  std::vector<std::string> names{"slots"}; ///< By number.
  struct asker {
    instance_actor who;
    std::uint32_t request = 0;
  };
  std::unordered_map<instance_key, asker> asking;        ///< Queued or granted.
  std::unordered_map<pool_number, std::uint32_t> queued; ///< Requests that need the pool.
  std::unordered_map<instance_key, std::vector<pool_units>> needs;
  std::uint64_t sequence = 0;
  bool held = false;
  bool grant_queued = false;

  void ask(const permit_order& order);
  void withdraw(const instance_key& key);
  void release(const instance_key& key);
  void restore(const msg::restore_permits& what);
  void set_pools(const msg::set_pools& what);
  void grant();
  msg::queue_position position(const instance_key& key) const;
  std::vector<pool_status> pools() const;
  std::vector<instance_key> holders() const;

private:
  pool_number number_of(const std::string& project, const std::string& pool);
  std::vector<pool_units> units_of(const std::string& project, const std::vector<pool_need>& pools,
                                   const std::vector<task_limit>& limits, bool slot);
  void count(const instance_key& key, int by);
};

dispatcher_actor::behavior_type
dispatcher(dispatcher_actor::stateful_pointer<dispatcher_state> self, context_ptr context,
           bool held);

} // namespace pinion
