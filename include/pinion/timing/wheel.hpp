#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

// The timing wheel: where everything that waits for a moment lies.
//
// An engine holds very many timers (slots, retries, timeouts, deadlines), most of which are
// cancelled before they fire. A heap pays log n for each; the hierarchical wheel of Varghese and
// Lauck
// ("Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 7) pays a constant.
//
// Write the tick in which an entry is due as a number. Its lowest 12 bits choose one of 4096 slots
// of level 0, each further group of 7 bits one of 128 slots of the next level. An entry lies on the
// level of the highest group in which its tick differs from the wheel's present tick. So level 0
// holds what is due within the present 4096 ticks (4 s at one tick a millisecond), one list for
// each tick; level 1 holds the rest of the present 9 minutes; and the ninth level ends with the
// last u64: no entry is too far. When the wheel enters a slot of a higher level, that slot's
// entries move down: at most eight times in the life of an entry, once for the typical one. The
// first level is wide because these moves, each a cache miss, are what a wheel spends its time on.
//
// Order. All entries of one tick lie in one list, at any time: they agree in all bits, so they
// differ from the present tick in the same group. New ones go to the end and a moving list keeps
// its order; so within a tick what was armed first fires first, however far ahead it was armed.
//
// No ticking. Bitmaps say which slots are used: `next_due` and `advance` jump from one used slot to
// the next, and cost the same for a minute and for a year in which nothing is due.
//
//     wheel timers{now_ms};
//     auto id = timers.arm(now_ms + 30'000, payload);
//     ...                                         // sleep until *timers.next_due()
//     std::vector<expired_timer> due;
//     while (timers.advance(now_ms, 1000, due))   // bounded: let others have a turn in between
//       handle_and_clear(due);

namespace pinion {

/// Time as the wheel counts it: milliseconds of either time base, since whatever zero its owner
/// chose.
using tick = std::uint64_t;

/// Names an armed entry. An id is never right for two entries: after its entry has fired or was
/// cancelled it is stale, and harmless. The default value names nothing.
struct timer_id {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  explicit operator bool() const noexcept { return generation != 0; }
  friend bool operator==(timer_id, timer_id) = default;
};

/// An entry that came due. `at` is the tick for which it was armed, or, if that lay in the past
/// already, the wheel's tick at that time.
struct expired_timer {
  tick at = 0;
  timer_id id;
  std::uint64_t payload = 0;

  friend bool operator==(const expired_timer&, const expired_timer&) = default;
};

/// A hierarchical timing wheel. It reads no clock and calls nobody back: `now` is an argument, what
/// is due is returned. For one thread. Up to 2^32 - 2 entries.
class wheel {
public:
  static constexpr std::size_t levels = 9;

  /// What `pinionctl wheel` shows.
  struct statistics {
    tick now = 0;
    std::optional<tick> next_due; ///< Exact.
    std::array<std::size_t, levels> entries{};
    std::size_t memory_bytes = 0;
    // Totals since construction.
    std::uint64_t armed = 0;
    std::uint64_t fired = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t moved = 0; ///< Moves of an entry to a lower level.
  };

  explicit wheel(tick now = 0);

  /// Adds an entry that is due at `at`; in the past means at once. O(1).
  timer_id arm(tick at, std::uint64_t payload);

  /// Removes an entry. Returns false, and changes nothing, when the id is stale. O(1).
  bool cancel(timer_id id) noexcept;

  /// When to call `advance` next: the tick of the earliest entry, or nothing when there is none.
  /// Never later than that tick. Earlier only if the earliest entry was cancelled while it lay
  /// above level 0: then the tick that it had, or an earlier one; an `advance` then finds nothing
  /// due, and the next answer is better. O(1).
  std::optional<tick> next_due() const noexcept;

  /// Moves the wheel to `now` and appends what is due, at most `max_expired` entries, to `out`, in
  /// order of tick and first in, first out within a tick. Returns whether more is due: then the
  /// wheel stands at the tick where it stopped, and goes on with the next call. What is armed or
  /// cancelled between the calls counts. A `now` before the wheel's tick counts as that tick.
  /// The bound does not cover moves between levels; an entry that fires has moved at most eight
  /// times.
  bool advance(tick now, std::size_t max_expired, std::vector<expired_timer>& out);

  /// Sets the wheel back to `now`, for a clock that was stepped back: entries keep their ticks and
  /// order. What was already due stays due at once. Does nothing if `now` is not before the
  /// wheel's tick. O(n).
  void rewind(tick now);

  /// The tick to which the wheel has advanced.
  tick now() const noexcept { return now_; }

  /// Number of entries that are armed.
  std::size_t size() const noexcept { return size_; }

  /// Bytes held, slots and free entries included.
  std::size_t memory_bytes() const noexcept;

  /// O(entries of one slot), because it answers exactly.
  statistics stats() const;

private:
  using index = std::uint32_t;
  static constexpr index none = UINT32_MAX;
  static constexpr unsigned first_bits = 12;
  static constexpr unsigned higher_bits = 7;
  static constexpr std::size_t first_slots = std::size_t{1} << first_bits;
  static constexpr std::size_t higher_slots = std::size_t{1} << higher_bits;
  static constexpr std::size_t all_slots = first_slots + (levels - 1) * higher_slots;

  /// An armed entry, or a free one: then `next` is the next free one and `generation` the one that
  /// its next user gets.
  struct entry {
    tick at;
    std::uint64_t payload;
    index next;
    index previous;
    std::uint32_t generation;
    bool armed;
  };

  struct list {
    index head = none;
    index tail = none;
  };

  /// Where a tick belongs, as long as the wheel stands where it stands.
  struct place {
    std::size_t level;
    std::size_t slot; ///< Into `slots_`.
  };

  place place_of(tick at) const noexcept;
  tick slot_begin(place where) const noexcept;
  std::optional<place> first_used() const noexcept;
  tick earliest_in(place where) const noexcept;
  void link(index i) noexcept;
  void unlink(index i) noexcept;
  void release(index i) noexcept;
  void mark(std::size_t slot) noexcept;
  void unmark(std::size_t slot) noexcept;
  void move_down(place where) noexcept;

  tick now_;
  std::size_t size_ = 0;
  std::vector<entry> entries_;
  index free_ = none;
  std::vector<list> slots_;
  /// A bit for each slot that is used, in the order of `slots_`.
  std::vector<std::uint64_t> used_;
  /// A bit for each word of level 0 in `used_` that is not zero.
  std::uint64_t used_words_ = 0;
  /// For each slot above level 0: no entry in it is due before this tick.
  std::vector<tick> earliest_;
  std::array<std::size_t, levels> count_{};
  std::uint64_t armed_ = 0;
  std::uint64_t fired_ = 0;
  std::uint64_t cancelled_ = 0;
  std::uint64_t moved_ = 0;
};

} // namespace pinion
