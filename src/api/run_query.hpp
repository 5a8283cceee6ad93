#pragma once

#include "api/definition_filter.hpp"
#include "api/lookup.hpp"
#include "api/query.hpp"

#include <optional>
#include <string>

/// The filters of runs and instances, as requests write them. All fail with `errc::invalid`.
namespace pinion {

result<std::optional<reason>> query_reason(const http_request& request);

/// The zone in which times of a request without offset are meant.
zone asked_zone(const store_view& view, const std::string& workflow);

/// The run or the instances whose attempts are asked for: `ref`, else `run`.
result<reference> attempts_asked(const http_request& request);

/// "p.w" or "p.w/trigger" as the filter of workflow and trigger.
result<run_filter> run_filter_of(const store_view& view, const http_request& request);

/// Whether the run passes the filter, its state apart: that may change.
bool is_of(const run_record& run, const run_filter& filter);

} // namespace pinion
