#pragma once

#include "execution/launch_journal.hpp"

#include <map>
#include <string>
#include <vector>

namespace pinion {

/// The end of a process whose launcher is gone: what is known of it, and `why`.
process_end lost_end(const std::string& data_dir, const process_key& key,
                     const journal_entry& entry, std::string why);

/// Finds and kills what a launcher that died has left running: by its cgroup folder, by pid and
/// start time, by process group and session, and by the mark PINION_FENCE in the environment. What
/// has left its group and session *and* cleared its environment escapes where there is no cgroup;
/// so does a member without the mark whose leader is gone, if it runs as another user.
class lost_search {
public:
  lost_search() = default;
  /// For the entries of `from` that have no end; `from` is the journal of `data_dir` and of this
  /// boot.
  lost_search(const launch_journal::history& from, const std::string& data_dir);

  /// Kills what is found; returns the keys of which nothing is left. To be called again, some 20 ms
  /// later, until `done`. A process that is about to execute shows its mark only afterwards: a key
  /// is given up only when two looks in a row found nothing. A look that could not be had, for want
  /// of descriptors or memory, counts for none.
  std::vector<process_key> step();
  bool done() const noexcept { return left_.empty() && cgroup_.empty(); }

private:
  struct quarry {
    std::int64_t pid = 0;
    std::uint64_t start_ticks = 0;
    std::string mark;
    int clean_looks = 0;
    bool found = false;
  };
  struct match {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;
  };
  struct sight;
  static bool is_member(sight& seen, const quarry& sought);
  static bool is_of(sight& seen, const quarry& sought);
  struct view {
    std::vector<match> found;
    /// Everyone was looked at: who is not found is gone.
    bool whole = true;
  };
  /// What is left of the sought processes.
  view look();

  std::string cgroup_;
  std::map<process_key, quarry> left_;
};

} // namespace pinion
