#include "actors/backfills.hpp"
#include "pinion/storage/rows.hpp"

namespace pinion {

void backfills_state::recover() {
  // Only the newest can lack its record: they are made one after the other.
  erase_leftovers(highest + 1, [this] {
    if (auto done = restore_all(); !done) {
      fatal(done.error());
      return;
    }
    ready = true;
    next_in_turn();
  });
}

void backfills_state::erase_leftovers(std::uint64_t id, std::function<void()> then) {
  const auto page = store().list_backfill_items(id, std::nullopt, {max_rows, {}});
  if (!page) {
    fatal(page.error());
    return;
  }
  if (page.value().items.empty()) {
    then();
    return;
  }
  kv_batch batch;
  for (const auto& item : page.value().items)
    erase_backfill_item(batch, item);
  submit(std::move(batch), [this, id, then = std::move(then)] { erase_leftovers(id, then); });
}

result<void> backfills_state::restore_all() {
  const auto rows = store();
  page_request ask{max_rows, {}};
  std::vector<backfill_record> all;
  do {
    BOOST_OUTCOME_TRY(page, rows.list_backfills({}, ask));
    for (auto& record : page.items)
      // A cancelled one has no end until the last of its runs has.
      if (!is_over(record.state) || record.ended_at == instant{})
        all.push_back(std::move(record));
    ask.cursor = std::move(page.next);
  } while (!ask.cursor.empty());
  // The oldest first, as they began.
  // NOLINTNEXTLINE(modernize-loop-convert): clang 14 cannot read this library's views.
  for (auto at = all.rbegin(); at != all.rend(); ++at) {
    BOOST_OUTCOME_TRY(restore(*at));
  }
  return ok();
}

result<void> backfills_state::restore(const backfill_record& record) {
  const auto rows = store();
  BOOST_OUTCOME_TRY(counts, rows.counts_of_backfill(record.id));
  auto& at = live[record.id];
  at.record = std::make_shared<const backfill_record>(record);
  at.stopping = record.stop_on_failure &&
                (counts[static_cast<std::size_t>(backfill_item_state::failed)] != 0 ||
                 counts[static_cast<std::size_t>(backfill_item_state::cancelled)] != 0);
  page_request ask{max_rows, {}};
  std::vector<run_id> running;
  do {
    BOOST_OUTCOME_TRY(page, rows.list_backfill_items(record.id, backfill_item_state::running, ask));
    for (auto& item : page.items) {
      runs[item.run] = {record.id, item.position};
      running.push_back(item.run);
      auto& one = at.items[item.position];
      one.at = under_way::stage::running;
      one.item = std::move(item);
    }
    ask.cursor = std::move(page.next);
  } while (!ask.cursor.empty());
  if (!running.empty())
    look_later();
  for (const auto run : running)
    look_at(run);
  advance(record.id);
  return ok();
}

} // namespace pinion
