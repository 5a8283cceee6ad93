#include "storage/erase_rows.hpp"

#include "pinion/storage/expiry.hpp"
#include "pinion/storage/keys.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <array>
#include <charconv>

namespace pinion {
namespace {

constexpr std::array run_families{family::instances, family::attempts, family::outputs};

result<std::size_t> erase_items(const kv_reader& rows, kv_batch& batch, std::uint64_t backfill,
                                std::size_t most) {
  BOOST_OUTCOME_TRY(page,
                    store_reader{rows}.list_backfill_items(backfill, std::nullopt, {most, {}}));
  for (const auto& item : page.items)
    erase_backfill_item(batch, item);
  // The counters stand at 0 then; a row that says so is one too many.
  if (page.items.empty() || page.next.empty())
    for (std::size_t state = 0; state < backfill_item_state_count; ++state)
      batch.erase(family::index,
                  keys::item_counter(backfill, static_cast<backfill_item_state>(state)));
  return page.items.size();
}

} // namespace

result<std::size_t> erase_some(const kv_reader& rows, kv_batch& batch, family in,
                               const std::string& prefix, std::size_t most) {
  std::size_t erased = 0;
  if (most == 0)
    return erased;
  BOOST_OUTCOME_TRYV(
      rows.scan(in, prefix, keys::after(prefix), [&](std::string_view key, std::string_view) {
        batch.erase(in, std::string{key});
        return ++erased < most;
      }));
  return erased;
}

result<std::size_t> erase_run_rows(const kv_reader& rows, kv_batch& batch, run_id run,
                                   std::size_t most) {
  std::size_t erased = 0;
  for (const auto in : run_families) {
    BOOST_OUTCOME_TRY(more, erase_some(rows, batch, in, keys::rows_of(run), most - erased));
    erased += more;
  }
  BOOST_OUTCOME_TRY(more,
                    erase_some(rows, batch, family::slots, keys::edges_of(run), most - erased));
  return erased + more;
}

std::string expiring_row(char kind, std::uint64_t id) {
  return std::string{expiring_rows} + kind + std::to_string(id);
}

result<bool> erase_unlinked(const kv_reader& rows, kv_batch& batch, std::size_t most) {
  std::string found;
  const std::string prefix{expiring_rows};
  BOOST_OUTCOME_TRYV(rows.scan(family::meta, prefix, keys::after(prefix),
                               [&](std::string_view key, std::string_view) {
                                 found = key;
                                 return false;
                               }));
  if (found.size() <= prefix.size() + 1)
    return false;
  std::uint64_t id = 0;
  std::from_chars(found.data() + prefix.size() + 1, found.data() + found.size(), id);
  const bool is_run = found[prefix.size()] == 'r';
  BOOST_OUTCOME_TRY(erased, is_run ? erase_run_rows(rows, batch, run_id{id}, most)
                                   : erase_items(rows, batch, id, most));
  if (erased < most)
    batch.erase(family::meta, found);
  return true;
}

} // namespace pinion
