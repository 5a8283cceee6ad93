#include "pinion/storage/codecs.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/list_range.hpp"
#include "storage/page_cursor.hpp"
#include "storage/row_scan.hpp"

#include <algorithm>
#include <limits>

namespace pinion {
namespace {

constexpr std::size_t chunk_rows = 256;
constexpr run_id past_all_runs{std::numeric_limits<std::uint64_t>::max()};

/// Where a list finds its runs, newest first: an index, or the runs themselves.
class run_source {
public:
  explicit run_source(const kv_reader& rows) : rows_{rows} {}
  run_source(const kv_reader& rows, std::string prefix)
      : rows_{rows}, indexed_{true}, prefix_{std::move(prefix)} {}

  /// The next `count` runs, at most, with numbers below `before`.
  result<std::vector<run_id>> next(run_id before, std::size_t count) const {
    std::vector<run_id> found;
    result<void> outcome = ok();
    const auto take = [&](std::string_view key, std::string_view) {
      auto id = indexed_ ? keys::decode_newest_first(key, prefix_.size()) : keys::decode_run(key);
      if (id)
        found.push_back(id.assume_value());
      else
        outcome = std::move(id).assume_error();
      return outcome.has_value() && found.size() < count;
    };
    if (before.value == 0 || count == 0)
      return found;
    if (indexed_) {
      const auto from = keys::newest_first(prefix_, run_id{before.value - 1});
      BOOST_OUTCOME_TRYV(rows_.scan(family::index, from, keys::after(prefix_), take));
    } else {
      BOOST_OUTCOME_TRYV(rows_.scan_back(family::runs, {}, keys::run(before), take));
    }
    BOOST_OUTCOME_TRYV(outcome);
    return found;
  }

private:
  const kv_reader& rows_;
  bool indexed_ = false;
  std::string prefix_;
};

bool in_project(const std::string& workflow, const std::string& project) {
  return workflow.size() > project.size() && workflow[project.size()] == '.' &&
         workflow.compare(0, project.size(), project) == 0;
}

bool passes(const run_filter& filter, const run_record& run) {
  return run.lane == filter.lane &&
         (filter.project.empty() || in_project(run.workflow, filter.project)) &&
         (filter.workflow.empty() || run.workflow == filter.workflow) &&
         (filter.trigger.empty() || run.trigger == filter.trigger) &&
         (!filter.state || run.state == *filter.state) &&
         (filter.since == never || run.slot >= filter.since) &&
         (filter.until == never || run.slot < filter.until);
}

run_source source_of(const kv_reader& rows, const run_filter& filter) {
  const auto& [lane, project, workflow, trigger, state, since, until] = filter;
  if (!workflow.empty() && !trigger.empty())
    return {rows, keys::runs_by_trigger(lane, workflow, trigger)};
  if (!workflow.empty() && state)
    return {rows, keys::runs_by_workflow(lane, workflow, *state)};
  if (!workflow.empty())
    return {rows, keys::runs_by_workflow(lane, workflow)};
  if (state)
    return {rows, keys::runs_by_state(lane, *state)};
  return run_source{rows};
}

/// Nearly every run has instances in these states: an index by them would narrow nothing.
bool is_common(instance_state state) noexcept {
  return state == instance_state::success || state == instance_state::skipped;
}

run_source source_of(const kv_reader& rows, const instance_filter& filter) {
  if (filter.state && (filter.workflow.empty() || !is_common(*filter.state)))
    return {rows, keys::runs_by_instance_state(filter.lane, *filter.state)};
  if (!filter.workflow.empty())
    return {rows, keys::runs_by_workflow(filter.lane, filter.workflow)};
  return run_source{rows};
}

bool passes(const instance_filter& filter, const run_record& run) {
  return run.lane == filter.lane && (filter.workflow.empty() || run.workflow == filter.workflow) &&
         (!filter.state || run.counts[static_cast<std::size_t>(*filter.state)] != 0);
}

/// The instances of one run behind `last`, and where it stopped.
result<instance_key> gather_instances(const kv_reader& rows, const instance_filter& filter,
                                      instance_key last, bool from_start,
                                      gathering<instance_record>& so_far) {
  auto from = from_start ? keys::rows_of(last.run) : keys::instance(last) + '\0';
  result<void> outcome = ok();
  const auto take = [&](std::string_view key, std::string_view value) {
    outcome = [&]() -> result<void> {
      BOOST_OUTCOME_TRY(at, keys::decode_instance(key));
      BOOST_OUTCOME_TRY(record, codecs::decode_instance(at, value));
      last = at;
      --so_far.budget;
      if (!filter.state || record.state == *filter.state)
        so_far.found.items.push_back(std::move(record));
      return ok();
    }();
    return outcome.has_value() && !so_far.full();
  };
  BOOST_OUTCOME_TRYV(
      rows.scan(family::instances, from, keys::after(keys::rows_of(last.run)), take));
  BOOST_OUTCOME_TRYV(outcome);
  if (!so_far.full()) // The run has no more.
    last = {last.run, no_element, no_element};
  return last;
}

result<page<attempt_record>> attempts_in(const kv_reader& rows, std::string prefix,
                                         const page_request& ask) {
  const auto row = [](std::string_view key, std::string_view value) -> result<attempt_record> {
    BOOST_OUTCOME_TRY(at, keys::decode_attempt(key));
    return codecs::decode_attempt(at, value);
  };
  return list_range<attempt_record>(
      rows, prefix_list(family::attempts, std::move(prefix), direction::up, 'n'), ask, row,
      [](const attempt_record&) { return true; });
}

} // namespace

result<page<run_record>> store_reader::list_runs(const run_filter& filter,
                                                 const page_request& ask) const {
  BOOST_OUTCOME_TRY(last, read_cursor(ask, 'r'));
  auto before = past_all_runs;
  if (last) {
    BOOST_OUTCOME_TRY(id, cursor_run(*last));
    before = id;
  }
  gathering<run_record> so_far{ask.limit};
  if (!keys::are_names(filter.lane, filter.workflow, filter.trigger))
    return std::move(so_far.found);
  const auto source = source_of(rows_, filter);
  // Who asks for one run shall not pay for hundreds.
  for (auto chunk = std::min(chunk_rows, ask.limit);; chunk = std::min(chunk_rows, 2 * chunk)) {
    BOOST_OUTCOME_TRY(ids, source.next(before, std::min(chunk, so_far.budget)));
    if (ids.empty())
      return std::move(so_far.found);
    for (const auto id : ids) {
      if (so_far.full())
        break;
      BOOST_OUTCOME_TRY(record, run(id));
      before = id;
      --so_far.budget;
      if (record && passes(filter, *record))
        so_far.found.items.push_back(std::move(*record));
    }
    if (!so_far.full())
      continue;
    BOOST_OUTCOME_TRY(rest, source.next(before, 1));
    if (!rest.empty())
      so_far.found.next = write_cursor('r', keys::run(before));
    return std::move(so_far.found);
  }
}

result<page<instance_record>> store_reader::list_instances(const instance_filter& filter,
                                                           const page_request& ask) const {
  BOOST_OUTCOME_TRY(last, read_cursor(ask, 'i'));
  gathering<instance_record> so_far{ask.limit};
  if (!keys::are_names(filter.lane, filter.workflow))
    return std::move(so_far.found);
  instance_key at{past_all_runs, no_element, no_element};
  if (last) {
    BOOST_OUTCOME_TRY(key, cursor_instance(*last));
    if (filter.run && key.run != *filter.run)
      return bad_cursor();
    at = key;
    BOOST_OUTCOME_TRY(stopped, gather_instances(rows_, filter, at, false, so_far));
    at = stopped;
  }
  if (filter.run && !last) {
    BOOST_OUTCOME_TRY(stopped, gather_instances(rows_, filter, {*filter.run, 0, 0}, true, so_far));
    at = stopped;
  }
  const auto source = source_of(rows_, filter);
  while (!filter.run && !so_far.full()) {
    BOOST_OUTCOME_TRY(ids, source.next(at.run, std::min(chunk_rows, so_far.budget)));
    if (ids.empty())
      return std::move(so_far.found);
    for (const auto id : ids) {
      if (so_far.full())
        break;
      BOOST_OUTCOME_TRY(record, run(id));
      --so_far.budget;
      if (!record || !passes(filter, *record)) {
        at = {id, no_element, no_element};
        continue;
      }
      if (so_far.budget == 0) // The next page begins with this run.
        break;
      BOOST_OUTCOME_TRY(stopped, gather_instances(rows_, filter, {id, 0, 0}, true, so_far));
      at = stopped;
    }
  }
  if (so_far.full())
    so_far.found.next = write_cursor('i', keys::instance(at));
  return std::move(so_far.found);
}

result<page<attempt_record>> store_reader::list_attempts(run_id run,
                                                         const page_request& ask) const {
  return attempts_in(rows_, keys::rows_of(run), ask);
}

result<page<attempt_record>> store_reader::list_attempts(const instance_key& key,
                                                         const page_request& ask) const {
  return attempts_in(rows_, keys::attempts_of(key), ask);
}

result<page<version_record>> store_reader::list_versions(std::string_view workflow,
                                                         const page_request& ask) const {
  if (!keys::is_name(workflow))
    return page<version_record>{};
  const auto row = [](std::string_view key, std::string_view value) -> result<version_record> {
    BOOST_OUTCOME_TRY(at, keys::decode_version(key));
    return codecs::decode_version(at, value);
  };
  return list_range<version_record>(
      rows_, prefix_list(family::definitions, keys::versions_of(workflow), direction::down, 'v'),
      ask, row, [](const version_record&) { return true; });
}

result<page<audit_record>> store_reader::list_audit(const audit_filter& filter,
                                                    const page_request& ask) const {
  const auto row = [](std::string_view key, std::string_view value) -> result<audit_record> {
    BOOST_OUTCOME_TRY(sequence, keys::decode_audit(key));
    return codecs::decode_audit(sequence, value);
  };
  const auto wanted = [&](const audit_record& record) {
    return record.object.starts_with(filter.object_prefix) &&
           (!filter.whole || record.object.size() == filter.object_prefix.size()) &&
           (filter.since == never || record.at >= filter.since);
  };
  return list_range<audit_record>(rows_, {family::audit, {}, {}, direction::down, 'a'}, ask, row,
                                  wanted);
}

result<std::optional<run_record>> store_reader::latest(const run_filter& filter) const {
  for (page_request ask{16, {}};;) {
    BOOST_OUTCOME_TRY(some, list_runs(filter, ask));
    for (auto& run : some.items)
      if (filter.state || run.state != run_state::planned)
        return std::optional{std::move(run)};
    if (some.next.empty())
      return std::optional<run_record>{};
    ask.cursor = std::move(some.next);
  }
}

result<std::vector<run_counts>> store_reader::counts(std::string_view lane) const {
  std::vector<run_counts> all;
  if (!keys::is_name(lane))
    return all;
  using counted = std::pair<keys::counter_key, std::int64_t>;
  const auto row = [](std::string_view key, std::string_view value) -> result<counted> {
    BOOST_OUTCOME_TRY(at, keys::decode_counter(key));
    BOOST_OUTCOME_TRY(count, codecs::decode_counter(value));
    return counted{std::move(at), count};
  };
  BOOST_OUTCOME_TRY(found, read_prefix<counted>(rows_, family::index, keys::counters(lane), row));
  for (const auto& [key, count] : found) {
    if (all.empty() || all.back().workflow != key.workflow)
      all.push_back({key.workflow, {}});
    all.back().by_state[static_cast<std::size_t>(key.state)] = count;
  }
  return all;
}

result<run_counts> store_reader::counts_of(std::string_view lane, std::string_view workflow) const {
  run_counts counts{std::string{workflow}, {}};
  if (!keys::are_names(lane, workflow))
    return counts;
  for (std::size_t i = 0; i < run_state_count; ++i) {
    const auto key = keys::counter({std::string{lane}, counts.workflow, static_cast<run_state>(i)});
    BOOST_OUTCOME_TRY(count,
                      read_one<std::int64_t>(rows_, family::index, key, codecs::decode_counter));
    counts.by_state[i] = count.value_or(0);
  }
  return counts;
}

} // namespace pinion
