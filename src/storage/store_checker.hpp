#pragma once

#include "pinion/model/records.hpp"
#include "pinion/storage/codecs.hpp"
#include "pinion/storage/keys.hpp"
#include "pinion/storage/store_check.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion {

/// One check of one store. Each part reads one kind of rows once, in chunks, and asks for the
/// others by key. What may not be called from a visit of the kv is called between chunks.
class store_checker {
public:
  store_checker(const kv_reader& rows, const store_check_readers& readers,
                store_check_limits limits)
      : rows_{rows}, readers_{readers}, limits_{limits} {}

  result<store_check_report> check();

private:
  using one_row = std::pair<std::string, std::string>;
  /// What a finding is about.
  struct row_place {
    family in;
    std::string_view key;
  };

  // store_check.cpp: reading and reporting.
  result<void> each_row(family in, std::string_view prefix, const std::string& kind,
                        const std::function<result<void>(const one_row&)>& look);
  result<std::vector<one_row>> rows_with(family in, const std::string& prefix);
  /// Reads a row that another names. A failure to read at all is an error of the check.
  result<std::optional<std::string>> value_at(family in, std::string_view key);
  bool spent() const noexcept { return !report_.complete; }
  store_finding& found(int invariant, const char* rule, row_place at, std::string message,
                       std::string mend = {});
  void unreadable(row_place at, const problem& why);
  /// Each row that `written` puts, apart from those of family `but`, must be there.
  result<void> expect_rows(const kv_batch& written, family but, std::string_view own_key,
                           const std::string& of);
  /// A row that the writer of `of` would not write must go.
  void check_derived(row_place at, const kv_batch& written, const std::string& of);
  void stale(row_place at, const std::string& why);
  void count_expected(const kv_batch& written);
  /// Rows whose key begins with none of `known`.
  result<void> check_strangers(family in, std::string_view known);
  result<void> compare_counters();

  // Meta, definitions, audit.
  result<void> check_meta();
  result<void> check_kept_request(const one_row& at);
  result<void> check_deleted(const one_row& at);
  result<void> check_definitions();
  result<void> check_definition_row(const one_row& at);
  void need_workflow(row_place at, const std::string& workflow);
  result<void> check_audit();

  // store_check_runs.cpp
  using definition_ptr = std::shared_ptr<const workflow_definition>;
  result<std::optional<run_record>> run_at(run_id id);
  result<definition_ptr> definition_of(const std::string& workflow, std::uint32_t version);
  result<void> check_runs();
  result<void> check_run(const one_row& at);
  result<void> check_run_rows(const run_record& run, row_place at);
  struct run_rows {
    std::vector<instance_record> instances;
    std::vector<attempt_record> attempts;
    std::vector<output_record> outputs;
    std::vector<edge_record> edges;
    bool whole = true; ///< False: one of them cannot be read.
  };
  result<run_rows> read_run_rows(run_id run);
  result<void> check_attempts(const run_rows& of);
  void check_instances(const run_rows& of);
  result<void> check_attempt(const attempt_record& attempt, const instance_record* instance);
  void check_state(const run_record& run, row_place at, run_rows rows, definition_ptr definition,
                   std::vector<bound_edge> edges);
  result<void> check_owners();
  result<void> check_live();
  result<void> check_permits();
  result<void> check_pools();

  // store_check_slots.cpp
  result<void> check_slots();
  result<void> check_slot_row(const one_row& at);
  result<void> check_slot(const keys::slot_key& key, const one_row& at);
  result<void> check_natural(const one_row& at);
  result<void> check_plan(const one_row& at);
  result<void> check_request(const one_row& at);
  result<void> check_edge(const one_row& at);
  result<void> check_backfill(const one_row& at);
  result<void> check_item(const one_row& at);
  result<void> check_index();
  result<void> check_index_row(const one_row& at);
  result<void> check_run_index(const one_row& at);
  result<void> check_outcome_index(const one_row& at);
  result<void> check_item_index(const one_row& at, const keys::backfill_item_key& key);
  void check_counter_row(const one_row& at);

  const kv_reader& rows_;
  const store_check_readers& readers_;
  const store_check_limits limits_;
  store_check_report report_;
  std::uint64_t looked_at_ = 0;
  std::uint64_t epoch_ = 0;
  std::set<std::string> expiring_; ///< Runs, by the key of their row, that are being removed.

  std::map<std::string, std::int64_t> counters_; ///< By key of the index: what must stand there.
  std::map<std::pair<std::string, std::string>, std::uint64_t> permits_out_; ///< By pool.
  std::map<std::pair<std::string, std::uint32_t>, definition_ptr> definitions_;
  std::optional<run_record> last_run_; ///< Neighbours in an index often name the same.
  std::uint64_t last_audit_ = 0;
  std::uint64_t last_without_backfill_ = 0;
  std::map<std::uint64_t, std::uint64_t> items_; ///< Slots of each backfill.
};

/// What other rows say can be written again.
inline constexpr const char* mend_by_repair = "pinionctl store verify --data DIR --mend";

/// "r12 of dw.orders/nightly".
std::string name_of(const run_record& run);

} // namespace pinion
