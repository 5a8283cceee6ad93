#include "simulation/disk_port.hpp"

namespace pinion::sim {

void disk_port::commit(kv_batch batch, committed done) {
  if (dead_)
    return;
  waiting what{std::move(batch), std::move(done)};
  if (starting_ && !watcher_.takes_a_commit())
    what.done(problem{errc::storage_failure, "no space left on device (simulated)", {}});
  else if (starting_)
    apply(std::move(what), true);
  else
    queue_.push_back(std::move(what));
}

void disk_port::apply(waiting what, bool acknowledge) {
  watcher_.committing(what.batch, rows_);
  result<std::uint64_t> outcome = std::uint64_t{0};
  rows_.commit(what.batch, [&](result<std::uint64_t> number) { outcome = std::move(number); });
  watcher_.committed(what.batch, rows_);
  if (acknowledge)
    what.done(std::move(outcome));
}

void disk_port::release(bool acknowledge) {
  auto next = std::move(queue_.front());
  queue_.pop_front();
  apply(std::move(next), acknowledge);
}

void disk_port::fail(bool durable) {
  auto next = std::move(queue_.front());
  queue_.pop_front();
  const auto done = next.done;
  if (durable)
    apply(std::move(next), false);
  done(problem{errc::storage_failure, "the disk failed (simulated)", {}});
}

void disk_port::cut() {
  dead_ = true;
  // Moved out first: destroying a callback may run code that looks at this port.
  const auto dropped = std::exchange(queue_, {});
}

} // namespace pinion::sim
