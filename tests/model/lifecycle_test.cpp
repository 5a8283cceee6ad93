#include <catch2/catch.hpp>
#include <map>
#include <pinion/model/lifecycle.hpp>
#include <sstream>
#include <string>

using namespace pinion;

namespace {

// Written from the design, not from the code: a line is a state, then what each event leads to.
// p pre_trigger, t triggered, w waiting, P pre_ready, r ready, R running, a async_running,
// d dqc_check, y retry_wait, x stopping, S success, F failed, C cancelled, K skipped,
// U upstream_failed, a dot: illegal.
//
// The columns: slot_fired admitted needs_met needs_failed needs_skipped; granted start_confirmed
// started_at_once body_done succeeded; failed_for_good failed_will_retry skip_exit retry_due stop;
// stopped_cancelled stopped_failed stopped_skipped stopped_success; cancel declare_failed
// declare_skipped declare_success rerun; frozen not_there_yet.
constexpr const char* expected = R"(
p t.... ..... ..... .... CFKS. ..
t .w.UK ..... ..... .... CFKS. ..
w ..PUK ..... ..... .... CFKS. ..
P ..... r.R.. ..... .... CFKS. w.
r ..... .R... Fy..x .... ..... .w
R ..... ...dS FyK.x .... ..... .w
a ..... ...dS FyK.x .... ..... ..
d ..... ....S Fy..x .... ..... .w
y ..... ..... ...P. .... CFKS. ..
x ..... ..... ..... CFKS ..... ..
S ..... ..... ..... .... ....w ..
F ..... ..... ..... .... ..KSw ..
C ..... ..... ..... .... ..KSw ..
K ..... ..... ..... .... ....w ..
U ..... ..... ..... .... ..KSw ..
)";

constexpr std::string_view letters = "ptwPrRadyxSFCKU";

} // namespace

TEST_CASE("every pair of a state and an event leads where the design says", "[lifecycle]") {
  std::istringstream lines{expected};
  std::string line;
  std::size_t states = 0;
  while (std::getline(lines, line)) {
    if (line.empty())
      continue;
    std::string cells;
    for (const char c : line.substr(1))
      if (c != ' ')
        cells += c;
    REQUIRE(cells.size() == instance_event_count);
    const auto from = static_cast<instance_state>(letters.find(line[0]));
    for (std::size_t event = 0; event < cells.size(); ++event) {
      INFO(to_string(from) << " on " << to_string(static_cast<instance_event>(event)));
      const auto to = next_state(from, static_cast<instance_event>(event));
      CHECK((to ? letters[static_cast<std::size_t>(*to)] : '.') == cells[event]);
    }
    ++states;
  }
  CHECK(states == instance_state_count);
}

TEST_CASE("a state or event out of range has no successor", "[lifecycle]") {
  CHECK_FALSE(next_state(static_cast<instance_state>(200), instance_event::cancel));
  CHECK_FALSE(next_state(instance_state::waiting, static_cast<instance_event>(200)));
}

TEST_CASE("names of states and reasons can be read back, and are unique", "[lifecycle]") {
  std::map<std::string_view, int> seen;
  for (std::size_t i = 0; i < instance_state_count; ++i) {
    const auto state = static_cast<instance_state>(i);
    CHECK(instance_state_from(to_string(state)) == state);
    CHECK(seen[to_string(state)]++ == 0);
  }
  for (std::size_t i = 0; i < run_state_count; ++i)
    CHECK(run_state_from(to_string(static_cast<run_state>(i))) == static_cast<run_state>(i));
  std::map<std::string_view, int> reasons;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(reason::chosen); ++i) {
    CHECK(reason_from(to_string(static_cast<reason>(i))) == static_cast<reason>(i));
    CHECK(reasons[to_string(static_cast<reason>(i))]++ == 0);
  }
  CHECK(to_string(reason::covered_by_fallback) == "covered_by_fallback");
  CHECK(to_string(reason::trigger_paused) == "trigger_paused");
  CHECK(to_string(instance_state::upstream_failed) == "upstream_failed");
  CHECK_FALSE(instance_state_from("finished"));
  CHECK_FALSE(reason_from(""));
}
