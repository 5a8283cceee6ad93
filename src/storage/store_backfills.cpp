#include "pinion/storage/codecs.hpp"
#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/list_range.hpp"
#include "storage/row_scan.hpp"

#include <algorithm>

namespace pinion {
namespace {

result<backfill_record> backfill_row(std::string_view key, std::string_view value) {
  BOOST_OUTCOME_TRY(id, keys::decode_backfill(key));
  return codecs::decode_backfill(id, value);
}

result<backfill_item> item_row(std::string_view key, std::string_view value) {
  BOOST_OUTCOME_TRY(at, keys::decode_backfill_item(key));
  return codecs::decode_backfill_item(at, value);
}

/// The records that a page of an index names. Read: key -> result<optional<T>>; those that it no
/// longer finds as the index says are left out.
template <class T, class Key, class Read>
result<page<T>> look_up(page<Key> listed, Read read) {
  page<T> found;
  found.next = std::move(listed.next);
  for (const auto& key : listed.items) {
    result<std::optional<T>> record = read(key);
    if (!record)
      return std::move(record).assume_error();
    if (record.assume_value())
      found.items.push_back(std::move(*record.assume_value()));
  }
  return found;
}

constexpr auto every = [](const auto&) { return true; };

} // namespace

result<std::vector<edge_record>> store_reader::edges_of(run_id run) const {
  const auto row = [](std::string_view key, std::string_view value) -> result<edge_record> {
    BOOST_OUTCOME_TRY(at, keys::decode_edge(key));
    return codecs::decode_edge(at, value);
  };
  return read_prefix<edge_record>(rows_, family::slots, keys::edges_of(run), row);
}

result<std::vector<task_switch>> store_reader::task_switches_of(std::string_view workflow) const {
  if (!keys::is_name(workflow))
    return std::vector<task_switch>{};
  const auto row = [](std::string_view key, std::string_view value) -> result<task_switch> {
    BOOST_OUTCOME_TRY(at, keys::decode_task_switch(key));
    return codecs::decode_task_switch(at, value);
  };
  return read_prefix<task_switch>(rows_, family::definitions, keys::task_switches_of(workflow),
                                  row);
}

result<std::optional<backfill_record>> store_reader::backfill(std::uint64_t id) const {
  return read_one<backfill_record>(
      rows_, family::slots, keys::backfill(id),
      [&](std::string_view value) { return codecs::decode_backfill(id, value); });
}

result<std::optional<backfill_item>> store_reader::backfill_item_at(std::uint64_t id,
                                                                    std::uint32_t position) const {
  const keys::backfill_item_key at{id, position};
  return read_one<backfill_item>(
      rows_, family::slots, keys::backfill_item(at),
      [&](std::string_view value) { return codecs::decode_backfill_item(at, value); });
}

result<std::uint64_t> store_reader::highest_backfill() const {
  BOOST_OUTCOME_TRY(key, last_key(rows_, family::slots, keys::backfills()));
  BOOST_OUTCOME_TRY(given, given_up_to(rows_, backfills_given));
  if (!key)
    return given;
  BOOST_OUTCOME_TRY(last, keys::decode_backfill(*key));
  return std::max(last, given);
}

result<std::vector<backfill_item>> store_reader::open_backfill_items(std::string_view workflow,
                                                                     std::string_view trigger,
                                                                     instant slot) const {
  std::vector<backfill_item> found;
  if (!keys::are_names(workflow, trigger))
    return found;
  const auto row = [](std::string_view key, std::string_view) {
    return keys::decode_open_item(key);
  };
  BOOST_OUTCOME_TRY(
      open, read_prefix<keys::open_item_key>(rows_, family::index,
                                             keys::open_items_of(workflow, trigger, slot), row));
  for (const auto& key : open) {
    BOOST_OUTCOME_TRY(item, backfill_item_at(key.item.backfill, key.item.position));
    if (!item)
      return dangling("a slot of backfill b" + std::to_string(key.item.backfill));
    found.push_back(std::move(*item));
  }
  return found;
}

result<bool> store_reader::has_open_items(std::string_view workflow) const {
  BOOST_OUTCOME_TRY(key, last_key(rows_, family::index, keys::open_items_of(workflow)));
  return key.has_value();
}

result<page<backfill_record>> store_reader::list_backfills(const backfill_filter& filter,
                                                           const page_request& ask) const {
  if (!keys::is_name(filter.workflow))
    return page<backfill_record>{};
  const auto in_state = [&](const backfill_record& record) {
    return !filter.state || record.state == *filter.state;
  };
  if (filter.workflow.empty())
    return list_range<backfill_record>(
        rows_, prefix_list(family::slots, keys::backfills(), direction::down, 'b'), ask,
        backfill_row, in_state);
  const auto row = [](std::string_view key, std::string_view) {
    return keys::decode_backfill_by_workflow(key);
  };
  auto range =
      prefix_list(family::index, keys::backfills_by_workflow(filter.workflow), direction::up, 'w');
  BOOST_OUTCOME_TRY(listed, list_range<std::uint64_t>(rows_, std::move(range), ask, row, every));
  return look_up<backfill_record>(std::move(listed),
                                  [&](std::uint64_t id) -> result<std::optional<backfill_record>> {
                                    BOOST_OUTCOME_TRY(record, backfill(id));
                                    if (record && !in_state(*record))
                                      record.reset();
                                    return std::move(record);
                                  });
}

result<page<backfill_item>>
store_reader::list_backfill_items(std::uint64_t id, std::optional<backfill_item_state> state,
                                  const page_request& ask) const {
  if (!state)
    return list_range<backfill_item>(
        rows_, prefix_list(family::slots, keys::backfill_items_of(id), direction::up, 'j'), ask,
        item_row, every);
  const auto row = [](std::string_view key, std::string_view) {
    return keys::decode_item_by_state(key);
  };
  auto range = prefix_list(family::index, keys::items_by_state(id, *state), direction::up, 'k');
  BOOST_OUTCOME_TRY(listed,
                    list_range<keys::backfill_item_key>(rows_, std::move(range), ask, row, every));
  return look_up<backfill_item>(
      std::move(listed),
      [&](const keys::backfill_item_key& key) -> result<std::optional<backfill_item>> {
        BOOST_OUTCOME_TRY(item, backfill_item_at(key.backfill, key.position));
        if (item && item->state != *state)
          item.reset();
        return std::move(item);
      });
}

result<backfill_counts> store_reader::counts_of_backfill(std::uint64_t id) const {
  backfill_counts counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto key = keys::item_counter(id, static_cast<backfill_item_state>(i));
    BOOST_OUTCOME_TRY(count,
                      read_one<std::int64_t>(rows_, family::index, key, codecs::decode_counter));
    counts[i] = static_cast<std::uint32_t>(count.value_or(0));
  }
  return counts;
}

} // namespace pinion
