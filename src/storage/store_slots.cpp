#include "pinion/storage/codecs.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/list_range.hpp"
#include "storage/row_scan.hpp"

namespace pinion {
namespace {

constexpr std::size_t chunk_rows = 256;

bool passes(const slot_filter& filter, const keys::slot_key& key) {
  return key.lane == filter.lane && (filter.workflow.empty() || key.workflow == filter.workflow) &&
         (filter.trigger.empty() || key.trigger == filter.trigger) &&
         (filter.from == never || key.slot >= filter.from) &&
         (filter.to == never || key.slot < filter.to);
}

/// Slots that an index names.
template <class Decode>
result<page<slot_record>> indexed_slots(const store_reader& reader, const kv_reader& rows,
                                        range_list range, const slot_filter& filter,
                                        const page_request& ask, Decode decode) {
  const auto row = [&](std::string_view key, std::string_view) { return decode(key); };
  const auto wanted = [&](const keys::slot_key& key) { return passes(filter, key); };
  BOOST_OUTCOME_TRY(listed, list_range<keys::slot_key>(rows, std::move(range), ask, row, wanted));
  page<slot_record> found;
  found.next = std::move(listed.next);
  for (const auto& key : listed.items) {
    BOOST_OUTCOME_TRY(record, reader.slot(key));
    // Gone since the index was read, if the reader is no snapshot.
    if (record && record->outcome == *filter.outcome)
      found.items.push_back(std::move(*record));
  }
  return found;
}

/// The index of an outcome, newest first, cut to the filter's time.
range_list outcome_range(const slot_filter& filter) {
  const auto prefix = keys::slots_by_outcome(filter.lane, *filter.outcome);
  range_list range{family::index, prefix, keys::after(prefix), direction::up, 'o'};
  if (filter.to != never)
    range.from = keys::slots_by_outcome(filter.lane, *filter.outcome, filter.to - duration{1});
  if (filter.from != never)
    range.to = keys::after(keys::slots_by_outcome(filter.lane, *filter.outcome, filter.from));
  return range;
}

range_list plan_range(const slot_filter& filter) {
  return {family::slots, filter.from == never ? keys::plan() : keys::plan_from(filter.from),
          filter.to == never ? keys::after(keys::plan()) : keys::plan_from(filter.to),
          direction::up, 'p'};
}

/// The slots themselves, newest first within each trigger.
range_list slot_range(const slot_filter& filter) {
  if (filter.workflow.empty())
    return prefix_list(family::slots, keys::slots_of(filter.lane), direction::down, 's');
  if (filter.trigger.empty())
    return prefix_list(family::slots, keys::slots_of(filter.lane, filter.workflow), direction::down,
                       's');
  auto range =
      prefix_list(family::slots, keys::slots_of(filter.lane, filter.workflow, filter.trigger),
                  direction::down, 's');
  if (filter.from != never)
    range.from = keys::slot({filter.lane, filter.workflow, filter.trigger, filter.from});
  if (filter.to != never)
    range.to = keys::slot({filter.lane, filter.workflow, filter.trigger, filter.to});
  return range;
}

/// Up to `chunk_rows` keys of the plan from `from` on.
result<std::vector<keys::slot_key>> plan_keys(const kv_reader& rows, const std::string& from,
                                              const std::string& to) {
  std::vector<keys::slot_key> found;
  result<void> outcome = ok();
  BOOST_OUTCOME_TRYV(
      rows.scan(family::slots, from, to, [&](std::string_view bytes, std::string_view) {
        auto key = keys::decode_plan(bytes);
        if (key)
          found.push_back(std::move(key).assume_value());
        else
          outcome = std::move(key).assume_error();
        return outcome.has_value() && found.size() < chunk_rows;
      }));
  BOOST_OUTCOME_TRYV(outcome);
  return found;
}

} // namespace

result<page<slot_record>> store_reader::list_slots(const slot_filter& filter,
                                                   const page_request& ask) const {
  const bool empty_time = filter.from != never && filter.to != never && filter.from >= filter.to;
  if (!keys::are_names(filter.lane, filter.workflow, filter.trigger) || empty_time)
    return page<slot_record>{};
  const bool planned = filter.outcome == slot_outcome::planned;
  if (filter.outcome && !planned && *filter.outcome != slot_outcome::fired)
    return indexed_slots(*this, rows_, outcome_range(filter), filter, ask,
                         keys::decode_slot_outcome);
  if (planned && filter.workflow.empty())
    return indexed_slots(*this, rows_, plan_range(filter), filter, ask, keys::decode_plan);
  const auto row = [](std::string_view key, std::string_view value) -> result<slot_record> {
    BOOST_OUTCOME_TRY(at, keys::decode_slot(key));
    return codecs::decode_slot(at, value);
  };
  const auto wanted = [&](const slot_record& slot) {
    return (!filter.outcome || slot.outcome == *filter.outcome) &&
           passes(filter, {slot.lane, slot.workflow, slot.trigger, slot.slot});
  };
  return list_range<slot_record>(rows_, slot_range(filter), ask, row, wanted);
}

result<void>
store_reader::visit_planned(instant from, instant to,
                            const std::function<bool(const slot_record&)>& visit) const {
  if (from >= to)
    return ok();
  const auto end = keys::plan_from(to);
  for (auto at = keys::plan_from(from);;) {
    BOOST_OUTCOME_TRY(chunk, plan_keys(rows_, at, end));
    for (const auto& key : chunk) {
      BOOST_OUTCOME_TRY(record, slot(key));
      // Gone or decided since the plan was read, if the reader is no snapshot.
      if (record && record->outcome == slot_outcome::planned && !visit(*record))
        return ok();
    }
    if (chunk.size() < chunk_rows)
      return ok();
    at = keys::plan(chunk.back()) + '\0';
  }
}

result<std::vector<slot_record>> store_reader::planned_slots(instant from, instant to) const {
  std::vector<slot_record> found;
  BOOST_OUTCOME_TRYV(visit_planned(from, to, [&](const slot_record& slot) {
    found.push_back(slot);
    return true;
  }));
  return found;
}

result<std::optional<slot_run>> store_reader::slot_before(const keys::slot_key& at) const {
  if (!keys::are_names(at.lane, at.workflow, at.trigger))
    return std::optional<slot_run>{};
  const auto from = keys::naturals_of(at.lane, at.workflow, at.trigger);
  // Behind the runs that are planned ahead of `at` there is a decided one, if there is any.
  for (auto to = keys::natural(at);;) {
    std::optional<std::pair<keys::slot_key, run_id>> last;
    result<void> outcome = ok();
    BOOST_OUTCOME_TRYV(
        rows_.scan_back(family::slots, from, to, [&](std::string_view key, std::string_view value) {
          outcome = [&]() -> result<void> {
            BOOST_OUTCOME_TRY(natural, keys::decode_natural(key));
            BOOST_OUTCOME_TRY(run, codecs::decode_run_id(value));
            last.emplace(std::move(natural), run);
            return ok();
          }();
          return false;
        }));
    BOOST_OUTCOME_TRYV(outcome);
    if (!last)
      return std::optional<slot_run>{};
    BOOST_OUTCOME_TRY(record, slot(last->first));
    if (!record || record->outcome != slot_outcome::planned)
      return std::optional{slot_run{last->first.slot, last->second}};
    to = keys::natural(last->first);
  }
}

} // namespace pinion
