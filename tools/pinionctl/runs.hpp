#pragma once

#include "verb.hpp"

/// What the verbs do; each throws `failure`, and returns how it ended otherwise.
namespace pinion::ctl {

exit_code run_validate(session& now);
exit_code run_apply(session& now);
exit_code run_delete(session& now);
exit_code run_diff(session& now);
exit_code run_preview(session& now);
exit_code run_simulate(session& now);
exit_code run_get(session& now);
exit_code run_describe(session& now);
exit_code run_trigger(session& now);
exit_code run_backfill(session& now);
exit_code run_rerun(session& now);
exit_code run_cancel(session& now);
exit_code run_fail(session& now);
exit_code run_skip(session& now);
exit_code run_succeed(session& now);
exit_code run_freeze(session& now);
exit_code run_thaw(session& now);
exit_code run_dryrun(session& now);
exit_code run_bump(session& now);
exit_code run_unblock(session& now);
exit_code run_note(session& now);
exit_code run_move(session& now);
exit_code run_pause(session& now);
exit_code run_resume(session& now);
exit_code run_hold(session& now);
exit_code run_pool(session& now);
exit_code run_unhold(session& now);
exit_code run_shutdown(session& now);
exit_code run_run(session& now);
exit_code run_render(session& now);
exit_code run_test(session& now);
exit_code run_logs(session& now);
exit_code run_why(session& now);
exit_code run_graph(session& now);
exit_code run_plan(session& now);
exit_code run_top(session& now);
exit_code run_wheel(session& now);
exit_code run_health(session& now);
exit_code run_version(session& now);
exit_code run_completion(session& now);
exit_code run_store(session& now);

/// "b12": cancel, pause and resume take backfills too.
bool names_backfill(const std::string& word);

} // namespace pinion::ctl
