#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/model/records.hpp"
#include "pinion/storage/store_reader.hpp"

#include <map>
#include <memory>
#include <string>

namespace pinion {

/// What the store says of runs that are not the asker's own. For one question of `why`: it
/// remembers what it has read. What cannot be read is not known.
class foreign_runs {
public:
  foreign_runs(const kv_reader& store, instant now) : store_{store}, now_{now} {}

  /// "r12/load:DEU"
  std::string name_of(const instance_key& key);

  /// When a run that has begun is expected to end, if it takes as long as the newest successful one
  /// of its workflow; `never`: not known.
  instant end_of(const run_record& run) const;
  instant end_of(run_id run) const;
  /// The same of an instance that runs, from that of the newest successful run.
  instant end_of(const instance_key& key);

  /// The newest successful run of a workflow.
  std::optional<run_record> last_success(const std::string& workflow) const;
  /// Null if it cannot be read.
  std::shared_ptr<const workflow_definition> version_of(const std::string& workflow,
                                                        std::uint32_t version);

private:
  instant expected(instant began, duration took) const { return std::max(began + took, now_); }

  store_reader store_;
  instant now_;
  std::map<std::pair<std::string, std::uint32_t>, std::shared_ptr<const workflow_definition>>
      versions_;
};

} // namespace pinion
