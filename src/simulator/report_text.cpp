#include "pinion/simulator/simulation_report.hpp"
#include "pinion/timing/duration_text.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace pinion {
namespace {

constexpr std::size_t most_lines = 20; ///< Of each list; the rest is counted.
constexpr std::size_t most_runs = 40;  ///< Of the timeline.

using row = std::vector<std::string>;

/// Columns that line up.
std::string table_of(const std::vector<row>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& each : rows) {
    widths.resize(std::max(widths.size(), each.size()));
    for (std::size_t i = 0; i < each.size(); ++i)
      widths[i] = std::max(widths[i], each[i].size());
  }
  std::string out;
  for (const auto& each : rows) {
    std::string line{"  "};
    for (std::size_t i = 0; i < each.size(); ++i)
      line += each[i] + std::string(widths[i] - each[i].size() + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

/// To whole seconds: more says nothing about days to come.
std::string took(duration of) {
  return print_duration(std::chrono::round<std::chrono::seconds>(of));
}

/// 04:10, or 04:10 +1d.
std::string time_of_day(duration of) {
  const auto minutes = std::chrono::floor<std::chrono::minutes>(of).count();
  const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const auto days = minutes / (24 * 60);
  return two(minutes / 60 % 24) + ':' + two(minutes % 60) +
         (days > 0 ? " +" + std::to_string(days) + 'd' : "");
}

std::string fraction(double of) {
  const auto tenths = std::llround(of * 10);
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10);
}

class page {
public:
  page(const simulation_result& result, const simulation_report& report)
      : result_{result}, report_{report} {}

  std::string text() {
    head();
    timeline();
    workflows();
    pools();
    late();
    left_out();
    stuck();
    surprises();
    assumptions();
    return std::move(out_);
  }

private:
  std::string name_of(const simulated_run& run) const {
    const auto in = zone::load(result_.workflow_of(run).timezone);
    return result_.workflow_of(run).id() + '/' + result_.trigger_of(run) + '@' +
           print_local(run.slot, in ? in.value() : zone{});
  }

  void title(const std::string& text) { out_ += '\n' + text + '\n'; }

  template <class List, class Print>
  void list(const std::string& heading, const List& all, Print print) {
    if (all.empty())
      return;
    title(heading + " (" + std::to_string(all.size()) + ')');
    std::size_t count = 0;
    for (const auto& each : all) {
      if (count++ == most_lines) {
        out_ += "  ... and " + std::to_string(all.size() - most_lines) + " more\n";
        return;
      }
      out_ += "  " + print(each) + '\n';
    }
  }

  void head() {
    const auto runs = std::count_if(result_.runs.begin(), result_.runs.end(), [](const auto& run) {
      return run.outcome == slot_outcome::fired;
    });
    out_ += "From " + print_utc(result_.from) + " to " + print_utc(result_.to) + ": " +
            std::to_string(runs) + " runs, " + std::to_string(result_.instances.size()) +
            " instances; the last ends " + print_utc(result_.ended_at) + ", " +
            took(report_.makespan) + " after the first slot.\n";
  }

  void timeline() {
    title("Timeline (UTC)");
    std::vector<row> rows{{"SLOT", "START", "END", "STATE", "RUN"}};
    const auto time = [](instant at) { return at == never ? "-" : print_utc(at).substr(0, 19); };
    for (std::size_t at = 0; at < std::min(result_.runs.size(), most_runs); ++at) {
      const auto& run = result_.runs[at];
      const bool fired = run.outcome == slot_outcome::fired;
      rows.push_back({time(run.slot), time(run.started_at), time(run.ended_at),
                      std::string{fired ? to_string(run.state) : to_string(run.outcome)},
                      result_.workflow_of(run).id() + '/' + result_.trigger_of(run)});
    }
    out_ += table_of(rows);
    if (result_.runs.size() > most_runs)
      out_ += "  ... and " + std::to_string(result_.runs.size() - most_runs) +
              " more: see --format json or html\n";
  }

  void workflows() {
    title("Workflows: times of day are those of their clocks");
    std::vector<row> rows{{"WORKFLOW", "SLOTS", "OK", "FAILED", "OTHER", "USUAL END", "LATEST END",
                           "MEAN", "LONGEST"}};
    for (const auto& of : report_.workflows) {
      if (of.slots == 0)
        continue;
      const bool ended = of.last_end != never;
      rows.push_back({result_.workflows[of.workflow]->id(), std::to_string(of.slots),
                      std::to_string(of.success), std::to_string(of.failed),
                      std::to_string(of.cancelled + of.skipped + of.left_out + of.unfinished),
                      ended ? time_of_day(of.usual_end) : "-",
                      ended ? time_of_day(of.latest_end) : "-", ended ? took(of.mean) : "-",
                      ended ? took(of.longest) : "-"});
    }
    out_ += table_of(rows);
  }

  void pools() {
    title("Pools: mean permits in use by hour of the day (UTC)");
    std::vector<row> rows{{"POOL", "SIZE", "MOST USED", "MOST WAITING"}};
    for (int hour = 0; hour < 24; ++hour)
      rows.front().push_back((hour < 10 ? "0" : "") + std::to_string(hour));
    const auto days = std::max<double>(
        static_cast<double>((result_.to - result_.from).count()) / (24 * 3.6e9), 1.0 / 24);
    for (const auto& pool : result_.pools) {
      std::array<double, 24> used{};
      std::uint32_t most_used = 0;
      std::uint32_t most_queued = 0;
      for (const auto& hour : pool.hours) {
        const auto of_day = std::chrono::floor<std::chrono::hours>(
            hour.start - std::chrono::floor<std::chrono::days>(hour.start));
        used[static_cast<std::size_t>(of_day.count())] += hour.used / std::max(days, 1.0);
        most_used = std::max(most_used, hour.most_used);
        most_queued = std::max(most_queued, hour.most_queued);
      }
      row line{pool.name, std::to_string(pool.capacity), std::to_string(most_used),
               std::to_string(most_queued)};
      for (const auto each : used)
        line.push_back(each < 0.05 ? "." : fraction(each));
      rows.push_back(std::move(line));
    }
    out_ += table_of(rows);
  }

  void late() {
    list("Late: tasks that do not succeed by their deadline", report_.late,
         [this](const late_instance& late) {
           const auto& at = result_.instances[late.instance];
           const auto name = name_of(result_.runs[at.run]) + ' ' + result_.task_of(at).name;
           const auto when = ": due " + print_utc(late.deadline) + ", ";
           if (at.ended_at == never)
             return name + when + "never ends (" + std::string{to_string(at.state)} + ')';
           return name + when + std::string{to_string(at.state)} + ' ' + print_utc(at.ended_at) +
                  (at.ended_at > late.deadline ? ", " + took(at.ended_at - late.deadline) + " late"
                                               : std::string{});
         });
  }

  void left_out() {
    list("Slots without a run", report_.missed, [this](std::uint32_t at) {
      const auto& run = result_.runs[at];
      return name_of(run) + ": " + std::string{to_string(run.outcome)} + " (" +
             std::string{to_string(run.why)} + ')';
    });
  }

  void stuck() {
    list("Runs that do not end: they wait for what does not come", report_.stuck,
         [this](std::uint32_t at) {
           const auto& run = result_.runs[at];
           std::string tasks;
           for (auto place = run.first; place < run.first + run.count; ++place) {
             const auto& each = result_.instances[place];
             if (!is_terminal(each.state) && tasks.empty())
               tasks = ": " + result_.task_of(each).name + " is " +
                       std::string{to_string(each.state)} + " (" +
                       std::string{to_string(each.why)} + ')';
           }
           return name_of(run) + tasks;
         });
  }

  void surprises() {
    list("Changes of the clocks", report_.surprises, [this](const clock_surprise& found) {
      auto line = result_.workflows[found.workflow]->id() + '/' + found.trigger + ": " +
                  found.civil + " in " + found.zone;
      switch (found.what) {
      case clock_surprise::kind::left_out:
        return line + " does not exist, there is no slot";
      case clock_surprise::kind::moved:
        return line + " does not exist, the slot comes at " + print_utc(found.slots.front());
      case clock_surprise::kind::merged:
        return line + " does not exist and falls together with the slot at " +
               print_utc(found.slots.front());
      case clock_surprise::kind::doubled:
        return line + " comes twice, and so does the slot";
      case clock_surprise::kind::once:
        return line + " comes twice, the slot " +
               (found.slots.empty() ? "never" : "once, at " + print_utc(found.slots.front()));
      }
      return line;
    });
  }

  void assumptions() {
    list("Assumptions", result_.assumptions, [](const std::string& each) { return each; });
  }

  const simulation_result& result_;
  const simulation_report& report_;
  std::string out_;
};

} // namespace

std::string to_text(const simulation_result& result, const simulation_report& report) {
  return page{result, report}.text();
}

} // namespace pinion
