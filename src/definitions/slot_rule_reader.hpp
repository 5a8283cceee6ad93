#pragma once

#include "definitions/calendar_reader.hpp"
#include "definitions/diagnostic_sink.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/model/misfire.hpp"
#include "pinion/timing/slot_rule.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::definitions {

/// The kinds of trigger; each has a key of that name.
enum class trigger_kind : std::uint8_t { cron, period, every, dates, after };

/// The keys of a trigger that say when its slots are; null pointers where they are not written.
struct slot_nodes {
  const node* cron = nullptr;
  const node* dialect = nullptr;
  const node* dom_dow = nullptr;
  const node* period = nullptr;
  const node* at = nullptr;
  const node* days = nullptr;
  const node* step = nullptr;
  const node* every = nullptr;
  const node* anchor = nullptr;
  const node* dates = nullptr;
  const node* timezone = nullptr;
  const node* start = nullptr;
  const node* end = nullptr;
  const node* calendar = nullptr;
  const node* shift = nullptr;
  const node* off_days = nullptr;
  const node* dst = nullptr;
};

/// What the nodes are read with.
struct slot_context {
  std::string timezone;                      ///< Of the workflow; known.
  const calendar_table* calendars = nullptr; ///< Of pinion.yaml; null: there are none.
  std::vector<std::string>* used = nullptr;  ///< Names of calendars go here.
};

/// A rule, and its schedule as people write it: "0 2 * * *", "every 15m", "day at 02:00".
struct read_rule {
  slot_rule slots;
  std::string text;
};

/// Reads the rule of a trigger of a kind other than `after`. Nothing if it was refused; that has
/// then been reported. Whether a slot ever comes is left to `check_comes`.
std::optional<read_rule> read_slot_rule(const reporter& report, trigger_kind kind,
                                        const slot_nodes& nodes, const slot_context& context);

/// Refuses a rule that has no slot at all, and with `now` one whose expression is over; warns of
/// one whose window or dates are. `at` is the node of the schedule.
void check_comes(const reporter& report, const node& at, const read_rule& rule,
                 std::optional<instant> now);

/// `misfire: last` or `{policy:, within:, max:}`; what is not said is as in `unsaid`.
std::optional<misfire_policy> read_misfire(const reporter& report, const node& at,
                                           const misfire_policy& unsaid);

std::vector<std::string_view> dst_keys();
std::vector<std::string_view> misfire_keys();
std::vector<std::string_view> shifted_calendar_keys();

} // namespace pinion::definitions
