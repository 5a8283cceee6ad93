#include "api/log_follower.hpp"

#include "api/json.hpp"
#include "api/objects.hpp"
#include "pinion/execution/attempt_files.hpp"

#include <algorithm>
#include <sys/stat.h>

namespace pinion {

void log_follower::begin(const store_view& view, event_stream& to) {
  run_record run;
  run.id = run_;
  const auto rows = task_ ? instances_of_task(view, run, *task_) : view.rows.instances_of(run_);
  {
    const std::lock_guard lock{mutex_};
    if (rows)
      for (const auto& at : rows.value())
        if (is_meant(at) && is_active(at.state))
          note(at, 0, to);
  }
  if (is_over(view)) {
    to.send("end", 0, "{}");
    to.end();
  }
}

void log_follower::look(const store_view& view, std::span<const row_change> rows,
                        std::uint64_t commit, event_stream& to) {
  bool ended = rows.empty(); // Much has changed, and nobody says what.
  bool mine = false;
  const std::lock_guard lock{mutex_};
  for (const auto& row : rows) {
    if (row.in == family::runs) {
      const auto run = keys::decode_run(row.key);
      mine = run && run.value() == run_;
      ended = ended || mine;
      continue;
    }
    if (row.in != family::instances)
      continue;
    const auto key = keys::decode_instance(row.key);
    if (!key || key.value().run != run_ || (task_ && key.value().task != *task_))
      continue;
    const auto at = view.rows.instance(key.value());
    if (!at || !at.value() || !is_meant(*at.value()))
      continue;
    ended = ended || is_terminal(at.value()->state);
    note(*at.value(), commit, to);
  }
  if (ended && is_over(view)) {
    to.send("end", commit, "{}");
    to.end();
  }
}

void log_follower::glance_at(event_stream& to) {
  const std::lock_guard lock{mutex_};
  for (auto& [which, of] : growing_)
    if (const auto size = size_of(which); size != of.size) {
      of.size = size;
      tell(which, of, false, 0, to);
    }
}

bool log_follower::is_meant(const instance_record& at) const {
  return (!task_ || at.key.task == *task_) && (!index_ || at.element_key == *index_) &&
         at.key.task < definition_->tasks.size();
}

void log_follower::note(const instance_record& at, std::uint64_t commit, event_stream& to) {
  // Those of this instance that are not the running attempt have all that they will ever have.
  const bool runs = is_active(at.state) && at.attempt > 0;
  const attempt newest{at.key, at.attempt};
  for (auto each = growing_.lower_bound({at.key, 0});
       each != growing_.end() && each->first.first == at.key;) {
    if (runs && each->first == newest) {
      ++each;
      continue;
    }
    each->second.size = size_of(each->first);
    tell(each->first, each->second, true, commit, to);
    each = growing_.erase(each);
  }
  if (!runs) {
    if (at.attempt > 0)
      tell(newest,
           {objects::instance_ref(*definition_, at) + '#' + std::to_string(at.attempt),
            size_of(newest)},
           true, commit, to);
    return;
  }
  const auto [of, fresh] = growing_.try_emplace(newest);
  if (!fresh)
    return;
  of->second = {objects::instance_ref(*definition_, at) + '#' + std::to_string(at.attempt),
                size_of(newest)};
  tell(newest, of->second, false, commit, to);
}

void log_follower::tell(const attempt&, const log& of, bool ended, std::uint64_t commit,
                        event_stream& to) const {
  to.send("log", commit, to_text(json{{"attempt", of.ref}, {"size", of.size}, {"ended", ended}}));
}

bool log_follower::is_over(const store_view& view) const {
  const auto run = view.rows.run(run_);
  if (!run || !run.value() || is_terminal(run.value()->state))
    return true;
  if (!task_)
    return false;
  const auto rows = instances_of_task(view, *run.value(), *task_);
  return rows && std::all_of(rows.value().begin(), rows.value().end(), [this](const auto& at) {
           return !is_meant(at) || is_terminal(at.state);
         });
}

std::uint64_t log_follower::size_of(const attempt& which) const {
  struct stat found {};
  const auto path = folder_ + '/' + log_name(which.first, which.second);
  return ::stat(path.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

} // namespace pinion
