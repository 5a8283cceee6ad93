#pragma once

#include "actors/context.hpp"
#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/storage/expiry.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <deque>

namespace pinion {

/// Once an hour removes what is older than it is kept: first rows, in steps of about a thousand in
/// the journal's bulk lane, then folders of logs, then workspaces. A step begins when the one
/// before is durable, so that a pass never takes more than a part of the engine's time.
struct retention_state {
  static inline constexpr const char* name = "retention";
  static constexpr std::chrono::minutes first_pass{1};
  static constexpr std::chrono::hours period{1};
  /// Folders that are judged at a time.
  static constexpr std::size_t folders_at_once = 500;

  retention_actor::stateful_pointer<retention_state> self = nullptr;
  context_ptr context;

  void wait(duration time);
  void due(std::uint64_t id);
  /// Erases a deleted workflow, before anything else.
  void erase(const std::string& workflow);
  void go_on();
  void listed(const msg::run_folders& what);
  void removed(const msg::folders_removed& what);

private:
  /// A folder, and the run as it was when the folder was judged.
  struct judged_folder {
    run_folder folder;
    std::string workflow; ///< Empty: no row.
    instant ended_at = never;
  };
  /// Runs of one project whose logs are kept, oldest first, while their size is bounded.
  struct kept_logs {
    std::vector<judged_folder> ended;
    std::uint64_t bytes = 0;
  };

  const retention_settings& keep() const { return *context->options.retention; }
  /// Behind all bulk rows that are under way: one that is still to come would stay for ever.
  void begin_erasing();
  void erase_next();
  void begin_pass();
  void expire_from(history_expiry where);
  void expire_rows();
  void end_step(const expiry_step& made);
  void add_up(const expiry_step& made);
  void ask_for_folders(run_folder_kind kind);
  void judge_folders();
  result<bool> is_expired(judged_folder& at);
  void keep_below_limits();
  /// One at a time, and sealed meanwhile: a run that is opened again writes into these folders.
  void remove_next();
  /// It is still as it was when it was judged.
  bool still_ended(const judged_folder& at) const;
  void end_pass();

  std::deque<std::string> erasing_;
  bool erasing_now_ = false; ///< The pass waits meanwhile: two would count the same rows down.
  std::uint64_t timer_ = 0;
  instant now_{};
  std::optional<history_expiry> history_;
  expiry_step sum_;
  run_id highest_; ///< A folder of a later run is not ours to judge: its row may be to come.
  run_folder_kind kind_ = run_folder_kind::logs;
  std::vector<run_folder> folders_;
  std::size_t judged_ = 0;
  std::deque<judged_folder> gone_; ///< To be removed; the first is under way.
  std::map<std::string, kept_logs> kept_;
  std::map<run_folder_kind, std::uint64_t> folders_removed_;
};

retention_actor::behavior_type retention(retention_actor::stateful_pointer<retention_state> self,
                                         context_ptr context);

} // namespace pinion
