#include "gantt_text.hpp"

#include "failure.hpp"
#include "pinion/timing/instant_text.hpp"
#include "show.hpp"

#include <algorithm>
#include <chrono>

namespace pinion::ctl {
namespace {

using pinion::instant;

constexpr std::size_t least_bar = 10;
constexpr std::size_t most_name = 32;

struct bar_of_task {
  std::string name;
  std::string state;
  instant start;
  instant end; ///< Now, if it has not ended.
  bool open = false;
};

double seconds_between(instant begin, instant end) {
  return std::chrono::duration<double>(end - begin).count();
}

std::vector<bar_of_task> bars_of(const json& graph, instant now) {
  std::vector<bar_of_task> bars;
  for (const auto& node : graph["nodes"]) {
    const auto start = text_of(node, "started_at");
    if (start.empty())
      continue;
    const auto end = text_of(node, "ended_at");
    bars.push_back({text_of(node, "task"), text_of(node, "state"),
                    value_or_fail(pinion::parse_instant(start)),
                    end.empty() ? now : value_or_fail(pinion::parse_instant(end)), end.empty()});
  }
  return bars;
}

/// Those that took longest, in the order of their start.
void keep_longest(std::vector<bar_of_task>& bars, std::size_t most) {
  const auto longer = [](const auto& a, const auto& b) {
    return a.end - a.start > b.end - b.start;
  };
  if (bars.size() > most) {
    std::stable_sort(bars.begin(), bars.end(), longer);
    bars.resize(most);
  }
  std::stable_sort(bars.begin(), bars.end(),
                   [](const auto& a, const auto& b) { return a.start < b.start; });
}

std::string repeated(const char* mark, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += mark;
  return text;
}

std::string padded(std::string text, std::size_t cells) {
  const auto width = display_width(text);
  return width < cells ? text.append(cells - width, ' ') : text;
}

} // namespace

std::vector<std::string> gantt_text(const console& out, const json& graph, std::size_t columns,
                                    std::size_t most) {
  const auto at = text_of(graph, "at");
  const auto now = at.empty() ? instant{} : value_or_fail(pinion::parse_instant(at));
  auto bars = bars_of(graph, now);
  const auto ran = bars.size();
  std::vector<std::string> lines{out.bold(text_of(graph, "workflow")) + ' ' +
                                 text_of(graph, "run") + ' ' + out.state(text_of(graph, "state"))};
  if (bars.empty()) {
    lines.emplace_back("No task has begun");
    return lines;
  }
  auto begin = bars.front().start;
  auto end = bars.front().end;
  for (const auto& bar : bars) {
    begin = std::min(begin, bar.start);
    end = std::max(end, bar.end);
  }
  keep_longest(bars, most);
  std::size_t width = 4;
  for (const auto& bar : bars)
    width = std::min(most_name, std::max(width, display_width(bar.name)));
  constexpr std::size_t right = 11; // The time that it took, and a space before.
  const auto cells =
      std::max(least_bar, columns > width + right + 3 ? columns - width - right - 3 : 0);
  const auto whole = std::max(seconds_between(begin, end), 1e-6);
  lines.push_back(out.dim(padded("", width + 1) + pinion::print_utc(begin).substr(0, 19) +
                          "Z, one mark is " + duration_text(whole / static_cast<double>(cells))));
  for (const auto& bar : bars) {
    const auto place = [&](instant when) {
      return static_cast<std::size_t>(seconds_between(begin, when) / whole *
                                      static_cast<double>(cells));
    };
    const auto from = std::min(place(bar.start), cells - 1);
    const auto to = std::min(std::max(place(bar.end), from + 1), cells);
    const auto name =
        display_width(bar.name) > width ? bar.name.substr(0, width - 1) + "…" : bar.name;
    lines.push_back(padded(name, width) + ' ' + out.dim("│") + std::string(from, ' ') +
                    out.state_as(repeated(bar.open ? "▒" : "█", to - from), bar.state) +
                    std::string(cells - to, ' ') + out.dim("│") + ' ' +
                    duration_text(seconds_between(bar.start, bar.end)));
  }
  if (ran > bars.size())
    lines.push_back(
        out.dim(std::to_string(ran - bars.size()) + " more tasks took less time: --limit N"));
  return lines;
}

} // namespace pinion::ctl
