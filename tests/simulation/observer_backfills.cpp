#include "simulation/observer.hpp"

#include "pinion/storage/codecs.hpp"

namespace pinion::sim {

namespace {

using item = backfill_item_state;

bool is_over(item state) { return state >= item::success; }

std::string name_of(const backfill_item& at) {
  return "slot " + std::to_string(at.position) + " of b" + std::to_string(at.backfill);
}

std::uint32_t count_of(const backfill_counts& counts, item state) {
  return counts[static_cast<std::size_t>(state)];
}

/// How an item ends whose run ended so.
item end_of(run_state state) {
  if (state == run_state::cancelled)
    return item::cancelled;
  return state == run_state::failed ? item::failed : item::success;
}

} // namespace

void observer::note_reruns(const kv_batch& batch) {
  for (const auto& write : batch.writes) {
    if (write.in != family::slots || write.key.front() != 'j')
      continue;
    const auto at = keys::decode_backfill_item(write.key);
    const auto row = at ? store_.backfill_item_at(at.value().backfill, at.value().position)
                        : result<std::optional<backfill_item>>{std::optional<backfill_item>{}};
    if (row && row.value() && row.value()->state == item::running &&
        before_.contains({family::runs, keys::run(row.value()->run)}))
      operated_.insert(row.value()->run);
  }
}

void observer::check_item(std::string_view key, const std::string& now) {
  const auto at = keys::decode_backfill_item(key);
  const auto row =
      at ? codecs::decode_backfill_item(at.value(), now) : result<backfill_item>{at.error()};
  if (!row)
    return log_.violation("a backfill's slot cannot be read: " + row.error().message);
  const auto& is = row.value();
  log_.note("  " + name_of(is) + " is " + std::to_string(static_cast<int>(is.state)) + ' ' +
            to_string(is.run));
  const auto before = before_.find({family::slots, std::string{key}});
  if (before == before_.end()) {
    if (is.state != item::pending)
      log_.violation(name_of(is) + " was never to be done");
    return;
  }
  const auto old = codecs::decode_backfill_item(at.value(), before->second);
  if (!old)
    return;
  const auto& was = old.value();
  if (is_over(was.state) && was.state != is.state)
    log_.violation("[7] " + name_of(is) + " is over and changes");
  if (was.state == item::running && (is.state == item::pending || is.run != was.run))
    log_.violation("[2] " + name_of(is) + " is made twice: " + to_string(was.run) + " and " +
                   to_string(is.run));
  if (is.state != item::success && is.state != item::failed && is.state != item::cancelled)
    return;
  if (is.run == run_id{})
    return;
  const auto run = store_.run(is.run);
  if (!run || !run.value())
    return log_.violation("[5] " + name_of(is) + " has ended, and its run is not on the disk");
  if (!operated_.contains(is.run) && is_terminal(run.value()->state) &&
      end_of(run.value()->state) != is.state)
    log_.violation(name_of(is) + " ended otherwise than its " + to_string(is.run));
}

void observer::check_backfill(std::uint64_t id) {
  const auto record = store_.backfill(id);
  const auto rows = store_.list_backfill_items(id, std::nullopt, {1'000, {}});
  const auto counts = store_.counts_of_backfill(id);
  if (!record || !rows || !counts)
    return log_.violation("backfill b" + std::to_string(id) + " cannot be read");
  if (!record.value())
    return;
  const auto& of = *record.value();
  backfill_counts counted{};
  std::map<std::pair<std::string, instant>, std::uint32_t> slots;
  std::set<run_id> runs;
  std::uint32_t pending = 0;
  for (const auto& each : rows.value().items) {
    ++counted[static_cast<std::size_t>(each.state)];
    if (++slots[{each.workflow + '/' + each.trigger, each.slot}] > 1)
      log_.violation("[2] " + name_of(each) + " is in it twice");
    if (each.run != run_id{} && !runs.insert(each.run).second)
      log_.violation("[2] " + name_of(each) + " has the run of another slot");
    // So many are under way at once; which of them is made first is left open.
    if (pending >= of.parallel && each.state == item::running)
      log_.violation(name_of(each) + " begins before an earlier one");
    pending += each.state == item::pending ? 1U : 0U;
  }
  if (counted != counts.value())
    log_.violation("the slots of b" + std::to_string(id) + " are counted wrong");
  if (count_of(counted, item::running) > of.parallel)
    log_.violation("[4] b" + std::to_string(id) + " runs " +
                   std::to_string(count_of(counted, item::running)) + " slots, " +
                   std::to_string(of.parallel) + " are allowed");
  if (rows.value().items.size() != of.total)
    log_.violation("b" + std::to_string(id) + " has not the slots that it says");
}

bool observer::all_backfills_ended() const {
  const auto all = store_.list_backfills({}, {1'000, {}});
  if (!all)
    return false;
  for (const auto& each : all.value().items)
    if (!pinion::is_over(each.state) || each.ended_at == instant{})
      return false;
  return true;
}

void observer::check_backfills_end() {
  const auto all = store_.list_backfills({}, {1'000, {}});
  if (!all)
    return log_.violation("the backfills cannot be read");
  for (const auto& of : all.value().items) {
    check_backfill(of.id);
    const auto counts = store_.counts_of_backfill(of.id);
    if (!counts)
      continue;
    const auto name = "backfill b" + std::to_string(of.id);
    if (count_of(counts.value(), item::pending) + count_of(counts.value(), item::running) > 0)
      log_.violation("[6] " + name + " is over, and not all of its slots are");
    const auto bad =
        count_of(counts.value(), item::failed) + count_of(counts.value(), item::cancelled);
    if (of.state != backfill_state::cancelled &&
        (of.state == backfill_state::success) != (bad == 0))
      log_.violation(name + " ended otherwise than its slots");
  }
}

// Those that a backfill has, had or gave up: nobody else owes them.
std::set<instant> observer::slots_of_backfills(const std::string& workflow,
                                               const std::string& trigger) const {
  std::set<instant> out;
  const auto all = store_.list_backfills({}, {1'000, {}});
  if (!all)
    return out;
  for (const auto& of : all.value().items)
    if (const auto rows = store_.list_backfill_items(of.id, std::nullopt, {1'000, {}}))
      for (const auto& each : rows.value().items)
        if (each.workflow == workflow && each.trigger == trigger)
          out.insert(each.slot);
  return out;
}

} // namespace pinion::sim
