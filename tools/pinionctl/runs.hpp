#pragma once

#include "verb.hpp"

/// What the verbs do; each throws `failure`, and returns how it ended otherwise.
namespace pinion::ctl {

exit_code run_validate(session& now);
exit_code run_apply(session& now);
exit_code run_preview(session& now);
exit_code run_get(session& now);
exit_code run_describe(session& now);
exit_code run_trigger(session& now);
exit_code run_rerun(session& now);
exit_code run_cancel(session& now);
exit_code run_fail(session& now);
exit_code run_skip(session& now);
exit_code run_succeed(session& now);
exit_code run_pause(session& now);
exit_code run_resume(session& now);
exit_code run_hold(session& now);
exit_code run_unhold(session& now);
exit_code run_shutdown(session& now);
exit_code run_logs(session& now);
exit_code run_why(session& now);
exit_code run_graph(session& now);
exit_code run_wheel(session& now);
exit_code run_health(session& now);
exit_code run_version(session& now);

} // namespace pinion::ctl
