#include "runs.hpp"
#include "show.hpp"
#include "terminal.hpp"

#include "pinion/timing/duration_text.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <sstream>

namespace pinion::ctl {
namespace {

volatile std::sig_atomic_t interrupted = 0;
void note_interrupt(int) { interrupted = 1; }

/// Shows one screen after the other; the cursor comes back however it ends.
class live_screen {
public:
  explicit live_screen(console& out) : out_{out} {
    struct sigaction how {};
    how.sa_handler = note_interrupt; // Without SA_RESTART: the pause ends at once.
    ::sigaction(SIGINT, &how, nullptr);
    ::sigaction(SIGTERM, &how, nullptr);
    out_.raw("\x1b[?1049h\x1b[?25l");
    out_.flush();
  }
  ~live_screen() {
    out_.raw("\x1b[?25h\x1b[?1049l");
    out_.flush();
  }
  live_screen(const live_screen&) = delete;
  live_screen& operator=(const live_screen&) = delete;

  void show(const std::vector<std::string>& lines) {
    const auto size = terminal_size();
    std::string text = "\x1b[H";
    for (std::size_t i = 0; i < lines.size() && i < size.lines; ++i)
      text += (i == 0 ? "" : "\r\n") + cut_to(lines[i], size.columns) + "\x1b[K";
    out_.raw(text + "\x1b[J");
    out_.flush();
  }

private:
  console& out_;
};

void pause_for(pinion::duration time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  timespec left{whole.count(),
                std::chrono::duration_cast<std::chrono::nanoseconds>(time - whole).count()};
  (void)::nanosleep(&left, nullptr);
}

std::string number_text(const json& value) { return value.is_null() ? "-" : dump(value); }

/// A bar of so many cells: "[#####.....]".
std::string bar(std::uint64_t used, std::uint64_t capacity, std::size_t cells) {
  const auto full = capacity == 0 ? 0 : std::min<std::uint64_t>(cells, used * cells / capacity);
  return '[' + std::string(full, '#') + std::string(cells - full, '.') + ']';
}

void append_table(std::vector<std::string>& lines, const console& out, const table& rows) {
  const auto text = rows.text([&](const std::string& cell, bool is_state, bool is_header) {
    return is_header ? out.bold(cell) : is_state ? out.state(cell) : cell;
  });
  std::istringstream all{text};
  for (std::string line; std::getline(all, line);)
    lines.push_back(line);
}

void add_head(std::vector<std::string>& lines, const console& out, const json& top) {
  const auto& slots = top["slots"];
  const auto& runs = top["runs"];
  const bool ready = top.value("ready", false);
  lines.push_back(out.bold("pinion") + "  " + cell_of(top, "at") + "  " +
                  (ready ? "ready" : out.state("error") + ": not ready") +
                  (top.value("held", false) ? "  " + out.state("paused") + ": on hold" : "") +
                  "  up since " + cell_of(top, "started_at"));
  lines.push_back("lag       mean " + cell_of(top, "lag.mean_s") + ", worst " +
                  cell_of(top, "lag.worst_s") + ", of " + cell_of(top, "lag.slots_fired") +
                  " slots since the start");
  lines.push_back(
      "slots     " +
      bar(slots["used"].get<std::uint64_t>(), slots["capacity"].get<std::uint64_t>(), 20) + ' ' +
      cell_of(slots, "used") + " of " + cell_of(slots, "capacity"));
  lines.push_back("runs      " + number_text(runs["running"]) + " running, " +
                  number_text(runs["queued"]) + " queued");
  for (const auto& problem : top["problems"])
    lines.push_back(out.state("error") + ": " + escaped(problem.get<std::string>()));
}

void add_pools(std::vector<std::string>& lines, const console& out, const json& pools) {
  table rows{{{"POOL"}, {"USED"}, {""}, {"QUEUED"}}};
  for (const auto& pool : pools)
    rows.add({escaped(text_of(pool, "id")),
              number_text(pool["used"]) + '/' + number_text(pool["capacity"]),
              bar(pool["used"].get<std::uint64_t>(), pool["capacity"].get<std::uint64_t>(), 10),
              number_text(pool["queued"])});
  lines.emplace_back();
  append_table(lines, out, rows);
}

void add_list(std::vector<std::string>& lines, const console& out, const json& items,
              const std::vector<field>& fields) {
  if (items.empty())
    return;
  lines.emplace_back();
  append_table(lines, out, rows_of(out, items, fields));
}

std::vector<std::string> lines_of(const console& out, const json& top) {
  std::vector<std::string> lines;
  add_head(lines, out, top);
  add_pools(lines, out, top["pools"]);
  add_list(lines, out, top["slowest"],
           {{"RUNNING LONGEST", "id"},
            {"WORKFLOW", "workflow"},
            {"STATE", "state", false, true},
            {"ATTEMPT", "attempt"},
            {"FOR", "running_s"}});
  add_list(lines, out, top["workflows"],
           {{"WORKFLOW", "workflow"}, {"RUNNING", "running"}, {"QUEUED", "queued"}});
  add_list(lines, out, top["next_minutes"], {{"NEXT MINUTE", "minute"}, {"SLOTS", "count"}});
  return lines;
}

pinion::duration interval_of(const arguments& args) {
  if (!args.has("interval"))
    return std::chrono::seconds{2};
  return value_or_fail(parse_duration(args.text("interval"),
                                      {std::chrono::milliseconds{200}, std::chrono::hours{1}}));
}

bool is_live(const session& now) {
  const char* term = std::getenv("TERM");
  return now.out.for_people() && now.out.is_terminal() && !now.args.has("once") &&
         term != nullptr && std::string{term} != "dumb";
}

} // namespace

exit_code run_top(session& now) {
  const auto interval = interval_of(now.args);
  const query values{{"limit", std::to_string(now.args.number("limit", 1, 1000).value_or(10))}};
  const auto look = [&] { return now.engine.get("/api/v1/top", values); };
  if (!is_live(now)) {
    const auto top = look();
    if (!now.out.for_people()) {
      if (now.out.chosen() == format::name)
        for (const auto& item : top["slowest"])
          now.out.line(text_of(item, "id"));
      else
        now.out.document(top);
      return exit_code::done;
    }
    for (const auto& line : lines_of(now.out, top))
      now.out.line(line);
    return exit_code::done;
  }
  auto top = look(); // A failure is told on the ordinary screen.
  live_screen screen{now.out};
  while (interrupted == 0) {
    screen.show(lines_of(now.out, top));
    pause_for(interval);
    if (interrupted == 0)
      top = look();
  }
  return exit_code::done;
}

} // namespace pinion::ctl
