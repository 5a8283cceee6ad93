#pragma once

#include "api/api_state.hpp"
#include "api/lookup.hpp"
#include "pinion/model/run_core.hpp"

namespace pinion {

/// The longest note on a run.
inline constexpr std::size_t max_note_bytes = 4096;

/// What a body of POST /operations asks for, looked up.
struct asked_operation {
  run_record run;
  definition_cache::definition_ptr definition;
  run_operation operation;
  std::string reason;
  bool dry_run = false;
  bool across = false; ///< rerun: also what other workflows' runs have made of it.
};

/// The verb under `operation`. Fails with `errc::invalid`.
result<run_operation::verb> operation_verb_of(const json& body);

/// Fails with `errc::invalid`, which names the key, or `errc::not_found`. `who`: for the message.
result<asked_operation> operation_of(const store_view& view, const json& body,
                                     const std::string& who);

/// The run as the store has it; `instances` not empty: with these rows instead of its own.
result<run_core> restored(const store_view& view, const run_record& run,
                          const definition_cache::definition_ptr& definition,
                          std::vector<instance_record> instances);

/// A run's step, made on a copy of its rows: nothing is changed.
struct rehearsal {
  run_core core; ///< As it would be.
  run_step step;
};
/// Fails as the operation would.
result<rehearsal> rehearse(const store_view& view, const run_record& run,
                           const definition_cache::definition_ptr& definition,
                           const run_operation& operation);

/// The instances that a rehearsal changed, as `{id, state, reason}`.
json changes_of(const rehearsal& of);

} // namespace pinion
