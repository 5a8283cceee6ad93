#include "simulation/mutations.hpp"

#include "pinion/model/mutation.hpp"
#include "simulation/sweep.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace pinion::sim {

const std::vector<mutation_entry>& all_mutations() {
  static const std::vector<mutation_entry> all{
      // The store and its writer.
      {"acknowledge_before_commit", "the journal acknowledges what is not durable yet"},
      {"overlook_a_failed_commit", "the journal acknowledges what the disk refused"},
      {"lose_a_batch_of_a_group", "of the batches of a group only the first is written"},
      {"forget_a_refused_commit", "the journal goes on after a commit that the disk refused"},
      {"start_without_an_epoch", "an engine starts although its epoch found no room"},
      {"overlook_a_full_disk", "nobody notices that the disk is almost full"},
      {"stay_full_for_ever", "nobody notices that there is room again"},
      {"answer_before_commit", "an operation is answered before it is durable"},
      {"drop_audit", "an operation leaves no audit row"},
      {"reuse_epoch", "a new engine takes the epoch of the one before"},
      {"forget_live_index", "a run is not among those that recovery reads"},
      {"keep_live_index", "a run that has ended stays among them"},
      {"forget_state_index", "the index of runs by state is not written"},
      {"forget_counter", "the counters of runs only grow"},
      {"forget_natural_key", "a run is not found by its natural key"},
      {"forget_request_key", "the key of a caller is not remembered"},
      {"forget_plan_row", "a planned slot is not in the plan"},
      {"lose_outputs", "the outputs of a task are not written"},
      {"keep_outputs_of_a_failure", "the outputs of a failed attempt stay"},
      // Time.
      {"lose_a_timer_of_two", "of timers that are due together only the first is told"},
      {"forget_the_next_alarm", "the alarm is not set again after it rang"},
      {"drop_retry_timer", "nobody wakes a task for its retry"},
      {"retry_at_once", "a retry does not wait for its delay"},
      {"one_retry_too_many", "one more retry than allowed"},
      {"drop_queue_timer", "nobody ends the wait in the queue"},
      {"drop_task_timer", "nobody ends a task that takes too long"},
      {"fire_before_time", "slots fire a minute early"},
      {"double_fire_a_slot", "a slot fires twice"},
      {"ignore_misfire_policy", "all that was owed runs"},
      {"overlook_clock_jump", "nobody notices that the clock was set forward"},
      {"drop_missed_record", "what the misfire policy leaves out is not recorded"},
      {"cursor_ahead_of_what_is_decided", "a trigger's cursor passes slots that are not decided"},
      // Attempts and their processes.
      {"start_before_commit", "a process starts before its attempt is durable"},
      {"reuse_fence", "a retry has the fence of the attempt before"},
      {"forget_fence", "any result counts, whatever its fence"},
      {"acknowledge_exit_before_commit", "the launcher forgets an end that is not durable"},
      {"never_acknowledge_an_exit", "the launcher is never told that it may forget"},
      {"lose_adoption", "after a restart nobody asks for the running processes"},
      {"take_a_reboot_for_a_restart",
       "what was granted before a reboot is taken for never started"},
      {"lose_stop", "a process that is to be stopped is not told"},
      {"forget_cancel_on_restart", "after a restart nobody stops what was being stopped"},
      {"take_any_session", "a worker node takes what was sent in another session"},
      {"take_orders_as_they_come", "a worker node takes orders twice and out of order"},
      {"take_lost_for_success", "a lost process counts as a good one"},
      {"skip_checks", "the checks are not run"},
      // Limits.
      {"lose_permit_release", "the dispatcher does not get permits back"},
      {"keep_permit_row", "a permit's row outlives its attempt"},
      {"forget_permits_on_restart", "after a restart all permits are free"},
      {"grant_more_than_there_is", "pools and slots have no bound"},
      {"ignore_hold", "permits are granted while the engine is on hold"},
      {"ignore_max_parallel", "a fan-out has no bound"},
      {"ignore_overlap_and_limit", "neither overlap nor max_active_runs keeps a run from starting"},
      {"admit_nobody_after_an_end", "the end of a run gives its place to nobody"},
      {"ignore_pause", "a paused workflow fires"},
      {"too_many_slots_at_once", "a backfill runs more slots than it may"},
      // The graph.
      {"wrong_join_counter", "a join counts an upstream twice"},
      {"forget_downstream", "the end of a task is not told to those behind it"},
      {"forget_fallback", "no fallback runs, and none is skipped"},
      {"ignore_frozen", "a frozen task runs"},
      {"ignore_dry", "a dry task gets a process"},
      {"overlook_a_failed_task", "a run with a failed task succeeds"},
      {"forget_setups", "what is far behind a setup does not wait for it"},
      {"choose_all", "a switch lets all go on"},
      {"ignore_failure_strategy", "a failure changes nothing for the others"},
      {"take_conditions_for_true", "a join by a condition always holds"},
      {"forget_end_tasks", "nobody tells the end tasks that the others have ended"},
      {"run_any_end_task", "end tasks run whatever the outcome"},
      {"forget_a_run_on_restart", "recovery leaves out a run"},
      // Other runs.
      {"skip_directory_notification", "the end of a task is not told to other runs"},
      {"skip_slot_notification", "what became of a slot is not told to other runs"},
      {"forget_needs_on_restart", "after a restart nobody waits for other runs"},
      {"lose_settled_edge", "what other runs came to is not written"},
      {"take_a_failed_upstream_for_well", "a failed upstream run counts as a good one"},
      {"forget_previous_slot", "needs on the previous slot are not bound"},
      {"lose_backfill_item", "a backfill's slot is not marked as running"},
  };
  return all;
}

#ifdef PINION_MUTATIONS

namespace {

/// What a child tells of its search.
struct report {
  bool caught = false;
  std::uint64_t reached = 0;
  std::uint64_t histories = 0;
  std::uint64_t seed = 0;
  crash_point crash;
  char what[200] = {};
};

report search(const mutation_budget& within, int progress) {
  report out;
  for (std::uint64_t i = 0; i < within.seeds && !out.caught; ++i) {
    out.seed = within.first_seed + i;
    // What a mutation that kills the process was about.
    static_cast<void>(::write(progress, &out, sizeof out));
    const auto swept = sweep(out.seed, within.crashes);
    out.histories += swept.simulations;
    if (!swept.found)
      continue;
    out.caught = true;
    out.crash = swept.found->crash;
    std::snprintf(out.what, sizeof out.what, "%s", swept.found->what.violations.front().c_str());
  }
  out.reached = mutation::reached;
  return out;
}

/// In a process of its own: a mutation may trip an assertion.
report search_apart(const mutation_entry& one, const mutation_budget& within) {
  constexpr unsigned longest_s = 1'800;
  int pipe[2];
  if (::pipe(pipe) != 0)
    throw std::runtime_error{"no pipe can be made"};
  const auto child = ::fork();
  if (child == 0) {
    ::alarm(longest_s);
    choose_mutation(one.name);
    const auto out = search(within, pipe[1]);
    static_cast<void>(::write(pipe[1], &out, sizeof out));
    ::_exit(0);
  }
  ::close(pipe[1]);
  report last;
  report next;
  while (::read(pipe[0], &next, sizeof next) == static_cast<ssize_t>(sizeof next))
    last = next;
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    last.caught = WTERMSIG(status) == SIGABRT;
    last.reached = 1;
    std::snprintf(last.what, sizeof last.what, "%s",
                  last.caught ? "an assertion of the engine" : ::strsignal(WTERMSIG(status)));
  }
  return last;
}

void print(const mutation_entry& one, const report& of) {
  std::string where = "-";
  if (of.caught) {
    where = std::to_string(of.seed);
    if (of.crash.commit != 0)
      where += ":" + std::to_string(of.crash.commit) + (of.crash.durable ? "a" : "b");
  }
  const char* what = of.caught         ? of.what
                     : of.reached == 0 ? "NOT CAUGHT: its place was never come to"
                                       : "NOT CAUGHT";
  std::printf("%-32s %8s %6" PRIu64 "  %s\n", one.name, where.c_str(), of.histories, what);
  std::fflush(stdout);
}

} // namespace

void choose_mutation(const std::string& name) {
  for (const auto& each : all_mutations())
    if (name == each.name) {
      mutation::chosen = each.name;
      return;
    }
  throw std::runtime_error{"there is no mutation " + name};
}

std::uint32_t prove_mutations(const mutation_budget& within, const std::string& only) {
  std::uint32_t escaped = 0;
  std::uint32_t made = 0;
  std::printf("%-32s %8s %6s  %s\n", "mutation", "seed", "tries", "noticed by");
  std::fflush(stdout); // A child must not print it again.
  for (const auto& each : all_mutations()) {
    if (!only.empty() && only != each.name)
      continue;
    const auto out = search_apart(each, within);
    print(each, out);
    escaped += out.caught ? 0U : 1U;
    ++made;
  }
  if (made == 0)
    throw std::runtime_error{"there is no mutation " + only};
  std::printf("%u of %u mutations were noticed\n", made - escaped, made);
  return escaped;
}

#else

namespace {
constexpr const char* none =
    "this build has no mutations; ./dev sim --mutations makes one that has";
}

void choose_mutation(const std::string&) { throw std::runtime_error{none}; }
std::uint32_t prove_mutations(const mutation_budget&, const std::string&) {
  throw std::runtime_error{none};
}

#endif

} // namespace pinion::sim
