#pragma once

#include "program/disk_watch.hpp"
#include "simulation/disk_port.hpp"
#include "simulation/scenario.hpp"
#include "simulation/trace.hpp"

#include <optional>

namespace pinion::sim {

/// The disk under all engines of a history: how much room is left on it as others fill it and
/// clear it, and whether the program knows, which looks about once a second through its own gate.
/// Commits pass through to `to`.
class filling_disk final : public disk_watcher {
public:
  filling_disk(disk_watcher& to, const scenario& of, const manual_clock& clock, trace& log,
               std::uint64_t seed);

  void committing(const kv_batch& batch, const kv_reader& before) override {
    to_.committing(batch, before);
  }
  void committed(const kv_batch& batch, const kv_reader& after) override {
    to_.committed(batch, after);
  }
  bool takes_a_commit() override { return room_ > 0 && !starts_in_vain_; }
  /// What the gate says. That it is right is checked here, by a look at the disk itself.
  bool has_reserve() override;

  /// The moment of the next change, or look.
  steady_instant next_due() const;
  /// Does one thing that is due, if there is one.
  bool act();

  /// There is room enough to open the store.
  bool can_be_opened() const;
  /// A program starts on it, looks at it, and writes: at times just then the room is gone.
  void program_starts();
  void program_started() noexcept { starts_in_vain_ = false; }
  void program_ends() noexcept { looks_at_.reset(); }
  /// Whether the bytes of the commit that was under way when everything stopped are there: all of
  /// them, or too few to count.
  bool keeps_what_was_under_way();

private:
  void look();

  disk_watcher& to_;
  const scenario& scenario_;
  const manual_clock& clock_;
  trace& log_;
  random_source draw_; ///< Apart from the world's: without phases its history is as it was.
  steady_instant start_;
  std::size_t next_ = 0; ///< Of the scenario's changes.
  std::uint64_t room_ = plenty_of_room;
  steady_instant changed_;
  room_gate gate_;
  std::optional<steady_instant> looks_at_;
  bool starts_in_vain_ = false;
};

} // namespace pinion::sim
