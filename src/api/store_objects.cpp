#include "api/store_objects.hpp"

#include "api/objects.hpp"
#include "pinion/definitions/canonical.hpp"

namespace pinion {

store_check_readers definition_readers() {
  return {[](const std::string& canonical) -> result<std::shared_ptr<const workflow_definition>> {
            BOOST_OUTCOME_TRY(definition, from_canonical_json(canonical));
            return std::make_shared<const workflow_definition>(std::move(definition));
          },
          [](const std::string& settings) -> result<std::map<std::string, std::uint32_t>> {
            BOOST_OUTCOME_TRY(read, settings_from_canonical_json(settings));
            return std::move(read.pools);
          }};
}

namespace objects {
namespace {

json by_kind(const std::map<std::string, std::uint64_t>& rows) {
  json shown = json::object();
  for (const auto& [kind, number] : rows)
    shown[kind] = number;
  return shown;
}

json finding(const store_finding& what) {
  return {{"invariant", what.invariant == 0 ? json(nullptr) : json(what.invariant)},
          {"rule", what.rule},
          {"note", what.note},
          {"key", what.key},
          {"message", what.message},
          {"mend", what.mend},
          {"mendable", !what.repair.empty()}};
}

} // namespace

json store_check(const store_check_report& report, duration took) {
  json findings = json::array();
  for (const auto& each : report.findings)
    findings.push_back(finding(each));
  std::uint64_t rows = 0;
  for (const auto& [_, number] : report.rows)
    rows += number;
  return {{"ok", report.ok()},
          {"complete", report.complete},
          {"rows", rows},
          {"duration_s", seconds(took)},
          {"findings", std::move(findings)},
          {"more_findings", report.more_findings},
          {"rows_by_kind", by_kind(report.rows)},
          {"bytes_by_kind", by_kind(report.bytes)}};
}

json backup(const backup_record& record, const std::string& folder) {
  return {{"id", record.id},           {"folder", folder},      {"at", time(record.at)},
          {"commits", record.commits}, {"bytes", record.bytes}, {"files", record.files}};
}

json store_stats(const store_figures& figures, const store_summary& summary) {
  json kinds = json::array();
  std::uint64_t bytes = 0;
  for (const auto& each : figures.kinds) {
    bytes += each.bytes;
    kinds.push_back({{"kind", each.name},
                     {"rows", each.rows},
                     {"bytes", each.bytes},
                     {"unflushed_bytes", each.unflushed_bytes},
                     {"compaction_bytes", each.compaction_bytes}});
  }
  json levels = json::array();
  for (const auto& each : figures.levels)
    levels.push_back({{"level", each.level}, {"files", each.files}, {"bytes", each.bytes}});
  json runs = json::object();
  for (std::size_t i = 0; i < run_state_count; ++i)
    runs[std::string{to_string(static_cast<run_state>(i))}] = summary.runs[i];
  return {{"format", figures.format},
          {"commits", figures.commits},
          {"epoch", summary.epoch},
          {"bytes", bytes},
          {"log", {{"files", figures.log_files}, {"bytes", figures.log_bytes}}},
          {"live", {{"runs", summary.live_runs}, {"instances", summary.live_instances}}},
          {"history",
           {{"runs", summary.ended_runs},
            {"oldest", time(summary.oldest_run)},
            {"newest", time(summary.newest_run)}}},
          {"runs", std::move(runs)},
          {"plan",
           {{"slots", summary.planned_slots},
            {"first", time(summary.first_planned)},
            {"last", time(summary.last_planned)}}},
          {"audit", {{"records", summary.audit_records}, {"oldest", time(summary.oldest_audit)}}},
          {"kinds", std::move(kinds)},
          {"levels", std::move(levels)}};
}

} // namespace objects
} // namespace pinion
