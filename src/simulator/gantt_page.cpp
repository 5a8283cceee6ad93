#include "simulator/gantt.hpp"

#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <cmath>

namespace pinion {
namespace {

using simulator::escape_markup;

/// The load of a pool as a strip of hours, the darker the fuller.
std::string strip_of(const simulated_pool& pool) {
  constexpr std::size_t most_hours = 24 * 62;
  std::string out = "<tr><th>" + escape_markup(pool.name) + " (" + std::to_string(pool.capacity) +
                    ")</th><td class=\"strip\">";
  const auto count = std::min(pool.hours.size(), most_hours);
  for (std::size_t at = 0; at < count; ++at) {
    const auto& hour = pool.hours[at];
    const auto full = std::clamp(hour.used / std::max(pool.capacity, 1U), 0.0, 1.0);
    const auto percent = std::to_string(std::lround(full * 100));
    out += "<i style=\"opacity:" + std::string{percent.size() > 2 ? "1" : "."} +
           (percent.size() > 2    ? ""
            : percent.size() == 2 ? percent
                                  : '0' + percent) +
           "\" title=\"" + escape_markup(print_utc(hour.start)) + ": " + percent + "% used, most " +
           std::to_string(hour.most_used) + ", most waiting " + std::to_string(hour.most_queued) +
           "\"></i>";
  }
  return out + "</td></tr>\n";
}

} // namespace

std::string to_svg(const simulation_result& result, const simulation_report& report) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + simulator::draw_chart(result, report);
}

std::string to_html(const simulation_result& result, const simulation_report& report) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<title>Simulation</title>\n<style>"
                    "body{font:14px sans-serif;margin:1em}pre{font-size:12px;overflow-x:auto}"
                    ".scroll{overflow-x:auto;border:1px solid #ccc}th{text-align:left;"
                    "font-weight:normal;padding-right:1em;white-space:nowrap}"
                    ".strip{white-space:nowrap}.strip i{display:inline-block;width:4px;height:14px;"
                    "background:#c8342c}</style></head>\n<body>\n<h1>Simulation</h1>\n"
                    "<div class=\"scroll\">";
  out += simulator::draw_chart(result, report);
  out += "</div>\n<h2>Pools by hour</h2>\n<div class=\"scroll\"><table>\n";
  for (const auto& pool : result.pools)
    out += strip_of(pool);
  out += "</table></div>\n<h2>Report</h2>\n<pre>" + escape_markup(to_text(result, report)) +
         "</pre>\n</body></html>\n";
  return out;
}

} // namespace pinion
