#pragma once

#include "actors/backfill_plan.hpp"
#include "actors/context.hpp"
#include "pinion/storage/store_reader.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>

namespace pinion {

/// The BACKFILLS. A backfill is its record and a row for each of its slots (items); the record is
/// written last, so that items without a record are nothing. The WORKFLOW writes an item as
/// `running` in the batch that makes or reruns its run; all other changes of items and records are
/// written here. Of each backfill only the items that are under way and a window of pending ones
/// are in memory.
struct backfills_state {
  static inline constexpr const char* name = "backfills";
  /// Items in one batch, and in the window.
  static constexpr std::size_t max_rows = 1'000;
  static constexpr std::size_t window_size = 256;
  /// A WORKFLOW that cannot answer at the moment is asked again so often.
  static constexpr std::uint32_t max_tries = 100;
  static constexpr std::chrono::seconds try_again_after{1};
  /// How often the runs of items are looked at in the store, in case that nobody told of an end.
  static constexpr std::chrono::minutes look_again_after{1};

  struct under_way {
    backfill_item item; ///< As its row stands, or as the WORKFLOW was asked to write it.
    enum class stage : std::uint8_t {
      asked,    ///< The WORKFLOW has been asked for its run.
      deferred, ///< It could not answer: to be asked again.
      running,  ///< It has its run.
      settled,  ///< Its end is being written.
    } at = stage::asked;
    std::uint32_t tries = 0;
  };
  struct live_backfill {
    std::shared_ptr<const backfill_record> record;
    zone in;                                  ///< Of its workflow.
    std::map<std::uint32_t, under_way> items; ///< By position.
    std::deque<backfill_item> window;         ///< The next pending ones.
    std::string cursor;                       ///< Behind the window, in the list of pending items.
    bool read_all = false;                    ///< There are none behind the window.
    bool stopping = false;                    ///< An item failed and the rest is given up.
    bool ending = false;                      ///< Its last rows are being written.
    bool resuming = false;                    ///< Its resumption is being written.
    std::uint64_t opening_timer = 0;
  };

  backfills_actor::stateful_pointer<backfills_state> self = nullptr;
  context_ptr context;
  std::uint64_t highest = 0;
  bool ready = false;  ///< What was under way before the start is taken up again.
  bool making = false; ///< The rows of a new backfill are being written.
  /// Requests that wait until it is ready and nothing is being made.
  std::deque<std::function<void()>> waiting;
  std::map<std::uint64_t, live_backfill> live;
  /// The item that waits for the end of a run.
  std::map<run_id, std::pair<std::uint64_t, std::uint32_t>> runs;
  /// Timers of openings, and of items to be asked for again (position; 0: opening).
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint32_t>> timers;
  std::uint64_t look_timer = 0;

  // Requests.
  void make(msg::backfill& what);
  void preview(const msg::preview_backfill& what) const;
  void steer(msg::steer_backfill& what);
  // Events.
  void recover();
  void run_ended(run_id run);
  void due(std::uint64_t timer);
  /// Does the request now, or once what goes before it is done.
  void in_turn(std::function<void()> request);

private:
  void next_in_turn();
  result<backfill_plan> plan_of(const backfill_request& ask) const;
  result<void> refuse_overlap(const backfill_plan& plan) const;
  result<backfill_slot> preview_slot(const backfill_plan::source& of, instant slot,
                                     const backfill_request& ask) const;
  backfill_record record_of(const backfill_request& ask, const backfill_plan& plan,
                            const caller& by) const;
  /// Writes items from `first` on, then the record.
  void write_new(std::shared_ptr<const backfill_plan> plan, backfill_record record,
                 std::size_t first, std::shared_ptr<const msg::backfill> asked);

  result<void> restore_all();
  result<void> restore(const backfill_record& record);
  /// Erases the items of a backfill that was never finished being made, then calls `then`.
  void erase_leftovers(std::uint64_t id, std::function<void()> then);

  // Driving one backfill. Each may end it: no reference into `live` survives a call.
  void advance(std::uint64_t id);
  zone zone_of(const backfill_record& record) const;
  /// False: nothing is pending any more.
  bool fill_window(live_backfill& at);
  void wait_for_opening(live_backfill& at, instant opening);
  void start(live_backfill& at, backfill_item item);
  void ask(const live_backfill& at, under_way& one);
  void made(std::uint64_t id, std::uint32_t position, const msg::made_slot& answer);
  void not_made(std::uint64_t id, std::uint32_t position, const problem& why);
  void ask_again(std::uint64_t id, std::uint32_t position);
  bool attach_if_made(const under_way& one);
  /// The item has its run: waits for its end, which may have come already.
  void attach(std::uint64_t id, std::uint32_t position, run_id run);
  /// Settles its item if it has ended; cancels it if the backfill was cancelled.
  void look_at(run_id run);
  void settle(std::uint64_t id, std::uint32_t position, backfill_item_state state, run_id run,
              std::string message);
  void cancel_run(std::uint64_t id, run_id run);
  /// Nothing of it is under way any more: cancels what is pending, then ends it.
  void end(std::uint64_t id);
  void write_end(std::uint64_t id);

  void pause_or_resume(live_backfill& at, const msg::steer_backfill& what);
  void cancel(live_backfill& at, const msg::steer_backfill& what);
  problem not_steerable(std::uint64_t id) const;

  store_reader store() const { return store_reader{*context->ports.kv}; }
  under_way* find(std::uint64_t id, std::uint32_t position);
  std::uint64_t arm_steady(duration in);
  void look_later();
  void submit(kv_batch batch, std::function<void()> then);
  audit_record audit(const caller& by, std::string verb, std::uint64_t id) const;
  void fatal(const problem& why) const;
};

/// `highest`: the largest number given to a backfill so far.
backfills_actor::behavior_type backfills(backfills_actor::stateful_pointer<backfills_state> self,
                                         context_ptr context, std::uint64_t highest);

} // namespace pinion
