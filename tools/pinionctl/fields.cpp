#include "show.hpp"

#include <map>

namespace pinion::ctl {
namespace {

using fields = std::vector<field>;

const std::map<std::string, fields>& kinds() {
  static const std::map<std::string, fields> all{
      {"workflows",
       {{"ID", "id"},
        {"VERSION", "version"},
        {"TASKS", "tasks"},
        {"PAUSED", "paused"},
        {"TRIGGERS", "triggers"},
        {"NEXT SLOT", "next_slot"},
        {"OWNER", "owner", true},
        {"LABELS", "labels", true},
        {"ZONE", "timezone", true},
        {"SOURCE", "source", true}}},
      {"versions",
       {{"WORKFLOW", "workflow"},
        {"VERSION", "version"},
        {"CREATED", "created_at"},
        {"BY", "created_by"},
        {"HASH", "hash", true}}},
      {"triggers",
       {{"ID", "id"},
        {"SCHEDULE", "schedule"},
        {"ENABLED", "enabled"},
        {"PAUSED", "paused"},
        {"NEXT SLOT", "next_slot"},
        {"SINCE", "since", true}}},
      {"runs",
       {{"ID", "id"},
        {"WORKFLOW", "workflow"},
        {"TRIGGER", "trigger"},
        {"SLOT", "slot"},
        {"STATE", "state", false, true},
        {"STARTED", "started_at"},
        {"TOOK", "duration_s"},
        {"COUNTS", "counts"},
        {"REASON", "reason", true},
        {"VERSION", "version", true},
        {"PARAMS", "params", true}}},
      {"instances",
       {{"ID", "id"},
        {"WORKFLOW", "workflow"},
        {"STATE", "state", false, true},
        {"REASON", "reason"},
        {"ATTEMPT", "attempt"},
        {"STARTED", "started_at"},
        {"TOOK", "duration_s"},
        {"WORKER", "worker", true},
        {"POOL", "pool", true},
        {"MESSAGE", "message", true}}},
      {"attempts",
       {{"ID", "id"},
        {"STATE", "state", false, true},
        {"REASON", "reason"},
        {"EXIT", "exit_code"},
        {"SIGNAL", "signal"},
        {"STARTED", "started_at"},
        {"TOOK", "duration_s"},
        {"LOG", "log_bytes"},
        {"WORKER", "worker", true},
        {"FENCE", "fence", true},
        {"MESSAGE", "message", true}}},
      {"pools", {{"ID", "id"}, {"CAPACITY", "capacity"}, {"USED", "used"}, {"QUEUED", "queued"}}},
      {"permits",
       {{"POOL", "pool"},
        {"PERMITS", "permits"},
        {"HOLDER", "holder"},
        {"ATTEMPT", "attempt"},
        {"SINCE", "since"},
        {"PROJECT", "project", true}}},
      {"vars", {{"WORKFLOW", "workflow"}, {"NAME", "name"}, {"VALUE", "value"}}},
      {"channels", {{"ID", "id"}, {"LOG", "log"}, {"COMMAND", "command"}}},
      {"slots",
       {{"WORKFLOW", "workflow"},
        {"TRIGGER", "trigger"},
        {"SLOT", "slot"},
        {"OUTCOME", "outcome"},
        {"REASON", "reason"},
        {"RUN", "run"},
        {"LATE", "lateness_s"},
        {"VERSION", "version", true}}},
      {"audit",
       {{"AT", "at"},
        {"WHO", "who"},
        {"VERB", "verb"},
        {"OBJECT", "object"},
        {"REASON", "reason"},
        {"SEQUENCE", "sequence", true},
        {"DETAILS", "details", true}}},
      {"events",
       {{"AT", "at"},
        {"OF", "ref"},
        {"EVENT", "event", false, true},
        {"REASON", "reason"},
        {"MESSAGE", "message"}}}};
  return all;
}

} // namespace

const fields& fields_of(const std::string& kind) {
  static const fields none;
  const auto found = kinds().find(kind);
  return found == kinds().end() ? none : found->second;
}

} // namespace pinion::ctl
