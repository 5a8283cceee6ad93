#pragma once

#include "pinion/simulator/simulation_report.hpp"

namespace pinion::simulator {

/// Text between tags, and in attributes with double quotes.
std::string escape_markup(std::string_view text);

/// Colours and other rules that the chart needs, for <style>.
std::string_view chart_style();

/// The chart as one <svg> element.
std::string draw_chart(const simulation_result& result, const simulation_report& report);

} // namespace pinion::simulator
