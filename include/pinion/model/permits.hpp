#pragma once

#include "pinion/model/ids.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace pinion {

/// A pool, as the dispatcher numbers them. Worker slots are a pool like the others and should have
/// number 0: see the order of reserving at `permit_ledger`.
using pool_number = std::uint32_t;

/// So many permits of one pool.
struct pool_units {
  pool_number pool = 0;
  std::uint32_t units = 1;
  friend auto operator<=>(const pool_units&, const pool_units&) = default;
};

struct permit_request {
  instance_key key;
  std::vector<pool_units> needs; ///< In any order; each pool at most once. Empty: granted at once.
  std::uint8_t priority = 5;     ///< 1-9, larger first.
  std::uint64_t sequence = 0;    ///< Among equals, smaller first.
};

struct permit_grant {
  instance_key key;
  std::vector<pool_units> needs;
};

enum class enqueue_result : std::uint8_t {
  queued,
  /// In the queue, but asks for more than a pool has in all; it waits for a larger pool.
  too_large,
  /// Queued or granted already: nothing changed.
  known,
};

/// Why a request waits.
struct queue_standing {
  std::uint64_t position = 1;        ///< 1 + requests before it that need one of its pools.
  bool never = false;                ///< See enqueue_result.
  std::vector<pool_number> short_of; ///< Pools with fewer free permits than it needs.
  /// If no pool is short: the first request before it that reserves what it needs.
  std::optional<instance_key> behind;
};

/// Who waits for and who holds permits: the pure part of the DISPATCHER. Decides in the order of
/// priority, then sequence; a request gets all its permits at once or none.
///
/// The first request of a group (same needs) that does not fit RESERVES, so that small requests
/// behind it cannot starve it: it walks its pools from the largest number to the smallest and keeps
/// its units free in each, up to and including the first pool that is short. What is not reserved
/// may be granted past it. The order matters: a request that waits for a full pool holds back
/// nothing of the pools after it, so with worker slots as pool 0 a full pool never idles a worker.
/// Within one order there is no circle of reservations, so the request of highest rank is always
/// served next. Requests that ask for more than a pool has do not reserve.
///
/// A decision looks at the head of each group only: O(groups + grants * log requests). For one
/// thread.
class permit_ledger {
public:
  /// Sets the size of a pool; may lie below what is out, then nothing is granted until enough came
  /// back. A pool that was never set has 0.
  void set_capacity(pool_number pool, std::uint32_t permits);

  enqueue_result enqueue(const permit_request& request);

  /// Takes a request out of the queue; false if it is not queued (it may have been granted).
  bool withdraw(const instance_key& key);

  /// Moves a queued request to another priority, keeping its sequence; false if it is not queued.
  bool reprioritise(const instance_key& key, std::uint8_t priority);

  /// Grants what can be granted now, in order.
  std::vector<permit_grant> grant_next();

  /// Takes back what `key` holds; false if it holds nothing.
  bool release(const instance_key& key);

  /// Enters what a row says is held, also beyond the capacity. A queued request of the same key is
  /// withdrawn; a holder that is known is not entered twice.
  void restore(const instance_key& key, std::vector<pool_units> needs);

  std::uint32_t capacity(pool_number pool) const noexcept;
  std::uint32_t out(pool_number pool) const noexcept;
  std::size_t queued() const noexcept { return queued_.size(); }
  bool holds(const instance_key& key) const noexcept { return holders_.contains(key); }

  /// For `why`; nothing if it is not queued. Costs O(queued).
  std::optional<queue_standing> standing(const instance_key& key) const;

  /// Who holds permits of the pool, by key. Costs O(holders).
  std::vector<permit_grant> holders_of(pool_number pool) const;

private:
  /// Larger priority first, then smaller sequence; the key makes it total.
  struct rank {
    std::uint8_t urgency = 0; ///< 255 - priority.
    std::uint64_t sequence = 0;
    instance_key key;
    friend auto operator<=>(const rank&, const rank&) = default;
  };
  struct tally {
    std::uint32_t capacity = 0;
    std::uint32_t out = 0;
    std::uint32_t free() const noexcept { return capacity > out ? capacity - out : 0; }
  };
  using needs_list = std::vector<pool_units>; ///< Largest pool number first.
  using group_map = std::map<needs_list, std::set<rank>>;
  struct place {
    group_map::iterator group;
    rank at;
  };
  using reservations = std::map<pool_number, std::uint64_t>;

  bool impossible(const needs_list& needs) const noexcept;
  bool fits(const needs_list& needs, const reservations& reserved) const noexcept;
  void reserve(const needs_list& needs, reservations& reserved) const;
  void take(const instance_key& key, const needs_list& needs);
  tally pool_of(pool_number number) const noexcept;

  std::map<pool_number, tally> pools_;
  group_map groups_;
  std::unordered_map<instance_key, place> queued_;
  std::unordered_map<instance_key, needs_list> holders_;
  bool changed_ = false; ///< Since the last decision.
};

} // namespace pinion
