#pragma once

#include "pinion/actors/change_feed.hpp"
#include "pinion/api/event_stream.hpp"
#include "pinion/timing/problem.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace pinion {

struct api_state;
class store_view;

/// Serves all that watch from one feed of commits: what changed is looked at once for each watcher,
/// in the order of the commits, off the engine's threads. Remembers a bounded number of changes,
/// for clients that come back. From any thread.
class watch_hub {
public:
  static constexpr std::size_t max_watchers = 64;
  /// Changes that are remembered.
  static constexpr std::size_t max_changes = 65'536;
  /// A watcher behind by more is told to list again.
  static constexpr std::size_t max_burst = 2'000;

  /// Looks at rows that have changed, each once, up to and including `commit`, and sends events.
  using look = std::function<void(const store_view& view, std::span<const row_change> rows,
                                  std::uint64_t commit, event_stream& to)>;

  /// Begins to watch, with an event `ready` that carries the number of the last commit: what is
  /// listed after it and then changed by events is complete. With `after` the changes since that
  /// commit come first, or an event `reset` if they are not known any more. Fails with
  /// `errc::unavailable` when too many watch.
  result<void> add(const std::shared_ptr<api_state>& state, std::shared_ptr<event_stream> to,
                   look what, std::optional<std::uint64_t> after);

  std::size_t watchers() const;

private:
  struct watcher {
    std::shared_ptr<event_stream> to;
    look what;
    std::uint64_t seen = 0; ///< Commits up to this one.
  };
  struct change {
    std::uint64_t commit = 0;
    row_change row;
  };

  void record(const std::shared_ptr<api_state>& state, std::uint64_t commit,
              std::vector<row_change> rows);
  void wake(const std::shared_ptr<api_state>& state);
  void pump(api_state& state);
  void serve(api_state& state);
  /// The distinct rows changed after `seen`; nothing if they are not all known, or too many.
  std::optional<std::vector<row_change>> changed_since(std::uint64_t seen) const;

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<watcher>> watchers_;
  std::deque<change> changes_;
  bool listening_ = false;
  std::uint64_t known_after_ = 0; ///< All changes of later commits are remembered.
  std::uint64_t last_ = 0;        ///< Number of the last commit heard of.
  bool pump_queued_ = false;
  std::mutex pumping_; ///< One at a time: events come in the order of commits.
};

} // namespace pinion
