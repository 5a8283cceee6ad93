#pragma once

#include "actors/context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <unordered_map>

namespace pinion {

/// One commit is under way at a time; what arrives meanwhile forms the next group, so groups grow
/// with the load by themselves.
struct journal_state {
  static inline constexpr const char* name = "journal";

  struct waiting {
    kv_batch batch;
    bool plan = false;
    bool expiry = false;
    caf::typed_response_promise<std::uint64_t> promise;
  };

  journal_actor::stateful_pointer<journal_state> self = nullptr;
  context_ptr context;
  std::vector<waiting> urgent;
  std::deque<waiting> bulk;
  std::vector<caf::typed_response_promise<std::uint64_t>> in_flight;
  std::unordered_map<std::uint64_t, std::uint32_t> incarnations;
  std::uint64_t next_audit = 1;
  std::vector<row_change> changed; ///< By the commit that is under way, if somebody watches.
  bool heard = false;              ///< Somebody watched when it was handed over.
  bool flush_queued = false;

  caf::result<std::uint64_t> take(msg::submit& what);
  void commit_group();
  void acknowledge(const result<std::uint64_t>& outcome);

private:
  void wake();
  /// Whether a batch erases a run that has been opened.
  bool erases_an_opened_run(const kv_batch& batch) const;
};

journal_actor::behavior_type journal(journal_actor::stateful_pointer<journal_state> self,
                                     context_ptr context, std::uint64_t next_audit);

} // namespace pinion
