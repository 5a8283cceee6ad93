#pragma once

#include "actors/known_definitions.hpp"
#include "pinion/actors/engine_client.hpp"
#include "pinion/timing/zone.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pinion {

/// The slots of a backfill in the order in which they are started.
struct backfill_plan {
  /// A trigger that has some of them.
  struct source {
    std::string workflow; ///< project.name
    std::string trigger;
    zone in; ///< Of the workflow: business dates are told there.
  };
  struct entry {
    std::uint32_t from = 0; ///< Position in `sources`.
    instant slot{};
    friend bool operator==(const entry&, const entry&) = default;
  };
  std::vector<source> sources; ///< The first one is what was asked for.
  std::vector<entry> slots;    ///< At least one, at most `max_backfill_slots`.

  const source& source_of(const entry& of) const { return sources[of.from]; }
};

/// Works out what a backfill has to do, and refuses one that makes no sense. Reads nothing but the
/// definitions; preview and backfill both go by it. Fails with `errc::not_found` for a workflow,
/// trigger or task that does not exist, `errc::invalid` for values out of their range, what is no
/// slot and an empty list, `errc::limit` beyond `max_backfill_slots`, `errc::refused` for slots
/// still to come (unless isolated), an order against `depends_on_previous` and isolated with
/// downstream. Pure.
result<backfill_plan> plan_backfill(const backfill_request& ask, const known_definitions& all,
                                    instant now);

/// Adds the slots of other workflows whose needs are bound, also over several workflows, to slots
/// of `plan`, in the order in which none waits for a later one: workflow by workflow as they need
/// each other. Slots later than `now` are left to the clock, and so is what lies further than
/// `downstream_reach` behind the plan's last slot. Fails with `errc::limit` beyond
/// `max_backfill_slots`, or where there is more to look at than `max_slots_looked_at`. Pure.
result<void> add_downstream(backfill_plan& plan, const known_definitions& all, bool descending,
                            instant now);
inline constexpr std::chrono::days downstream_reach{32};
inline constexpr std::size_t max_slots_looked_at = 300'000;

/// The present or next opening of the hours: `begin` <= now: they are open. `begin` and `end` are
/// resolved on each date as schedules are: a time that the clocks skip is the end of the gap, of
/// one that they show twice the first counts; where nothing is left between them the date has none.
struct opening {
  instant begin{};
  instant end{};
};
/// Pure. All day, every day, for hours that begin when they end.
opening opening_at(const quiet_hours& hours, instant now, zone in) noexcept;

/// The given values as one JSON object.
json_text params_object(const std::vector<std::pair<std::string, json_text>>& params);

/// "b12"
std::string backfill_name(std::uint64_t id);

} // namespace pinion
