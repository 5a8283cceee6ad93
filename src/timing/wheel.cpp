#include <algorithm>
#include <bit>
#include <pinion/timing/wheel.hpp>

namespace pinion {

wheel::wheel(tick now)
    : now_{now}, slots_(all_slots), used_(all_slots / 64),
      earliest_((levels - 1) * higher_slots, UINT64_MAX) {
  static_assert(first_slots / 64 == 64, "one summary word covers level 0");
  static_assert(first_bits + (levels - 1) * higher_bits >= 64, "no tick is too far");
}

timer_id wheel::arm(tick at, std::uint64_t payload) {
  index i = free_;
  if (i == none) {
    i = static_cast<index>(entries_.size());
    entries_.push_back(
        {.at = 0, .payload = 0, .next = none, .previous = none, .generation = 1, .armed = false});
  } else {
    free_ = entries_[i].next;
  }
  auto& e = entries_[i];
  e.at = std::max(at, now_);
  e.payload = payload;
  e.armed = true;
  link(i);
  ++size_;
  ++armed_;
  return {i, e.generation};
}

bool wheel::cancel(timer_id id) noexcept {
  if (id.index >= entries_.size())
    return false;
  const auto& e = entries_[id.index];
  if (!e.armed || e.generation != id.generation)
    return false;
  unlink(id.index);
  release(id.index);
  ++cancelled_;
  return true;
}

std::optional<tick> wheel::next_due() const noexcept {
  const auto where = first_used();
  if (!where)
    return std::nullopt;
  return where->level == 0 ? slot_begin(*where) : earliest_[where->slot - first_slots];
}

bool wheel::advance(tick now, std::size_t max_expired, std::vector<expired_timer>& out) {
  const auto until = std::max(now, now_);
  while (const auto where = first_used()) {
    const auto begin = slot_begin(*where);
    if (begin > until)
      break;
    // Before anything moves, so that the wheel stands where the last entry fired. When nothing is
    // due it must move on, into every slot that `until` has entered.
    if (max_expired == 0 && earliest_in(*where) <= until)
      return true;
    if (where->level > 0) {
      // Everything below is empty, so the wheel may enter the slot: what lies in it spreads over
      // lower levels.
      now_ = begin;
      move_down(*where);
      continue;
    }
    --max_expired;
    now_ = begin;
    const auto i = slots_[where->slot].head;
    const auto& e = entries_[i];
    out.push_back({e.at, {i, e.generation}, e.payload});
    unlink(i);
    release(i);
    ++fired_;
  }
  now_ = until;
  return false;
}

void wheel::rewind(tick now) {
  if (now >= now_)
    return;
  // Slot by slot, so that entries of one tick, which share a slot, keep their order.
  std::vector<index> armed;
  armed.reserve(size_);
  for (auto& slot : slots_) {
    for (auto i = slot.head; i != none; i = entries_[i].next)
      armed.push_back(i);
    slot = {};
  }
  std::fill(used_.begin(), used_.end(), 0);
  used_words_ = 0;
  std::fill(earliest_.begin(), earliest_.end(), UINT64_MAX);
  count_.fill(0);
  // What was due stays due: its owner was promised "at once". It was armed for a tick that the
  // wheel has reached, so it goes before whatever is due from here on.
  const auto due = now_;
  now_ = now;
  for (const auto i : armed) {
    if (entries_[i].at <= due)
      entries_[i].at = now;
    link(i);
  }
}

std::size_t wheel::memory_bytes() const noexcept {
  return sizeof *this + entries_.capacity() * sizeof(entry) + slots_.capacity() * sizeof(list) +
         used_.capacity() * sizeof(std::uint64_t) + earliest_.capacity() * sizeof(tick);
}

wheel::statistics wheel::stats() const {
  statistics s{.now = now_,
               .next_due = std::nullopt,
               .entries = count_,
               .memory_bytes = memory_bytes(),
               .armed = armed_,
               .fired = fired_,
               .cancelled = cancelled_,
               .moved = moved_};
  if (const auto where = first_used())
    s.next_due = earliest_in(*where);
  return s;
}

wheel::place wheel::place_of(tick at) const noexcept {
  const auto difference = at ^ now_;
  if (difference < first_slots)
    return {0, static_cast<std::size_t>(at % first_slots)};
  const auto highest_bit = static_cast<unsigned>(std::bit_width(difference)) - 1;
  const auto level = (highest_bit - first_bits) / higher_bits + 1;
  const auto digit = at >> (first_bits + (level - 1) * higher_bits);
  return {level, first_slots + (level - 1) * higher_slots +
                     static_cast<std::size_t>(digit % higher_slots)};
}

tick wheel::slot_begin(place where) const noexcept {
  if (where.level == 0)
    return (now_ & ~tick{first_slots - 1}) | where.slot;
  const auto shift = first_bits + (where.level - 1) * higher_bits;
  const auto digit = (where.slot - first_slots) % higher_slots;
  // The groups above this one are those of the present tick; on the last level there are none.
  const auto above = shift + higher_bits;
  const auto kept = above >= 64 ? tick{0} : now_ >> above << above;
  return kept | tick{digit} << shift;
}

std::optional<wheel::place> wheel::first_used() const noexcept {
  if (used_words_ != 0) {
    const auto word = static_cast<std::size_t>(std::countr_zero(used_words_));
    return place{0, word * 64 + static_cast<std::size_t>(std::countr_zero(used_[word]))};
  }
  for (std::size_t level = 1; level < levels; ++level) {
    if (count_[level] == 0)
      continue;
    auto word = (first_slots + (level - 1) * higher_slots) / 64;
    if (used_[word] == 0)
      ++word;
    return place{level, word * 64 + static_cast<std::size_t>(std::countr_zero(used_[word]))};
  }
  return std::nullopt;
}

tick wheel::earliest_in(place where) const noexcept {
  if (where.level == 0)
    return slot_begin(where);
  auto least = UINT64_MAX;
  for (auto i = slots_[where.slot].head; i != none; i = entries_[i].next)
    least = std::min(least, entries_[i].at);
  return least;
}

void wheel::link(index i) noexcept {
  auto& e = entries_[i];
  const auto where = place_of(e.at);
  auto& slot = slots_[where.slot];
  e.next = none;
  e.previous = slot.tail;
  if (slot.tail == none) {
    slot.head = i;
    mark(where.slot);
  } else {
    entries_[slot.tail].next = i;
  }
  slot.tail = i;
  ++count_[where.level];
  if (where.level > 0) {
    auto& earliest = earliest_[where.slot - first_slots];
    earliest = std::min(earliest, e.at);
  }
}

void wheel::unlink(index i) noexcept {
  const auto& e = entries_[i];
  const auto where = place_of(e.at);
  auto& slot = slots_[where.slot];
  (e.previous == none ? slot.head : entries_[e.previous].next) = e.next;
  (e.next == none ? slot.tail : entries_[e.next].previous) = e.previous;
  --count_[where.level];
  if (slot.head == none)
    unmark(where.slot);
}

void wheel::release(index i) noexcept {
  auto& e = entries_[i];
  e.armed = false;
  // 0 is the generation of the id that names nothing.
  if (++e.generation == 0)
    e.generation = 1;
  e.next = free_;
  free_ = i;
  --size_;
}

void wheel::mark(std::size_t slot) noexcept {
  used_[slot / 64] |= std::uint64_t{1} << slot % 64;
  if (slot < first_slots)
    used_words_ |= std::uint64_t{1} << slot / 64;
}

void wheel::unmark(std::size_t slot) noexcept {
  auto& word = used_[slot / 64];
  word &= ~(std::uint64_t{1} << slot % 64);
  if (slot >= first_slots)
    earliest_[slot - first_slots] = UINT64_MAX;
  else if (word == 0)
    used_words_ &= ~(std::uint64_t{1} << slot / 64);
}

void wheel::move_down(place where) noexcept {
  auto i = slots_[where.slot].head;
  slots_[where.slot] = {};
  unmark(where.slot);
  while (i != none) {
    const auto next = entries_[i].next;
    --count_[where.level];
    ++moved_;
    link(i);
    i = next;
  }
}

} // namespace pinion
