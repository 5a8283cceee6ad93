#pragma once

#include "pinion/storage/kv.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace pinion {

/// What a crash leaves: shared by the ports of one engine after another. For one thread.
struct surviving_disk {
  using rows = std::map<std::string, std::string, std::less<>>;
  /// Replaced, not changed, while a snapshot shares them.
  std::array<std::shared_ptr<rows>, family_count> families;
  std::uint64_t commits = 0; ///< Number of the last commit.

  surviving_disk();
};

/// A deterministic kv in memory for tests and the simulation, with the rows of a real store
/// (`meta/format`, `meta/commits` included). For one thread.
class memory_kv final : public kv_port {
public:
  enum class mode : std::uint8_t {
    immediate, ///< commit() applies and calls back before it returns.
    queued,    ///< Commits wait for `release_next` or `release_all`.
  };

  explicit memory_kv(std::shared_ptr<surviving_disk> disk = std::make_shared<surviving_disk>(),
                     mode how = mode::immediate);

  result<std::optional<std::string>> get(family in, std::string_view key) const override;
  result<void> scan(family in, std::string_view from, std::string_view to,
                    const visitor& visit) const override;
  result<void> scan_back(family in, std::string_view from, std::string_view to,
                         const visitor& visit) const override;
  std::unique_ptr<kv_reader> snapshot() const override;
  void commit(kv_batch batch, committed done) override;

  /// Commits that wait.
  std::size_t pending() const noexcept { return queue_.size(); }
  /// Applies the oldest waiting commit and calls it back. Returns whether there was one.
  bool release_next();
  /// Until none waits, those included that the callbacks make.
  void release_all();

  /// The port goes down: the `durable` oldest of the waiting commits (at most all) are on the disk,
  /// the others never were; no callback is called, nor those of later commits, which are ignored.
  void crash(std::size_t durable = 0);
  bool crashed() const noexcept { return crashed_; }

  /// The `nth` commit from now on (1: the next one) and all after it fail with
  /// `errc::storage_failure` and leave nothing behind. 0: no fault.
  void fail_commit(std::size_t nth) noexcept { fail_in_ = nth; }

  const std::shared_ptr<surviving_disk>& disk() const noexcept { return disk_; }

private:
  struct waiting {
    kv_batch batch;
    committed done;
  };
  result<std::uint64_t> apply(const kv_batch& batch);

  std::shared_ptr<surviving_disk> disk_;
  mode mode_;
  std::deque<waiting> queue_;
  std::size_t fail_in_ = 0;
  bool failed_ = false;
  bool crashed_ = false;
};

} // namespace pinion
