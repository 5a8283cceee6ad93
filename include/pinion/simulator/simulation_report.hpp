#pragma once

#include "pinion/model/deadline.hpp"
#include "pinion/simulator/simulation.hpp"

#include <string>
#include <vector>

namespace pinion {

/// A task that had not succeeded by its deadline (nor its backup).
struct late_instance {
  std::uint32_t instance = 0;
  instant deadline{};
};

/// What a change of the clocks does to slots of a trigger.
struct clock_surprise {
  enum class kind : std::uint8_t {
    moved,    ///< The civil time does not exist: the slot comes right after the gap.
    merged,   ///< Likewise, but there is a slot already.
    left_out, ///< The civil time does not exist: there is no slot (`missing: skip`).
    doubled,  ///< The civil time comes twice, and so does the slot (`repeated: both`).
    once,     ///< The civil time comes twice, the slot once.
  } what = kind::moved;
  std::uint32_t workflow = 0;
  std::string trigger;
  std::string civil; ///< 2026-10-25T02:30:00
  std::string zone;
  std::vector<instant> slots; ///< What came of it.
};
std::string_view to_string(clock_surprise::kind what) noexcept;

/// How one workflow fared.
struct workflow_summary {
  std::uint32_t workflow = 0;
  std::uint32_t slots = 0; ///< Decided, called runs included.
  std::uint32_t success = 0;
  std::uint32_t failed = 0;
  std::uint32_t cancelled = 0;
  std::uint32_t skipped = 0;
  std::uint32_t left_out = 0;   ///< Slots without a run.
  std::uint32_t unfinished = 0; ///< Runs that still waited when nothing more could happen.
  duration mean{0};             ///< Slot to end, of runs that ended.
  duration longest{0};
  instant last_end{};     ///< `never`: none ended.
  duration usual_end{0};  ///< Median time of day of the ends, on the workflow's clock.
  duration latest_end{0}; ///< The latest one, from the midnight of its slot's date on.
};

struct simulation_report {
  std::vector<late_instance> late;   ///< In the order of deadlines.
  std::vector<std::uint32_t> missed; ///< Runs that are slots without a run.
  std::vector<std::uint32_t> stuck;  ///< Runs that did not end.
  std::vector<clock_surprise> surprises;
  std::vector<workflow_summary> workflows;
  /// Somebody is late, or a slot has no run in a workflow with deadlines.
  bool deadline_missed = false;
  duration makespan{0}; ///< From the first slot to the last end.
};

simulation_report report_of(const simulation_result& result);

/// What changes of the clocks in [from, to) do to the triggers of a workflow.
std::vector<clock_surprise> surprises_of(const workflow_definition& workflow,
                                         std::uint32_t position, instant from, instant to);

/// One JSON object: see docs/simulate.md.
std::string to_json(const simulation_result& result, const simulation_report& report);

/// For people, without colours; ends in a line feed.
std::string to_text(const simulation_result& result, const simulation_report& report);

/// A self-contained page with the Gantt chart, and the chart alone. At most `max_bars` bars: beyond
/// that, runs instead of instances, then the first so many.
std::string to_html(const simulation_result& result, const simulation_report& report);
std::string to_svg(const simulation_result& result, const simulation_report& report);
inline constexpr std::size_t max_bars = 20'000;

} // namespace pinion
