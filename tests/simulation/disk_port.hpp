#pragma once

#include "pinion/storage/memory_kv.hpp"

#include <deque>
#include <functional>
#include <optional>

namespace pinion::sim {

/// Who looks at each commit.
class disk_watcher {
public:
  virtual ~disk_watcher() = default;
  /// `batch` is about to become durable over the rows of `before`.
  virtual void committing(const kv_batch& batch, const kv_reader& before) = 0;
  virtual void committed(const kv_batch& batch, const kv_reader& after) = 0;
  /// Whether the disk has room for a commit now.
  virtual bool takes_a_commit() { return true; }
  /// Whether the program lets new work begin: none on a disk that is almost full.
  virtual bool has_reserve() { return true; }
};

/// The disk of one engine: commits wait until the simulation releases them. While the engine is
/// being started, before it has actors, they are durable at once.
class disk_port final : public kv_port {
public:
  disk_port(std::shared_ptr<surviving_disk> disk, disk_watcher& watcher)
      : rows_{std::move(disk)}, watcher_{watcher} {}

  result<std::optional<std::string>> get(family in, std::string_view key) const override;
  result<void> scan(family in, std::string_view from, std::string_view to,
                    const visitor& visit) const override;
  result<void> scan_back(family in, std::string_view from, std::string_view to,
                         const visitor& visit) const override;
  std::unique_ptr<kv_reader> snapshot() const override;
  void commit(kv_batch batch, committed done) override;

  /// Asked before each read of the engine's, or view that it takes, while a commit waits: whether
  /// the rows are there by now. The engine hears of it only when the commit is released.
  std::function<bool()> is_there_early;

  void starting(bool on) noexcept { starting_ = on; }
  bool pending() const noexcept { return !queue_.empty(); }
  /// The rows of the oldest waiting commit are there.
  bool is_applied() const noexcept { return queue_.front().applied.has_value(); }
  /// The oldest waiting commit becomes durable; with `acknowledge` the engine hears of it.
  void release(bool acknowledge);
  /// The oldest waiting commit fails; `durable`: its rows are on the disk all the same, as they are
  /// if they were there early.
  void fail(bool durable);
  /// The engine is gone: what waits never was, and nothing more is taken.
  void cut();

private:
  struct waiting {
    kv_batch batch;
    committed done;
    std::optional<result<std::uint64_t>> applied; ///< The rows are there.
  };
  void apply(waiting& what) const;
  void before_a_read() const;

  // The disk goes on by itself while it is read.
  mutable memory_kv rows_;
  disk_watcher& watcher_;
  mutable std::deque<waiting> queue_;
  bool starting_ = false;
  bool dead_ = false;
};

} // namespace pinion::sim
