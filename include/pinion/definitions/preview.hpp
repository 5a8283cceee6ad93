#pragma once

#include "pinion/definitions/definition_directory.hpp"
#include "pinion/model/definition.hpp"
#include "pinion/timing/instant.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace pinion {

/// One fire time to come.
struct fire_time {
  instant at;
  std::string slot; ///< Local time with offset: "2026-11-20T02:00:00+08:00".
  std::string utc;  ///< "2026-11-19T18:00:00.000000Z".
  bool dry = false; ///< On an off day: the run succeeds at once, without processes.
};

/// The next fire times of one trigger.
struct trigger_preview {
  std::string trigger; ///< Its id.
  std::string text;    ///< Its schedule as written.
  bool enabled = true;
  std::vector<fire_time> times; ///< Ascending; shorter than asked if the schedule ends.
};

/// The next `count` fire times strictly after `after`, for each trigger in the order of the file;
/// disabled triggers are told as if they were enabled. Firing uses the same rule. An `after:`
/// trigger has the times of the one that it follows, or none where `others` does not know that.
std::vector<trigger_preview> preview(const workflow_definition& definition, instant after,
                                     std::size_t count,
                                     const definition_directory* others = nullptr);

/// The same for a rule of its own (`pinionctl preview --cron`).
std::vector<fire_time> preview(const slot_rule& slots, instant after, std::size_t count);

/// `{"items":[{"slot":…,"utc":…}…]}`: the JSON of `pinionctl preview`; a dry slot has `"dry":true`
/// beside.
std::string to_json(const std::vector<fire_time>& times);

} // namespace pinion
