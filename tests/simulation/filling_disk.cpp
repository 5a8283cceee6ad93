#include "simulation/filling_disk.hpp"

#include <algorithm>
#include <chrono>

namespace pinion::sim {

namespace {

using std::chrono::seconds;

/// After a change the program looks so soon, and has heard of it a little later.
constexpr seconds looks_within{1};
constexpr seconds knows_within{2};

room_gate new_gate() { return {"/nowhere", disk_reserve}; }

} // namespace

filling_disk::filling_disk(disk_watcher& to, const scenario& of, const manual_clock& clock,
                           trace& log, std::uint64_t seed)
    : to_{to}, scenario_{of}, clock_{clock}, log_{log}, draw_{seed ^ 0xd15c0ULL},
      start_{clock.steady_now()}, changed_{start_}, gate_{new_gate()} {}

// By the bytes that are free, not by the gate's own rule: below the reserve it must be closed, with
// an eighth to spare it must be open, and between the two it may be either.
bool filling_disk::has_reserve() {
  const bool open = gate_.why_full().empty();
  if (clock_.steady_now() - changed_ <= knows_within)
    return open;
  const auto left = std::to_string(room_ >> 20U) + " MiB left on the disk";
  if (open && room_ < disk_reserve)
    log_.violation("[5] new work is taken with " + left);
  if (!open && room_ >= disk_reserve + disk_reserve / 8)
    log_.violation("[6] new work is refused with " + left);
  return open;
}

steady_instant filling_disk::next_due() const {
  auto due = looks_at_.value_or(steady_instant::max());
  if (next_ < scenario_.rooms.size())
    due = std::min(due, start_ + scenario_.rooms[next_].at);
  return due;
}

bool filling_disk::act() {
  const auto now = clock_.steady_now();
  if (next_ < scenario_.rooms.size() && start_ + scenario_.rooms[next_].at <= now) {
    room_ = scenario_.rooms[next_++].bytes;
    changed_ = now;
    log_.note("the disk has " + std::to_string(room_ >> 20U) + " MiB left");
    looks_at_ = now + draw_.between(duration{0}, looks_within);
    return true;
  }
  if (!looks_at_ || *looks_at_ > now)
    return false;
  look();
  return true;
}

void filling_disk::look() {
  looks_at_.reset();
  if (gate_.look({room_, true}))
    log_.note(gate_.why_full().empty() ? "new work is taken again" : gate_.why_full());
}

bool filling_disk::can_be_opened() const { return room_ >= room_to_open(disk_reserve); }

void filling_disk::program_starts() {
  gate_ = new_gate();
  look();
  starts_in_vain_ = !scenario_.rooms.empty() && draw_.chance(10);
}

bool filling_disk::keeps_what_was_under_way() { return scenario_.half_written && draw_.chance(50); }

} // namespace pinion::sim
