#include "simulator/gantt.hpp"

#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

namespace pinion::simulator {
namespace {

constexpr int left_margin = 260;
constexpr int top_margin = 44;
constexpr int row_height = 18;
constexpr int bar_height = 12;
constexpr double least_width = 1.5; ///< Of a bar, so that it can be seen.

std::string number(double of) {
  const auto tenths = std::llround(of * 10);
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10);
}

/// One bar of the chart.
struct bar {
  std::uint32_t row = 0;
  instant from{};
  instant to{};
  instant asked{}; ///< Before `from`: it waited for permits from here on.
  std::string css;
  std::string title;
};

class chart {
public:
  chart(const simulation_result& result, const simulation_report& report)
      : result_{result}, from_{result.from}, to_{std::max({result.to, result.ended_at,
                                                           result.from + duration{1}})} {
    for (const auto& late : report.late)
      late_.insert(late.instance);
    collect();
  }

  std::string svg() {
    const auto height = top_margin + row_height * static_cast<int>(rows_.size()) + 10;
    const auto width = std::to_string(left_margin + plot_width_ + 20);
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" width=\"" + width +
                      "\" height=\"" + std::to_string(height) + "\" viewBox=\"0 0 " + width + ' ' +
                      std::to_string(height) + "\">\n<style>" + std::string{chart_style()} +
                      "</style>\n";
    grid(out, height);
    for (std::size_t row = 0; row < rows_.size(); ++row)
      out += "<text class=\"row\" x=\"4\" y=\"" +
             std::to_string(top_margin + row_height * static_cast<int>(row) + 11) + "\">" +
             escape_markup(rows_[row]) + "</text>\n";
    for (const auto& each : bars_)
      draw(each, out);
    if (cut_ > 0)
      out += "<text class=\"row\" x=\"4\" y=\"14\">" + std::to_string(cut_) +
             " more are not drawn</text>\n";
    return out + "</svg>\n";
  }

private:
  // Instances while there are few enough, else whole runs.
  void collect() {
    const auto ran = static_cast<std::size_t>(
        std::count_if(result_.instances.begin(), result_.instances.end(),
                      [](const auto& at) { return at.started_at != never; }));
    const bool fine = ran <= max_bars;
    for (const auto& run : result_.runs) {
      if (run.outcome != slot_outcome::fired)
        add_slot(run);
      else if (!fine)
        add_run(run);
      else
        for (auto at = run.first; at < run.first + run.count; ++at)
          add_instance(at);
    }
    plot_width_ =
        std::clamp(static_cast<int>((to_ - from_) / std::chrono::minutes{2}), 900, 12'000);
  }

  std::uint32_t row_of(const std::string& name) {
    const auto [at, fresh] =
        row_numbers_.try_emplace(name, static_cast<std::uint32_t>(rows_.size()));
    if (fresh)
      rows_.push_back(name);
    return at->second;
  }

  void add(bar what) {
    if (bars_.size() < max_bars)
      bars_.push_back(std::move(what));
    else
      ++cut_;
  }

  void add_instance(std::uint32_t place) {
    const auto& at = result_.instances[place];
    if (at.started_at == never)
      return;
    const auto& run = result_.runs[at.run];
    const auto name = result_.workflow_of(run).id() + '.' + result_.task_of(at).name;
    bar made{row_of(name),
             at.started_at,
             at.ended_at == never ? to_ : at.ended_at,
             at.ready_at,
             std::string{to_string(at.state)},
             {}};
    made.title = name + (at.index == 0 ? "" : ':' + result_.indexes[at.index]) + " of " +
                 print_utc(run.slot) + ": " + made.css + ", " + print_utc(made.from) + " to " +
                 print_utc(made.to) + ", attempt " + std::to_string(at.attempts);
    if (late_.contains(place)) {
      made.css += " late";
      made.title += ", late";
    }
    add(std::move(made));
  }

  void add_run(const simulated_run& run) {
    if (run.started_at == never)
      return;
    const auto name = result_.workflow_of(run).id();
    bar made{row_of(name),
             run.started_at,
             run.ended_at == never ? to_ : run.ended_at,
             never,
             std::string{to_string(run.state)},
             {}};
    made.title = name + " of " + print_utc(run.slot) + ": " + made.css + ", " +
                 print_utc(made.from) + " to " + print_utc(made.to);
    add(std::move(made));
  }

  void add_slot(const simulated_run& run) {
    const auto name = result_.workflow_of(run).id();
    add({row_of(name), run.fired_at, run.fired_at, never, "left_out",
         name + " of " + print_utc(run.slot) + ": " + std::string{to_string(run.outcome)} + " (" +
             std::string{to_string(run.why)} + ')'});
  }

  double x_of(instant at) const {
    return left_margin + static_cast<double>((at - from_).count()) /
                             static_cast<double>((to_ - from_).count()) * plot_width_;
  }

  void grid(std::string& out, int height) const {
    const auto whole = to_ - from_;
    duration step = std::chrono::hours{1};
    for (const auto hours : {1, 3, 6, 12, 24, 72, 168, 744})
      if (whole / (step = std::chrono::hours{hours}) * 70 <= plot_width_)
        break;
    auto at = std::chrono::floor<std::chrono::days>(from_) + duration{0};
    for (; at <= to_; at += step) {
      if (at < from_)
        continue;
      const auto x = number(x_of(at));
      out += "<line class=\"grid\" x1=\"" + x + "\" y1=\"30\" x2=\"" + x + "\" y2=\"" +
             std::to_string(height) + "\"/>";
      const auto text = print_utc(at);
      out +=
          "<text class=\"time\" x=\"" + x + "\" y=\"26\">" +
          (step >= std::chrono::hours{24} || text.substr(11, 5) == "00:00" ? text.substr(0, 10)
                                                                           : text.substr(11, 5)) +
          "</text>\n";
    }
  }

  void draw(const bar& what, std::string& out) const {
    const auto y = std::to_string(top_margin + row_height * static_cast<int>(what.row));
    const auto x = x_of(what.from);
    if (what.asked != never && what.asked < what.from)
      out += "<rect class=\"queued\" x=\"" + number(x_of(what.asked)) + "\" y=\"" + y +
             "\" width=\"" + number(x - x_of(what.asked)) + "\" height=\"" +
             std::to_string(bar_height) + "\"/>";
    out += "<rect class=\"" + what.css + "\" x=\"" + number(x) + "\" y=\"" + y + "\" width=\"" +
           number(std::max(x_of(what.to) - x, least_width)) + "\" height=\"" +
           std::to_string(bar_height) + "\"><title>" + escape_markup(what.title) +
           "</title></rect>\n";
  }

  const simulation_result& result_;
  instant from_;
  instant to_;
  int plot_width_ = 900;
  std::unordered_set<std::uint32_t> late_;
  std::vector<std::string> rows_;
  std::unordered_map<std::string, std::uint32_t> row_numbers_;
  std::vector<bar> bars_;
  std::size_t cut_ = 0;
};

} // namespace

std::string escape_markup(std::string_view text) {
  std::string out;
  for (const char c : text)
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += c;
    }
  return out;
}

std::string_view chart_style() {
  return ".chart{font:11px sans-serif;background:#fff}.row{fill:#222}.time{fill:#666}"
         ".grid{stroke:#ddd}.queued{fill:#e3d9b0}.success{fill:#3a9d5d}.failed{fill:#c8342c}"
         ".upstream_failed{fill:#e08a3c}.cancelled{fill:#888}.skipped{fill:#bbb}"
         ".running,.ready,.retry_wait,.waiting{fill:#4a7fc1}.left_out{fill:#a020a0}"
         ".late{stroke:#c8342c;stroke-width:2}";
}

std::string draw_chart(const simulation_result& result, const simulation_report& report) {
  return chart{result, report}.svg();
}

} // namespace pinion::simulator
