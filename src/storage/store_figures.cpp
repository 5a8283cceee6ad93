#include "pinion/storage/store_figures.hpp"

#include "pinion/storage/codecs.hpp"
#include "pinion/storage/epoch.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/row_scan.hpp"

namespace pinion {
namespace {

/// When the run at one end of the family was made.
result<instant> made_at(const std::pair<std::string, std::string>& row) {
  BOOST_OUTCOME_TRY(id, keys::decode_run(row.first));
  BOOST_OUTCOME_TRY(run, codecs::decode_run(id, row.second));
  return run.created_at != never ? run.created_at : run.slot;
}

using row = std::pair<std::string, std::string>;

result<std::optional<row>> first_row(const kv_reader& rows, family in) {
  std::optional<row> found;
  BOOST_OUTCOME_TRYV(rows.scan(in, {}, {}, [&](std::string_view key, std::string_view value) {
    found.emplace(key, value);
    return false;
  }));
  return found;
}

result<std::optional<row>> last_row(const kv_reader& rows, family in) {
  std::optional<row> found;
  BOOST_OUTCOME_TRYV(rows.scan_back(in, {}, {}, [&](std::string_view key, std::string_view value) {
    found.emplace(key, value);
    return false;
  }));
  return found;
}

result<void> count_runs(const kv_reader& rows, store_summary& out) {
  result<void> outcome = ok();
  const std::string prefix{"c"};
  BOOST_OUTCOME_TRYV(rows.scan(family::index, prefix, keys::after(prefix),
                               [&](std::string_view key, std::string_view value) {
                                 const auto at = keys::decode_counter(key);
                                 const auto count = codecs::decode_counter(value);
                                 if (!at || !count) {
                                   outcome = at ? count.error() : at.error();
                                   return false;
                                 }
                                 const auto state = static_cast<std::size_t>(at.value().state);
                                 out.runs[state] += static_cast<std::uint64_t>(count.value());
                                 if (is_terminal(at.value().state))
                                   out.ended_runs += static_cast<std::uint64_t>(count.value());
                                 return true;
                               }));
  return outcome;
}

/// Their counts tell of the instances, without a look at these.
result<void> count_live(const kv_reader& rows, store_summary& out) {
  BOOST_OUTCOME_TRY(live, store_reader{rows}.live_runs());
  out.live_runs = live.size();
  for (const auto& run : live)
    for (std::size_t i = 0; i < instance_state_count; ++i)
      if (!is_terminal(static_cast<instance_state>(i)))
        out.live_instances += run.counts[i];
  return ok();
}

result<void> look_at_plan(const kv_reader& rows, store_summary& out) {
  return rows.scan(family::slots, keys::plan(), keys::after(keys::plan()),
                   [&](std::string_view key, std::string_view) {
                     const auto at = keys::decode_plan(key);
                     if (!at)
                       return true;
                     if (out.planned_slots++ == 0)
                       out.first_planned = at.value().slot;
                     out.last_planned = at.value().slot;
                     return true;
                   });
}

} // namespace

result<store_summary> summarize_store(const kv_reader& rows) {
  store_summary out;
  BOOST_OUTCOME_TRY(epoch, current_epoch(rows));
  out.epoch = epoch;
  BOOST_OUTCOME_TRYV(count_runs(rows, out));
  BOOST_OUTCOME_TRYV(count_live(rows, out));
  BOOST_OUTCOME_TRYV(look_at_plan(rows, out));
  BOOST_OUTCOME_TRY(oldest, first_row(rows, family::runs));
  BOOST_OUTCOME_TRY(newest, last_row(rows, family::runs));
  if (oldest && newest) {
    BOOST_OUTCOME_TRY(first, made_at(*oldest));
    BOOST_OUTCOME_TRY(last, made_at(*newest));
    out.oldest_run = first;
    out.newest_run = last;
  }
  BOOST_OUTCOME_TRY(first_audit, first_row(rows, family::audit));
  BOOST_OUTCOME_TRY(last_audit, last_row(rows, family::audit));
  if (first_audit && last_audit) {
    BOOST_OUTCOME_TRY(from, keys::decode_audit(first_audit->first));
    BOOST_OUTCOME_TRY(upto, keys::decode_audit(last_audit->first));
    BOOST_OUTCOME_TRY(record, codecs::decode_audit(from, first_audit->second));
    out.audit_records = upto - from + 1;
    out.oldest_audit = record.at;
  }
  return out;
}

} // namespace pinion
