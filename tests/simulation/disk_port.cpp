#include "simulation/disk_port.hpp"

namespace pinion::sim {

void disk_port::before_a_read() const {
  if (!queue_.empty() && is_there_early && is_there_early())
    apply(queue_.front());
}

result<std::optional<std::string>> disk_port::get(family in, std::string_view key) const {
  before_a_read();
  return rows_.get(in, key);
}

result<void> disk_port::scan(family in, std::string_view from, std::string_view to,
                             const visitor& visit) const {
  before_a_read();
  return rows_.scan(in, from, to, visit);
}

result<void> disk_port::scan_back(family in, std::string_view from, std::string_view to,
                                  const visitor& visit) const {
  before_a_read();
  return rows_.scan_back(in, from, to, visit);
}

std::unique_ptr<kv_reader> disk_port::snapshot() const {
  before_a_read();
  return rows_.snapshot();
}

void disk_port::commit(kv_batch batch, committed done) {
  if (dead_)
    return;
  waiting what{std::move(batch), std::move(done), std::nullopt};
  if (!starting_) {
    queue_.push_back(std::move(what));
  } else if (!watcher_.takes_a_commit()) {
    what.done(problem{errc::storage_failure, "no space left on device (simulated)", {}});
  } else {
    apply(what);
    what.done(std::move(*what.applied));
  }
}

void disk_port::apply(waiting& what) const {
  if (what.applied)
    return;
  watcher_.committing(what.batch, rows_);
  rows_.commit(what.batch, [&](result<std::uint64_t> number) { what.applied = std::move(number); });
  watcher_.committed(what.batch, rows_);
}

void disk_port::release(bool acknowledge) {
  auto next = std::move(queue_.front());
  queue_.pop_front();
  apply(next);
  if (acknowledge)
    next.done(std::move(*next.applied));
}

void disk_port::fail(bool durable) {
  auto next = std::move(queue_.front());
  queue_.pop_front();
  if (durable)
    apply(next);
  next.done(problem{errc::storage_failure, "the disk failed (simulated)", {}});
}

void disk_port::cut() {
  dead_ = true;
  // Moved out first: destroying a callback may run code that looks at this port.
  const auto dropped = std::exchange(queue_, {});
}

} // namespace pinion::sim
