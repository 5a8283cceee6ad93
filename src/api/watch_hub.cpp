#include "api/watch_hub.hpp"

#include "api/api_state.hpp"
#include "pinion/storage/keys.hpp"

#include <algorithm>
#include <set>

namespace pinion {

namespace {

/// Before the store has said where we stand.
constexpr auto unknown = ~std::uint64_t{0};

/// The number of the last commit that the view shows.
std::uint64_t commit_of(const store_view& view) {
  const auto row = view.kv().get(family::meta, keys::commits);
  std::uint64_t number = 0;
  if (row && row.value())
    for (std::size_t i = 0; i < row.value()->size() && i < 8; ++i)
      number |= std::uint64_t{static_cast<unsigned char>((*row.value())[i])} << (8 * i);
  return number;
}

} // namespace

result<void> watch_hub::add(const std::shared_ptr<api_state>& state,
                            std::shared_ptr<event_stream> to, look what,
                            std::optional<std::uint64_t> after) {
  std::unique_lock in_order{pumping_};
  {
    const std::lock_guard lock{mutex_};
    std::erase_if(watchers_, [](const auto& each) { return !each->to->open(); });
    if (watchers_.size() >= max_watchers)
      return problem{errc::unavailable,
                     "There are " + std::to_string(max_watchers) + " watchers already",
                     "Try again when one has left"};
    if (!listening_) {
      listening_ = true;
      state->engine().changes().listen([weak = std::weak_ptr<api_state>(state)](
                                           std::uint64_t commit, std::vector<row_change> rows) {
        if (const auto alive = weak.lock())
          alive->watches.record(alive, commit, std::move(rows));
      });
      known_after_ = unknown;
    }
  }
  const auto now = commit_of(store_view{*state});
  auto fresh = std::make_shared<watcher>(watcher{to, std::move(what), now});
  bool again = false;
  {
    const std::lock_guard lock{mutex_};
    if (known_after_ == unknown)
      known_after_ = now;
    // Of another store, or further back than what is remembered.
    const bool lost = after && (*after < known_after_ || *after > now);
    if (after && !lost)
      fresh->seen = *after;
    to->send(lost ? "reset" : "ready", now, "{}");
    watchers_.push_back(std::move(fresh));
    again = last_ > watchers_.back()->seen;
  }
  in_order.unlock();
  if (again)
    wake(state);
  return ok();
}

std::size_t watch_hub::watchers() const {
  const std::lock_guard lock{mutex_};
  return static_cast<std::size_t>(std::count_if(watchers_.begin(), watchers_.end(),
                                                [](const auto& each) { return each->to->open(); }));
}

void watch_hub::record(const std::shared_ptr<api_state>& state, std::uint64_t commit,
                       std::vector<row_change> rows) {
  {
    const std::lock_guard lock{mutex_};
    last_ = commit;
    // A commit that was handed over before anybody listened: what it changed is not known.
    if (rows.empty())
      known_after_ = known_after_ == unknown ? commit : std::max(known_after_, commit);
    for (auto& row : rows)
      changes_.push_back({commit, std::move(row)});
    while (changes_.size() > max_changes) {
      known_after_ = std::max(known_after_, changes_.front().commit);
      changes_.pop_front();
    }
    if (watchers_.empty())
      return;
  }
  wake(state);
}

void watch_hub::wake(const std::shared_ptr<api_state>& state) {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(pump_queued_, true))
      return;
  }
  state->later([state] { state->watches.pump(*state); });
}

void watch_hub::pump(api_state& state) {
  const std::lock_guard in_order{pumping_};
  {
    const std::lock_guard lock{mutex_};
    pump_queued_ = false;
    std::erase_if(watchers_, [](const auto& each) { return !each->to->open(); });
  }
  serve(state);
}

void watch_hub::serve(api_state& state) {
  struct task {
    std::shared_ptr<watcher> of;
    std::optional<std::vector<row_change>> rows;
  };
  std::vector<task> tasks;
  std::uint64_t upto = 0;
  {
    const std::lock_guard lock{mutex_};
    upto = last_;
    for (const auto& each : watchers_)
      if (each->seen < upto)
        tasks.push_back({each, changed_since(each->seen)});
  }
  if (tasks.empty())
    return;
  // Taken after the changes were heard of: it shows them, or what came after.
  const store_view view{state};
  for (const auto& [of, rows] : tasks) {
    if (!rows) {
      of->to->send("reset", upto, "{}");
      of->what(view, {}, upto, *of->to);
    } else if (!rows->empty())
      of->what(view, *rows, upto, *of->to);
    of->seen = upto;
  }
}

std::optional<std::vector<row_change>> watch_hub::changed_since(std::uint64_t seen) const {
  if (seen < known_after_)
    return std::nullopt;
  const auto first = std::partition_point(
      changes_.begin(), changes_.end(), [seen](const change& each) { return each.commit <= seen; });
  std::vector<row_change> rows;
  std::set<std::pair<family, std::string_view>> known;
  for (auto at = first; at != changes_.end(); ++at)
    if (known.emplace(at->row.in, at->row.key).second) {
      if (rows.size() == max_burst)
        return std::nullopt;
      rows.push_back(at->row);
    }
  return rows;
}

} // namespace pinion
