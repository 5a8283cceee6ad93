#pragma once

#include "api/json.hpp"
#include "pinion/model/backfill.hpp"
#include "pinion/model/definition.hpp"
#include "pinion/model/records.hpp"

#include <string>
#include <vector>

namespace pinion {

/// What happened to a thing, in order of time: {at, ref, event, reason, message}. Only what has a
/// time in the rows: states passed without waiting have one too.
class timeline {
public:
  void add_run(const run_record& run);
  void add_instance(const std::string& ref, const instance_record& instance);
  void add_attempt(const std::string& ref, const attempt_record& attempt);
  void add_backfill(const backfill_record& backfill);
  void add_audit(const audit_record& audit);
  /// There may be audit records before those that were added.
  void older_changes() noexcept { older_changes_ = true; }
  bool has_older_changes() const noexcept { return older_changes_; }

  /// The `most` newest events, ascending by time; equal times in the order of their adding.
  json take(std::size_t most);

private:
  struct event {
    instant at{};
    std::string ref;
    std::string what;
    std::string why;
    std::string message;
  };
  void add(instant at, const std::string& ref, std::string_view what, std::string_view why = {},
           const std::string& message = {});
  std::vector<event> events_;
  bool older_changes_ = false;
};

} // namespace pinion
