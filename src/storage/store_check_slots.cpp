#include "pinion/storage/deleted_workflows.hpp"
#include "pinion/storage/rows.hpp"
#include "storage/store_checker.hpp"

#include <algorithm>
#include <utility>

namespace pinion {
namespace {

std::string slot_name(const keys::slot_key& key) {
  return "slot " + std::to_string(to_us(key.slot)) + " us of " + key.workflow + '/' + key.trigger;
}

keys::slot_key natural_of(const run_record& run) {
  return {run.lane, run.workflow, run.trigger, run.slot};
}

const char* kind_of_slots(char tag) noexcept {
  switch (tag) {
  case 's':
    return "slots";
  case 'n':
    return "natural keys";
  case 'm':
    return "planned slots";
  case 'k':
    return "request keys";
  case 'e':
    return "settled needs";
  case 'b':
    return "backfills";
  default:
    return "backfill slots";
  }
}

const char* kind_of_index(char tag) noexcept {
  switch (tag) {
  case 'w':
    return "index: workflow";
  case 'x':
    return "index: workflow and state";
  case 't':
    return "index: trigger";
  case 's':
    return "index: state";
  case 'i':
    return "index: instance state";
  case 'o':
    return "index: slot outcome";
  case 'c':
    return "counters of runs";
  case 'b':
    return "index: backfills";
  case 'j':
    return "index: backfill slots";
  case 'd':
    return "counters of backfills";
  default:
    return "index: open backfill slots";
  }
}

} // namespace

result<void> store_checker::check_slots() {
  // The slots of backfills before these, which tell how many they have.
  constexpr std::string_view tags = "snmkejb";
  for (const char tag : tags) {
    BOOST_OUTCOME_TRYV(each_row(family::slots, std::string(1, tag), kind_of_slots(tag),
                                [&](const one_row& at) { return check_slot_row(at); }));
  }
  return check_strangers(family::slots, tags);
}

result<void> store_checker::check_slot_row(const one_row& at) {
  switch (at.first.front()) {
  case 's': {
    const auto key = keys::decode_slot(at.first);
    if (!key) {
      unreadable({family::slots, at.first}, key.error());
      return ok();
    }
    return check_slot(key.value(), at);
  }
  case 'n':
    return check_natural(at);
  case 'm':
    return check_plan(at);
  case 'k':
    return check_request(at);
  case 'e':
    return check_edge(at);
  case 'j':
    return check_item(at);
  default:
    return check_backfill(at);
  }
}

result<void> store_checker::check_slot(const keys::slot_key& key, const one_row& at) {
  const row_place here{family::slots, at.first};
  const auto record = codecs::decode_slot(key, at.second);
  if (!record) {
    unreadable(here, record.error());
    return ok();
  }
  const auto& slot = record.value();
  kv_batch written;
  put_slot(written, slot, nullptr);
  BOOST_OUTCOME_TRYV(expect_rows(written, family::slots, at.first, slot_name(key)));
  const bool fired = slot.outcome == slot_outcome::fired || slot.outcome == slot_outcome::late;
  if (fired && slot.run == run_id{})
    found(1, "slot_run", here, slot_name(key) + " has fired, but names no run");
  if (slot.run != run_id{}) {
    BOOST_OUTCOME_TRY(run, run_at(slot.run));
    if (!run)
      found(1, "slot_run", here,
            slot_name(key) + " names " + to_string(slot.run) + ", which does not exist");
    else if (natural_of(*run) != key)
      found(1, "slot_run", here, slot_name(key) + " names " + name_of(*run) + ", of another slot");
  }
  if (slot.version != 0 && slot.outcome == slot_outcome::planned) {
    BOOST_OUTCOME_TRY(definition, definition_of(slot.workflow, slot.version));
    if (!definition)
      found(0, "version_missing", here,
            slot_name(key) + " is planned with version " + std::to_string(slot.version) +
                ", which cannot be read");
  }
  if (slot.outcome == slot_outcome::planned)
    for (const auto& edge : slot.edges) {
      // One that was deleted since counts as missing when the slot's time comes.
      BOOST_OUTCOME_TRY(deleted,
                        value_at(family::meta, std::string{deleted_workflow_rows} + edge.workflow));
      if (!deleted)
        need_workflow(here, edge.workflow);
    }
  return ok();
}

result<void> store_checker::check_natural(const one_row& at) {
  const row_place here{family::slots, at.first};
  const auto key = keys::decode_natural(at.first);
  const auto id = codecs::decode_run_id(at.second);
  if (!key || !id) {
    unreadable(here, key ? id.error() : key.error());
    return ok();
  }
  BOOST_OUTCOME_TRY(run, run_at(id.value()));
  if (!run)
    stale(here, "the natural key names " + to_string(id.value()) + ", which does not exist");
  else if (natural_of(*run) != key.value())
    stale(here, "the natural key names " + name_of(*run) + ", which has another");
  return ok();
}

result<void> store_checker::check_plan(const one_row& at) {
  const row_place here{family::slots, at.first};
  const auto key = keys::decode_plan(at.first);
  if (!key) {
    unreadable(here, key.error());
    return ok();
  }
  BOOST_OUTCOME_TRY(value, value_at(family::slots, keys::slot(key.value())));
  if (!value) {
    stale(here, slot_name(key.value()) + " is in the plan, but has no row");
    return ok();
  }
  const auto slot = codecs::decode_slot(key.value(), *value);
  if (slot && slot.value().outcome != slot_outcome::planned)
    stale(here, slot_name(key.value()) + " is in the plan, but it is " +
                    std::string{to_string(slot.value().outcome)});
  return ok();
}

result<void> store_checker::check_request(const one_row& at) {
  const row_place here{family::slots, at.first};
  const auto key = keys::decode_request(at.first);
  const auto id = codecs::decode_run_id(at.second);
  if (!key || !id) {
    unreadable(here, key ? id.error() : key.error());
    return ok();
  }
  BOOST_OUTCOME_TRY(run, run_at(id.value()));
  if (!run || run->workflow != key.value().workflow)
    found(2, "request_key_stale", here,
          "the request key '" + key.value().key + "' names " + to_string(id.value()) +
              (run ? ", a run of another workflow" : ", which does not exist"),
          mend_by_repair)
        .repair.erase(family::slots, at.first);
  return ok();
}

result<void> store_checker::check_edge(const one_row& at) {
  const row_place here{family::slots, at.first};
  const auto key = keys::decode_edge(at.first);
  if (!key) {
    unreadable(here, key.error());
    return ok();
  }
  if (const auto edge = codecs::decode_edge(key.value(), at.second); !edge)
    unreadable(here, edge.error());
  BOOST_OUTCOME_TRY(run, run_at(key.value().run));
  if (!run && !expiring_.contains(keys::run(key.value().run)))
    found(0, "run_missing", here,
          "a settled need belongs to " + to_string(key.value().run) + ", which does not exist",
          mend_by_repair)
        .repair.erase(family::slots, at.first);
  return ok();
}

result<void> store_checker::check_item(const one_row& at) {
  const row_place here{family::slots, at.first};
  const auto key = keys::decode_backfill_item(at.first);
  if (!key) {
    unreadable(here, key.error());
    return ok();
  }
  const auto record = codecs::decode_backfill_item(key.value(), at.second);
  if (!record) {
    unreadable(here, record.error());
    return ok();
  }
  const auto& item = record.value();
  ++items_[item.backfill];
  const auto name =
      "slot " + std::to_string(item.position) + " of b" + std::to_string(item.backfill);
  kv_batch written;
  put_backfill_item(written, item, nullptr);
  count_expected(written);
  BOOST_OUTCOME_TRYV(expect_rows(written, family::slots, at.first, name));
  BOOST_OUTCOME_TRY(backfill, value_at(family::slots, keys::backfill(item.backfill)));
  // Once for all slots of a backfill.
  if (!backfill && std::exchange(last_without_backfill_, item.backfill) != item.backfill)
    found(0, "backfill_missing", here, name + ": the backfill has no row",
          "nothing: it was being made, or removed for its age, when the engine ended; the next one "
          "removes the rest")
        .note = true;
  return ok();
}

result<void> store_checker::check_backfill(const one_row& at) {
  const row_place here{family::slots, at.first};
  const auto id = keys::decode_backfill(at.first);
  if (!id) {
    unreadable(here, id.error());
    return ok();
  }
  const auto record = codecs::decode_backfill(id.value(), at.second);
  if (!record) {
    unreadable(here, record.error());
    return ok();
  }
  kv_batch written;
  put_backfill(written, record.value(), nullptr);
  const auto name = 'b' + std::to_string(id.value());
  BOOST_OUTCOME_TRYV(expect_rows(written, family::slots, at.first, name));
  need_workflow(here, record.value().workflow);
  const auto items = items_.find(id.value());
  const auto has = items == items_.end() ? 0 : items->second;
  if (has != record.value().total)
    found(0, "backfill_slots", here,
          name + " has " + std::to_string(record.value().total) + " slots, " + std::to_string(has) +
              " of them have rows");
  return ok();
}

// The other direction: from the lists to what they name.

result<void> store_checker::check_index() {
  constexpr std::string_view tags = "wxtsiocbjdy";
  for (const char tag : tags) {
    BOOST_OUTCOME_TRYV(each_row(family::index, std::string(1, tag), kind_of_index(tag),
                                [&](const one_row& at) { return check_index_row(at); }));
  }
  return check_strangers(family::index, tags);
}

result<void> store_checker::check_index_row(const one_row& at) {
  const row_place here{family::index, at.first};
  const auto bad = [&](const problem& why) {
    unreadable(here, why);
    return ok();
  };
  switch (at.first.front()) {
  case 'w':
  case 'x':
  case 't':
  case 's':
  case 'i':
    return check_run_index(at);
  case 'o':
    return check_outcome_index(at);
  case 'c':
  case 'd':
    check_counter_row(at);
    return ok();
  case 'b': {
    const auto id = keys::decode_backfill_by_workflow(at.first);
    if (!id)
      return bad(id.error());
    BOOST_OUTCOME_TRY(value, value_at(family::slots, keys::backfill(id.value())));
    const auto name = 'b' + std::to_string(id.value());
    if (!value) {
      stale(here, "a list names " + name + ", which does not exist");
      return ok();
    }
    const auto record = codecs::decode_backfill(id.value(), *value);
    if (!record) // Reported with its row.
      return ok();
    kv_batch written;
    put_backfill(written, record.value(), nullptr);
    check_derived(here, written, name);
    return ok();
  }
  case 'j': {
    const auto key = keys::decode_item_by_state(at.first);
    return key ? check_item_index(at, key.value()) : bad(key.error());
  }
  default: {
    const auto key = keys::decode_open_item(at.first);
    return key ? check_item_index(at, key.value().item) : bad(key.error());
  }
  }
}

result<void> store_checker::check_run_index(const one_row& at) {
  const row_place here{family::index, at.first};
  const auto id = at.first.size() < 9
                      ? result<run_id>{problem{errc::corrupt, "the key is too short", {}}}
                      : keys::decode_newest_first(at.first, at.first.size() - 8);
  if (!id) {
    unreadable(here, id.error());
    return ok();
  }
  BOOST_OUTCOME_TRY(run, run_at(id.value()));
  if (!run) {
    stale(here, "a list names " + to_string(id.value()) + ", which does not exist");
    return ok();
  }
  kv_batch written;
  put_run(written, *run, nullptr);
  check_derived(here, written, name_of(*run));
  return ok();
}

result<void> store_checker::check_outcome_index(const one_row& at) {
  const row_place here{family::index, at.first};
  const auto key = keys::decode_slot_outcome(at.first);
  if (!key) {
    unreadable(here, key.error());
    return ok();
  }
  BOOST_OUTCOME_TRY(value, value_at(family::slots, keys::slot(key.value())));
  if (!value) {
    stale(here, "a list names " + slot_name(key.value()) + ", which has no row");
    return ok();
  }
  const auto slot = codecs::decode_slot(key.value(), *value);
  if (!slot) // Reported with its row.
    return ok();
  kv_batch written;
  put_slot(written, slot.value(), nullptr);
  check_derived(here, written, slot_name(key.value()));
  return ok();
}

result<void> store_checker::check_item_index(const one_row& at,
                                             const keys::backfill_item_key& key) {
  const row_place here{family::index, at.first};
  BOOST_OUTCOME_TRY(value, value_at(family::slots, keys::backfill_item(key)));
  const auto name = "slot " + std::to_string(key.position) + " of b" + std::to_string(key.backfill);
  if (!value) {
    stale(here, "a list names " + name + ", which does not exist");
    return ok();
  }
  const auto item = codecs::decode_backfill_item(key, *value);
  if (!item) // Reported with its row.
    return ok();
  kv_batch written;
  put_backfill_item(written, item.value(), nullptr);
  check_derived(here, written, name);
  return ok();
}

// A counter that nothing counts towards must stand at 0; the others are compared at the end.
void store_checker::check_counter_row(const one_row& at) { counters_.emplace(at.first, 0); }

} // namespace pinion
