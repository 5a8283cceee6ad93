#pragma once

#include "actors/context.hpp"
#include "actors/edge_lookup.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <set>

namespace pinion {

/// The DIRECTORY. Nobody is missed: who begins to wait is entered first and the store is read then,
/// and a RUN looks whether it is needed (`engine_context::is_needed`) after its commit.
struct directory_state {
  static inline constexpr const char* name = "directory";

  using trigger_name = std::pair<std::string, std::string>; ///< Workflow and trigger.
  struct watched {
    bound_edge edge;
    std::vector<bound_state> slots; ///< As `edge.slots`.
    /// Of an edge of a previous slot: the slot that it is bound to. Where that was left out,
    /// `edge.slots` has the one that counts in its place.
    std::optional<instant> bound;
  };
  struct watcher {
    run_actor who;
    std::vector<watched> edges;
    std::set<keys::slot_key> entered; ///< In `waiting`; also for edges that are settled.
    std::set<trigger_name> passing;   ///< In `passed_over`, likewise.
  };

  directory_actor::stateful_pointer<directory_state> self = nullptr;
  context_ptr context;
  std::map<run_id, watcher> watchers;
  std::map<keys::slot_key, std::set<run_id>> waiting;
  /// Whose edge of a previous slot passed over some slots of the trigger: one of those may still be
  /// made, and then it counts.
  std::map<trigger_name, std::set<run_id>> passed_over;

  void watch(const msg::watch_edges& what, const run_actor& who);
  void forget(run_id run);
  void told(const msg::task_told& what);
  void told(const msg::slots_told& what);
  std::vector<blocked_by> explain(const msg::edges_query& what) const;

private:
  /// Reads all slots of an edge; an edge of a previous slot goes on to the one that counts.
  bool read(watched& at, edge_lookup& store, std::optional<instant> only = std::nullopt) const;
  bool read_previous(watched& at, edge_lookup& store) const;
  /// Tells what is settled; drops it.
  void settle(run_id run);
  void enter(run_id run, const watched& at);
  /// Reads the edges that `which` names anew, all their slots or `only` one.
  void judge_again(run_id run, const std::function<bool(const watched&)>& which,
                   std::optional<instant> only = std::nullopt);
};

directory_actor::behavior_type directory(directory_actor::stateful_pointer<directory_state> self,
                                         context_ptr context);

} // namespace pinion
