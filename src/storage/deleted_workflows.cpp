#include "pinion/storage/deleted_workflows.hpp"

#include "pinion/storage/codecs.hpp"
#include "pinion/storage/keys.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/byte_order.hpp"
#include "storage/erase_rows.hpp"
#include "storage/row_form.hpp"
#include "storage/row_scan.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace pinion {
namespace {

/// The lane in which all runs are so far.
constexpr const char* only_lane = "main";

template <class Archive, class Record>
void deleted_fields(Archive& row, Record& r) {
  row.number(r.version);
  row.text(r.by);
  row.text(r.reason);
  row.times(r.at);
  row.flags(r.erased);
}

constexpr row_form deleted_form{"deleted workflow", 1,
                                [](auto& row, auto& r) { deleted_fields(row, r); }};

std::string key_of(const std::string& workflow) {
  return std::string{deleted_workflow_rows} + workflow;
}

result<deleted_workflow> decode(std::string_view key, std::string_view value) {
  deleted_workflow record;
  record.workflow = key.substr(std::min(key.size(), deleted_workflow_rows.size()));
  return decode_row(deleted_form, value, std::move(record));
}

bool is_full(const kv_batch& batch) { return batch.writes.size() >= erasure_step_rows; }

/// Runs with all their rows, until the step is full.
result<void> erase_runs(const kv_reader& rows, const std::string& workflow, erasure_step& out) {
  const store_reader store{rows};
  const auto prefix = keys::runs_by_workflow(only_lane, workflow);
  std::vector<run_id> ids;
  result<void> damaged = ok();
  BOOST_OUTCOME_TRYV(rows.scan(family::index, prefix, keys::after(prefix),
                               [&](std::string_view key, std::string_view) {
                                 const auto id = keys::decode_newest_first(key, prefix.size());
                                 if (!id) {
                                   damaged = id.error();
                                   return false;
                                 }
                                 ids.push_back(id.value());
                                 return ids.size() < erasure_step_rows / 10;
                               }));
  BOOST_OUTCOME_TRYV(damaged);
  for (const auto id : ids) {
    if (is_full(out.batch))
      return ok();
    BOOST_OUTCOME_TRY(run, store.run(id));
    if (!run) {
      out.batch.erase(family::index, keys::newest_first(prefix, id));
      continue;
    }
    kv_batch whole;
    BOOST_OUTCOME_TRY(erased, erase_run_rows(rows, whole, id, erasure_step_rows));
    erase_run(out.batch, *run);
    BOOST_OUTCOME_TRY(slot, store.slot({run->lane, workflow, run->trigger, run->slot}));
    if (slot)
      erase_slot(out.batch, *slot);
    out.runs.push_back(id);
    if (!run->request_key.empty())
      out.batch.erase(family::slots, keys::request({workflow, run->request_key}));
    if (erased < erasure_step_rows) {
      std::move(whole.writes.begin(), whole.writes.end(), std::back_inserter(out.batch.writes));
      continue;
    }
    out.batch.put(family::meta, expiring_row('r', id.value), {});
    return ok();
  }
  return ok();
}

result<void> erase_slots(const kv_reader& rows, const std::string& workflow, erasure_step& out) {
  const auto prefix = keys::slots_of(only_lane, workflow);
  const auto read = [](std::string_view key, std::string_view value) -> result<slot_record> {
    BOOST_OUTCOME_TRY(at, keys::decode_slot(key));
    return codecs::decode_slot(at, value);
  };
  result<void> damaged = ok();
  BOOST_OUTCOME_TRYV(rows.scan(family::slots, prefix, keys::after(prefix),
                               [&](std::string_view key, std::string_view value) {
                                 const auto slot = read(key, value);
                                 if (!slot) {
                                   damaged = slot.error();
                                   return false;
                                 }
                                 erase_slot(out.batch, slot.value());
                                 return !is_full(out.batch);
                               }));
  return damaged;
}

result<void> erase_backfills(const kv_reader& rows, const std::string& workflow,
                             erasure_step& out) {
  const auto prefix = keys::backfills_by_workflow(workflow);
  std::string found;
  BOOST_OUTCOME_TRYV(rows.scan(family::index, prefix, keys::after(prefix),
                               [&](std::string_view key, std::string_view) {
                                 found = key;
                                 return false;
                               }));
  if (found.empty())
    return ok();
  BOOST_OUTCOME_TRY(id, keys::decode_backfill_by_workflow(found));
  BOOST_OUTCOME_TRY(record, store_reader{rows}.backfill(id));
  if (!record) {
    out.batch.erase(family::index, found);
    return ok();
  }
  erase_backfill(out.batch, *record);
  out.batch.put(family::meta, expiring_row('b', id), {});
  return ok();
}

/// What no other row counts or lists.
result<void> erase_plain_rows(const kv_reader& rows, const std::string& workflow,
                              erasure_step& out) {
  const std::pair<family, std::string> all[] = {
      {family::slots, keys::naturals_of(only_lane, workflow)},
      {family::slots, keys::request({workflow, {}})},
      {family::index, keys::counters_of(only_lane, workflow)},
      {family::definitions, keys::triggers_of(workflow)},
      {family::definitions, keys::cursors_of(workflow)},
      {family::definitions, keys::task_switches_of(workflow)},
      {family::definitions, keys::rule_from(workflow)},
      {family::meta, "catchup/" + workflow + '/'}};
  for (const auto& [in, prefix] : all) {
    const auto room = erasure_step_rows - std::min(erasure_step_rows, out.batch.writes.size());
    BOOST_OUTCOME_TRYV(erase_some(rows, out.batch, in, prefix, room));
  }
  return ok();
}

/// All but the last one, which the workflow's own row names.
result<void> erase_old_versions(const kv_reader& rows, const deleted_workflow& of,
                                erasure_step& out) {
  const auto prefix = keys::versions_of(of.workflow);
  const auto last = keys::version({of.workflow, of.version});
  return rows.scan(family::definitions, prefix, keys::after(prefix),
                   [&](std::string_view key, std::string_view) {
                     if (key != last)
                       out.batch.erase(family::definitions, std::string{key});
                     return !is_full(out.batch);
                   });
}

} // namespace

void put_deleted_workflow(kv_batch& batch, const deleted_workflow& now) {
  batch.put(family::meta, key_of(now.workflow), encode_row(now, deleted_form));
}

void forget_deleted_workflow(kv_batch& batch, const std::string& workflow) {
  batch.erase(family::meta, key_of(workflow));
}

void put_given(kv_batch& batch, run_id runs, std::uint64_t backfills) {
  batch.put(family::meta, std::string{runs_given}, little_u64(runs.value));
  batch.put(family::meta, std::string{backfills_given}, little_u64(backfills));
}

result<std::uint64_t> given_up_to(const kv_reader& rows, std::string_view row) {
  BOOST_OUTCOME_TRY(value, rows.get(family::meta, row));
  if (value && value->size() != sizeof(std::uint64_t))
    return problem{errc::corrupt, "the store holds a damaged row of numbers given", {}};
  return value ? read_little(*value) : 0;
}

result<std::optional<deleted_workflow>> find_deleted_workflow(const kv_reader& rows,
                                                              const std::string& workflow) {
  const auto key = key_of(workflow);
  return read_one<deleted_workflow>(rows, family::meta, key,
                                    [&](std::string_view value) { return decode(key, value); });
}

result<std::vector<deleted_workflow>> deleted_workflows(const kv_reader& rows) {
  return read_prefix<deleted_workflow>(rows, family::meta, std::string{deleted_workflow_rows},
                                       decode);
}

result<erasure_step> erase_workflow_step(const kv_reader& rows, const deleted_workflow& of) {
  erasure_step out;
  BOOST_OUTCOME_TRY(unlinked, erase_unlinked(rows, out.batch, erasure_step_rows));
  if (unlinked)
    return out;
  constexpr std::array parts{erase_runs, erase_slots, erase_backfills, erase_plain_rows};
  for (const auto part : parts) {
    BOOST_OUTCOME_TRYV(part(rows, of.workflow, out));
    if (!out.batch.empty())
      return out;
  }
  BOOST_OUTCOME_TRYV(erase_old_versions(rows, of, out));
  if (!out.batch.empty())
    return out;
  out.batch.erase(family::definitions, keys::version({of.workflow, of.version}));
  out.batch.erase(family::definitions, keys::workflow(of.workflow));
  auto done = of;
  done.erased = true;
  put_deleted_workflow(out.batch, done);
  out.over = true;
  return out;
}

} // namespace pinion
