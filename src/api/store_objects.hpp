#pragma once

#include "api/json.hpp"
#include "pinion/storage/store_check.hpp"
#include "pinion/storage/store_figures.hpp"
#include "pinion/storage/store_keeper.hpp"

namespace pinion::objects {

/// What a check of a store came to.
json store_check(const store_check_report& report, duration took);

/// One backup in `folder`.
json backup(const backup_record& record, const std::string& folder);

json store_stats(const store_figures& figures, const store_summary& summary);

} // namespace pinion::objects

namespace pinion {

/// How the definitions in a store are read.
store_check_readers definition_readers();

} // namespace pinion
