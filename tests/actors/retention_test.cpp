#include "actors/stage.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>

namespace {

using namespace pinion;
using pinion::testing::stage;
using std::chrono::hours;
using std::chrono::minutes;

constexpr hours one_day{24};

/// Folders of runs that are there because a test says so.
class pretended_files final : public run_files_port {
public:
  std::map<run_folder_kind, std::map<run_id, std::uint64_t>> there;
  bool slow = false; ///< What is to be removed waits for `remove_one`.

  void add(run_id run, std::uint64_t log_bytes = 100) {
    there[run_folder_kind::logs][run] = log_bytes;
    there[run_folder_kind::workspace][run] = 10;
  }
  bool has_log(run_id run) { return there[run_folder_kind::logs].contains(run); }
  bool has_workspace(run_id run) { return there[run_folder_kind::workspace].contains(run); }

  void list(run_folder_kind kind, bool measure,
            std::function<void(result<std::vector<run_folder>>)> done) override {
    std::vector<run_folder> found;
    for (const auto& [run, bytes] : there[kind])
      found.push_back({run, measure ? bytes : 0});
    done(std::move(found));
  }
  void remove(run_folder_kind kind, std::vector<run_id> runs,
              std::function<void(std::uint64_t)> done) override {
    waiting_.emplace_back([this, kind, runs = std::move(runs), done = std::move(done)] {
      std::uint64_t count = 0;
      for (const auto run : runs)
        count += there[kind].erase(run);
      done(count);
    });
    while (!slow && remove_one()) {
    }
  }
  /// Returns whether there was one.
  bool remove_one() {
    if (waiting_.empty())
      return false;
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    next();
    return true;
  }
  void close() override {}

private:
  std::deque<std::function<void()>> waiting_;
};

/// The two tasks, with an engine that removes what is old.
struct old_times {
  explicit old_times(retention_settings keep = {}) {
    auto of = sim::two_tasks();
    of.retention = std::move(keep);
    of.files = &files;
    at.emplace(std::move(of));
    at->apply();
  }
  run_id finished() {
    const auto run = at->trigger();
    files.add(run);
    at->pass(minutes{30});
    REQUIRE(is_terminal(at->run(run).state));
    return run;
  }
  bool has(run_id run) const { return at->store().run(run).value().has_value(); }

  pretended_files files;
  std::optional<stage> at;
};

TEST_CASE("history, logs and workspaces go one after the other, each at its age", "[retention]") {
  retention_settings keep;
  keep.failed_workspaces = keep.workspaces; // However the two tasks end.
  old_times life{keep};
  const auto first = life.finished();
  const auto second = life.finished(); // The newest of its trigger stays.
  life.at->pass(6 * one_day);
  CHECK(life.files.has_workspace(first));
  life.at->pass(2 * one_day);
  CHECK_FALSE(life.files.has_workspace(first));
  CHECK(life.files.has_log(first));
  life.at->pass(23 * one_day);
  CHECK_FALSE(life.files.has_log(first));
  CHECK(life.has(first));
  life.at->pass(150 * one_day);
  CHECK_FALSE(life.has(first));
  CHECK(life.has(second));
}

TEST_CASE("a run that is alive keeps its logs and its workspace", "[retention]") {
  old_times life;
  life.finished();
  life.at->engine->client().hold({"ann", ""}, [](const auto&) {});
  life.at->settle();
  const auto run = life.at->trigger();
  life.files.add(run);
  life.at->pass(400 * one_day);
  CHECK(life.has(run));
  CHECK(life.files.has_log(run));
  CHECK(life.files.has_workspace(run));
}

TEST_CASE("logs are kept below their size, the oldest go first", "[retention]") {
  retention_settings keep;
  keep.log_bytes.projects["sim"] = 250;
  old_times life{keep};
  std::vector<run_id> runs;
  for (int i = 0; i < 4; ++i)
    runs.push_back(life.finished());
  life.at->pass(hours{2});
  CHECK_FALSE(life.files.has_log(runs[0]));
  CHECK_FALSE(life.files.has_log(runs[1]));
  CHECK(life.files.has_log(runs[2]));
  CHECK(life.files.has_log(runs[3]));
  CHECK(life.has(runs[0]));
}

TEST_CASE("folders of runs that nobody knows any more are removed", "[retention]") {
  old_times life;
  const auto known = life.finished();
  life.files.add({known.value + 1'000}); // Its row may be to come.
  life.files.add({0});
  life.at->pass(hours{2});
  CHECK(life.files.has_log(known));
  CHECK(life.files.has_log({known.value + 1'000}));
  CHECK_FALSE(life.files.has_log({0}));
}

TEST_CASE("ages are what the settings say, and a project may have its own", "[retention]") {
  retention_settings keep;
  keep.history.projects = {{"sim", one_day}, {"other", hours{1}}};
  keep.logs.usual = hours{2};
  keep.workspaces.usual = keep.failed_workspaces.usual = hours{1};
  old_times life{keep};
  const auto first = life.finished();
  life.finished();
  life.at->pass(hours{4});
  CHECK_FALSE(life.files.has_log(first));
  CHECK(life.has(first));
  life.at->pass(hours{24});
  CHECK_FALSE(life.has(first));
}

/// Does one thing of the engine's, a job or else a commit; returns whether there was one.
bool move(stage& at) {
  if (at.engine->jobs().has_job())
    at.engine->jobs().run_once();
  else if (at.engine->disk.pending())
    at.engine->disk.release(true);
  else
    return false;
  return true;
}

run_operation rerun_of(run_id run) {
  run_operation again;
  again.what = run_operation::verb::rerun;
  again.scope = rerun_scope::downstream;
  again.targets = {{run, 0, no_element}};
  return again;
}

TEST_CASE("a run that is rerun while it is removed is there, or is not", "[retention]") {
  retention_settings keep;
  keep.history.usual = one_day + minutes{65};
  // So many moves lie between the beginning of the pass and the rerun, whichever comes first; and
  // a commit is under way from the beginning, or not.
  const int moves = GENERATE(range(-40, 40));
  const bool busy = GENERATE(false, true);
  CAPTURE(moves, busy);
  old_times life{keep};
  auto& at = *life.at;
  const auto began = at.clock.wall_now();
  const auto first = life.finished();
  const auto other = life.finished();
  life.finished();
  // Up to the pass after they are old enough: a minute after the start, and then each hour.
  const auto pass = began + minutes{1} + one_day + hours{2};
  at.pass(pass - minutes{1} - at.clock.wall_now());
  REQUIRE(life.has(first));
  REQUIRE(life.has(other));
  at.clock.advance(minutes{1} + std::chrono::seconds{1});
  if (busy) {
    at.engine->client().hold({"ann", ""}, [](const auto&) {});
    at.run_actors();
  }
  std::optional<result<operation_answer>> answer;
  const auto rerun = [&] {
    const auto again = rerun_of(first);
    at.eyes.operation_asked(first, again);
    at.engine->client().operate(first, again, {"ann", ""},
                                [&](const result<operation_answer>& done) { answer = done; });
  };
  if (moves < 0)
    rerun();
  else
    at.engine->alarm.ring(false);
  for (int i = 0; i < std::abs(moves) && move(at); ++i) {
  }
  if (moves < 0)
    at.engine->alarm.ring(false);
  else
    rerun();
  at.settle();
  at.engine->client().unhold({"ann", ""}, [](const auto&) {});
  at.pass(hours{5});
  REQUIRE(answer);
  REQUIRE(at.log.violations() == std::vector<std::string>{});
  CHECK_FALSE(life.has(other));
  if (*answer) {
    REQUIRE(life.has(first));
    CHECK(is_terminal(at.run(first).state));
    CHECK(at.store().instances_of(first).value().size() == 2);
  } else {
    CHECK(answer->error().code == errc::not_found);
    CHECK_FALSE(life.has(first));
    CHECK(at.store().instances_of(first).value().empty());
  }
  at.restart();
  CHECK(at.engine->fatal().value_or("") == "");
}

TEST_CASE("what a rerun writes is not removed with what was there before", "[retention]") {
  retention_settings keep;
  keep.logs.usual = one_day + minutes{65};
  keep.workspaces.usual = keep.failed_workspaces.usual = one_day + minutes{65};
  // So many moves lie between the beginning of the pass and the rerun, whichever comes first.
  const int moves = GENERATE(range(-50, 50));
  CAPTURE(moves);
  old_times life{keep};
  auto& at = *life.at;
  const auto began = at.clock.wall_now();
  const auto first = life.finished();
  const auto other = life.finished();
  const auto pass = began + minutes{1} + one_day + hours{2};
  at.pass(pass - minutes{1} - at.clock.wall_now());
  REQUIRE(life.files.has_log(first));
  REQUIRE(life.files.has_workspace(first));
  at.clock.advance(minutes{1} + std::chrono::seconds{1});
  life.files.slow = true;
  bool written = false;
  at.on_entering = [&](const instance_key& key, instance_state state) {
    if (key.run == first && state == instance_state::running && !std::exchange(written, true))
      life.files.add(first);
  };
  std::optional<result<operation_answer>> answer;
  const auto rerun = [&] {
    at.eyes.operation_asked(first, rerun_of(first));
    at.engine->client().operate(first, rerun_of(first), {"ann", ""},
                                [&](const result<operation_answer>& done) { answer = done; });
  };
  if (moves < 0)
    rerun();
  else
    at.engine->alarm.ring(false);
  const auto move_files_too = [&] { return move(at) || life.files.remove_one(); };
  for (int i = 0; i < std::abs(moves) && move_files_too(); ++i) {
  }
  if (moves < 0)
    at.engine->alarm.ring(false);
  else
    rerun();
  at.pass(std::chrono::seconds{20}); // Its process begins before anything more is removed.
  while (life.files.remove_one())
    at.settle();
  REQUIRE(answer);
  REQUIRE(*answer);
  life.files.slow = false;
  at.pass(minutes{30});
  CHECK(written);
  CHECK(life.files.has_log(first));
  CHECK(life.files.has_workspace(first));
  CHECK_FALSE(life.files.has_log(other));
  CHECK_FALSE(life.files.has_workspace(other));
  CHECK(is_terminal(at.run(first).state));
  // It is as any other from then on.
  at.pass(one_day + hours{3});
  CHECK_FALSE(life.files.has_log(first));
  CHECK_FALSE(life.files.has_workspace(first));
  CHECK(at.log.violations() == std::vector<std::string>{});
}

TEST_CASE("a run is opened again only when its folder is gone", "[retention]") {
  retention_settings keep;
  keep.workspaces.usual = keep.failed_workspaces.usual = one_day;
  old_times life{keep};
  auto& at = *life.at;
  const auto first = life.finished();
  const auto other = life.finished();
  life.files.slow = true;
  at.pass(one_day + hours{1});
  std::vector<run_id> answered;
  for (const auto run : {first, other}) {
    at.eyes.operation_asked(run, rerun_of(run));
    at.engine->client().operate(run, rerun_of(run), {"ann", ""},
                                [&answered, run](const auto& done) {
                                  REQUIRE(done);
                                  answered.push_back(run);
                                });
  }
  at.settle();
  CHECK(answered == std::vector{other}); // Which is not judged to be old any more, either.
  REQUIRE(life.files.remove_one());
  CHECK_FALSE(life.files.has_workspace(first));
  at.settle();
  CHECK(answered == std::vector{other, first});
  while (life.files.remove_one())
    at.settle();
  CHECK(life.files.has_workspace(other));
}

TEST_CASE("a run that was opened stays until the next start, and keeps no other", "[retention]") {
  retention_settings keep;
  keep.history.usual = one_day;
  old_times life{keep};
  auto& at = *life.at;
  const auto first = life.finished();
  const auto second = life.finished();
  const auto third = life.finished();
  life.finished();
  run_operation note;
  note.what = run_operation::verb::note;
  note.note = "look at this";
  at.eyes.operation_asked(second, note);
  at.engine->client().operate(second, note, {"ann", ""}, [](const auto& done) { REQUIRE(done); });
  at.settle();
  at.pass(one_day + hours{4});
  CHECK_FALSE(life.has(first));
  CHECK(life.has(second));
  CHECK_FALSE(life.has(third));
  at.restart();
  at.pass(hours{2});
  CHECK_FALSE(life.has(second));
  CHECK(at.log.violations().empty());
}

TEST_CASE("retention goes on after a crash in the middle of it", "[retention]") {
  retention_settings keep;
  keep.history.usual = one_day;
  old_times life{keep};
  for (int i = 0; i < 5; ++i)
    life.finished();
  life.at->pass(one_day - hours{1});
  life.at->restart();
  life.at->pass(hours{6});
  CHECK(life.at->store().list_runs({}, {}).value().items.size() == 1);
}

TEST_CASE("the audit goes with the longest history", "[retention]") {
  retention_settings keep;
  keep.history.usual = one_day;
  old_times life{keep};
  life.finished();
  const auto records = [&] { return life.at->store().list_audit({}, {}).value().items.size(); };
  REQUIRE(records() > 1);
  life.at->pass(one_day + hours{2});
  CHECK(records() == 1); // The newest stays: its number is the next one's base.
}

} // namespace
