#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <pinion/model/admission.hpp>
#include <rapidcheck.h>

using namespace pinion;
using av = admission_verdict;

namespace {

admission_candidate candidate(std::uint64_t id, overlap_policy policy, bool admitted,
                              std::string trigger = "nightly") {
  return {{id}, std::move(trigger), policy, false, admitted};
}

} // namespace

TEST_CASE("each overlap policy answers a slot whose former run is still alive", "[admission]") {
  const auto verdict = [](overlap_policy policy, std::vector<admission_candidate> live,
                          std::uint32_t limit = 10) {
    return decide_admission(live, limit, candidate(9, policy, false)).verdict;
  };
  const auto busy = candidate(1, overlap_policy::queue, true);
  const auto next = candidate(2, overlap_policy::queue, false);
  for (int policy = 0; policy <= static_cast<int>(overlap_policy::allow); ++policy)
    CHECK(verdict(static_cast<overlap_policy>(policy), {}) == av::start);
  CHECK(verdict(overlap_policy::queue, {busy}) == av::queue);
  CHECK(verdict(overlap_policy::queue, {busy, next}) == av::queue);
  CHECK(verdict(overlap_policy::queue_one, {busy}) == av::queue);
  CHECK(verdict(overlap_policy::queue_one, {busy, next}) == av::skip);
  CHECK(verdict(overlap_policy::skip, {busy}) == av::skip);
  CHECK(verdict(overlap_policy::allow, {busy}) == av::start);
  CHECK(verdict(overlap_policy::allow, {busy}, 1) == av::queue);
  CHECK(verdict(overlap_policy::allow, {busy}, 0) == av::queue);
}

TEST_CASE("runs of another trigger count for max_active_runs only", "[admission]") {
  const std::vector live{candidate(1, overlap_policy::queue, true, "hourly")};
  CHECK(decide_admission(live, 2, candidate(2, overlap_policy::skip, false)).verdict == av::start);
  CHECK(decide_admission(live, 1, candidate(2, overlap_policy::skip, false)).verdict == av::queue);
}

TEST_CASE("cancel_running cancels what lives and waits for its end", "[admission]") {
  const std::vector live{candidate(1, overlap_policy::cancel_running, true),
                         candidate(2, overlap_policy::queue, true, "other"),
                         candidate(3, overlap_policy::cancel_running, false)};
  const auto decision =
      decide_admission(live, 5, candidate(4, overlap_policy::cancel_running, false));
  CHECK(decision.verdict == av::queue);
  CHECK(decision.cancel == std::vector{run_id{1}, run_id{3}});
}

TEST_CASE("a run that wants no place is in nobody's way", "[admission]") {
  auto waits = candidate(1, overlap_policy::queue, false);
  waits.wants = false;
  const std::vector live{waits};
  for (int policy = 0; policy <= static_cast<int>(overlap_policy::allow); ++policy) {
    const auto arrival = candidate(2, static_cast<overlap_policy>(policy), false);
    const auto decision = decide_admission(live, 1, arrival);
    CHECK(decision.verdict == av::start);
    CHECK(decision.cancel.empty());
  }
  CHECK(admitted_next(live, 1).empty());
}

TEST_CASE("an arrival that wants no place is queued, however many there are", "[admission]") {
  std::vector live{candidate(1, overlap_policy::skip, true)};
  for (std::uint64_t id = 2; id < 2 + max_queued_per_trigger; ++id)
    live.push_back(candidate(id, overlap_policy::skip, false));
  for (int policy = 0; policy <= static_cast<int>(overlap_policy::allow); ++policy) {
    auto arrival = candidate(999, static_cast<overlap_policy>(policy), false);
    arrival.wants = false;
    const auto decision = decide_admission(live, 1, arrival);
    CHECK(decision.verdict == av::queue);
    CHECK(decision.why == reason::upstream_pending);
    CHECK(decision.cancel.empty());
  }
}

TEST_CASE("a run that waits is passed over, and comes first once it wants a place", "[admission]") {
  std::vector live{candidate(1, overlap_policy::queue, false),
                   candidate(2, overlap_policy::queue, false)};
  live[0].wants = false;
  CHECK(admitted_next(live, 1) == std::vector{run_id{2}});
  live[0].wants = true;
  CHECK(admitted_next(live, 1) == std::vector{run_id{1}});
  // What waits does not count among the queued.
  for (std::uint64_t id = 3; id < 3 + max_queued_per_trigger; ++id) {
    live.push_back(candidate(id, overlap_policy::queue, false));
    live.back().wants = false;
  }
  CHECK(decide_admission(live, 1, candidate(999, overlap_policy::queue, false)).verdict ==
        av::queue);
}

TEST_CASE("the queue of a trigger has a bound", "[admission]") {
  std::vector live{candidate(1, overlap_policy::queue, true)};
  for (std::uint64_t id = 2; id < 2 + max_queued_per_trigger; ++id)
    live.push_back(candidate(id, overlap_policy::queue, false));
  const auto decision = decide_admission(live, 1, candidate(999, overlap_policy::queue, false));
  CHECK(decision.verdict == av::miss);
  CHECK(decision.why == reason::queue_full);
  CHECK(decide_admission(live, 1, candidate(999, overlap_policy::queue, false, "other")).verdict ==
        av::queue);
}

TEST_CASE("a person may pass over both rules", "[admission]") {
  const std::vector live{candidate(1, overlap_policy::queue, true)};
  auto manual = candidate(2, overlap_policy::skip, false);
  manual.ignore_overlap = true;
  CHECK(decide_admission(live, 1, manual).verdict == av::start);
}

TEST_CASE("the next run is the oldest that nothing blocks", "[admission]") {
  const std::vector live{candidate(1, overlap_policy::queue, true),
                         candidate(2, overlap_policy::queue, false),
                         candidate(3, overlap_policy::queue, false, "hourly"),
                         candidate(4, overlap_policy::queue, false, "hourly")};
  CHECK(admitted_next(live, 1).empty());
  CHECK(admitted_next(live, 3) == std::vector{run_id{3}});
  CHECK(admitted_next(std::span{live}.subspan(1), 1) == std::vector{run_id{2}});
  CHECK(admitted_next(std::span{live}.subspan(1), 9) == std::vector{run_id{2}, run_id{3}});
}

TEST_CASE("over any history limits hold, queues drain in order, and nothing is stuck",
          "[admission]") {
  CHECK(rc::check([] {
    const auto limit = *rc::gen::inRange<std::uint32_t>(1, 4);
    const std::map<std::string, overlap_policy> triggers{
        {"a", static_cast<overlap_policy>(*rc::gen::inRange(0, 5))},
        {"b", static_cast<overlap_policy>(*rc::gen::inRange(0, 5))}};
    const auto events = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4));
    std::vector<admission_candidate> live;
    std::uint64_t next_id = 1;
    const auto check = [&] {
      std::map<std::string, int> admitted;
      std::uint32_t active = 0;
      for (const auto& run : live) {
        active += run.admitted ? 1 : 0;
        admitted[run.trigger] += run.admitted ? 1 : 0;
      }
      RC_ASSERT(active <= limit);
      for (const auto& [trigger, count] : admitted)
        RC_ASSERT(count <= 1 || triggers.at(trigger) == overlap_policy::allow);
    };
    const auto start_queued = [&] {
      for (const auto id : admitted_next(live, limit))
        for (auto& run : live)
          if (run.run == id)
            run.admitted = true;
    };
    const auto finish = [&](std::size_t position) {
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(position));
      start_queued();
      check();
    };
    for (const auto event : events) {
      if (event >= 2 && !live.empty()) {
        finish(event == 2 ? 0 : live.size() - 1);
        continue;
      }
      const std::string trigger = event == 0 ? "a" : "b";
      admission_candidate run{{next_id++}, trigger, triggers.at(trigger), false, false};
      const auto decision = decide_admission(live, limit, run);
      run.admitted = decision.verdict == av::start;
      for (const auto id : decision.cancel)
        std::erase_if(live, [&](const auto& other) { return other.run == id; });
      if (decision.verdict == av::start || decision.verdict == av::queue)
        live.push_back(run);
      start_queued();
      check();
    }
    while (!live.empty()) {
      const auto active =
          std::find_if(live.begin(), live.end(), [](auto& run) { return run.admitted; });
      RC_ASSERT(active != live.end());
      finish(static_cast<std::size_t>(active - live.begin()));
    }
  }));
}
