#pragma once

#include "pinion/definitions/text_problem.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pinion::definitions {

/// Whose ways of writing times a workflow's texts use.
enum class time_dialect : std::uint8_t { airflow, dolphinscheduler, dataworks };

/// Rewrites the forms of another system as `{{ ... }}` of ours; what is none of its forms stays as
/// it is. `params`: names that `${name}` may mean. Pure. Fails where a form cannot be said, with
/// its offset in `text`.
///
/// DolphinScheduler: `${system.biz.date}`, `${system.biz.curdate}`, `${system.datetime}` and names
/// of task, run and project; `${param}`; `$[yyyyMMdd]` with `+N`, `-7*N`, `+N/24`, `-N/24/60`
/// behind it; `$[add_months(f,N)]`, `this_day`, `last_day` (yesterday), `month_first_day`,
/// `month_last_day`, `week_first_day`, `week_last_day` (N counts months, weeks), `month_begin`,
/// `month_end`, `week_begin`, `week_end` (N counts days). `mm` are minutes.
///
/// DataWorks: `$bizdate`, `$cyctime`, `$gmtdate` (of the slot), `$bizmonth`, `$jobid`;
/// `${yyyymmdd-1}` from the business date, where N counts in the smallest unit of the format;
/// `$[yyyymmddhh24miss-1/24]` and `$[add_months(yyyymmdd,-1)]` from the slot. `mm` are months.
///
/// Airflow: inside `{{ }}` its names have its meanings: `ds`, `ts` and their kin are the logical
/// date (the begin of the data interval) in UTC; `run_id`, `dag_run.conf`, `var.value`, `var.json`,
/// `macros.ds_add`, `ti.xcom_pull`.
///
/// Sources: DolphinScheduler's guide "Parameter"; DataWorks' "Supported formats of scheduling
/// parameters"; Airflow's "Templates reference".
text_result<std::string> translate(time_dialect dialect, std::string_view text,
                                   std::span<const std::string> params);

} // namespace pinion::definitions
