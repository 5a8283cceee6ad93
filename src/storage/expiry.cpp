#include "pinion/storage/expiry.hpp"

#include "pinion/storage/codecs.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/erase_rows.hpp"
#include "storage/row_scan.hpp"

#include <array>
#include <charconv>

namespace pinion {
namespace {

std::string project_of(const std::string& workflow) {
  return workflow.substr(0, workflow.find('.'));
}

bool is_newest_of_trigger(const kv_reader& rows, const run_record& run, result<void>& outcome) {
  const auto prefix = keys::runs_by_trigger(run.lane, run.workflow, run.trigger);
  bool newest = false;
  outcome = rows.scan(family::index, prefix, keys::after(prefix),
                      [&](std::string_view key, std::string_view) {
                        newest = key == keys::newest_first(prefix, run.id);
                        return false;
                      });
  return newest;
}

/// Nothing follows a run that another called, nor one of an isolated backfill that is over.
result<bool> may_be_followed(const store_reader& store, const std::string& trigger) {
  constexpr std::string_view isolated = "@backfill.";
  if (!trigger.starts_with(isolated))
    return !trigger.starts_with("@call.");
  std::uint64_t id = 0;
  std::from_chars(trigger.data() + isolated.size(), trigger.data() + trigger.size(), id);
  BOOST_OUTCOME_TRY(backfill, store.backfill(id));
  return backfill && !is_over(backfill->state);
}

} // namespace

bool history_expiry::is_old(const std::string& workflow, instant ended) const {
  return ended != never && ended + ages_.of(project_of(workflow)) < now_;
}

result<bool> history_expiry::is_decided(const kv_reader& rows, const std::string& workflow,
                                        const std::string& trigger, instant slot) {
  auto [known, fresh] = cursors_.try_emplace({workflow, trigger});
  if (fresh) {
    BOOST_OUTCOME_TRY(record, store_reader{rows}.trigger(workflow, trigger));
    if (record)
      known->second = record->cursor;
  }
  // A trigger without a row (@manual, @call ...) owes no slots.
  return !known->second || slot <= *known->second;
}

result<bool> history_expiry::is_last_slot(const kv_reader& rows, const std::string& workflow,
                                          const std::string& trigger, instant slot) {
  if (trigger.starts_with('@'))
    return false;
  auto [known, fresh] = last_slots_.try_emplace({workflow, trigger});
  if (fresh) {
    slot_filter filter;
    filter.workflow = workflow;
    filter.trigger = trigger;
    filter.to = now_ + duration{1};
    page_request newest;
    newest.limit = 1;
    BOOST_OUTCOME_TRY(last, store_reader{rows}.list_slots(filter, newest));
    if (!last.items.empty())
      known->second = last.items.front().slot;
  }
  return known->second == slot;
}

// Not always of the last slot: behind it others may have been left out, and these are passed over.
result<bool> history_expiry::is_last_run(const kv_reader& rows, const run_record& run) {
  if (run.trigger.starts_with('@'))
    return false;
  auto [known, fresh] = last_runs_.try_emplace({run.workflow, run.trigger});
  if (fresh) {
    BOOST_OUTCOME_TRY(last, store_reader{rows}.slot_before(
                                {run.lane, run.workflow, run.trigger, now_ + duration{1}}));
    if (last)
      known->second = last->run;
  }
  return known->second == run.id;
}

result<expiry_step> history_expiry::next(const kv_reader& rows) {
  expiry_step out;
  const auto before = at_;
  using step = result<void> (history_expiry::*)(const kv_reader&, expiry_step&);
  constexpr std::array<step, 5> steps{&history_expiry::leftovers, &history_expiry::runs,
                                      &history_expiry::slots, &history_expiry::backfills,
                                      &history_expiry::audit};
  if (at_ != part::over) {
    BOOST_OUTCOME_TRYV((this->*steps[static_cast<std::size_t>(at_)])(rows, out));
  }
  if (at_ != before)
    from_.clear();
  out.over = at_ == part::over;
  return out;
}

// What an earlier step, or an earlier engine, has unlinked.
result<void> history_expiry::leftovers(const kv_reader& rows, expiry_step& out) {
  BOOST_OUTCOME_TRY(some, erase_unlinked(rows, out.batch, step_rows));
  if (!some)
    at_ = part::runs;
  return ok();
}

result<void> history_expiry::runs(const kv_reader& rows, expiry_step& out) {
  const store_reader store{rows};
  BOOST_OUTCOME_TRY(highest, store.highest_run());
  std::vector<run_record> old;
  std::size_t looked_at = 0;
  bool more = false;
  result<void> damaged = ok();
  BOOST_OUTCOME_TRYV(
      rows.scan(family::runs, from_, {}, [&](std::string_view key, std::string_view value) {
        more = looked_at >= step_rows || old.size() >= step_rows / 10;
        if (more)
          return false;
        ++looked_at;
        const auto id = keys::decode_run(key);
        auto run = id ? codecs::decode_run(id.value(), value) : result<run_record>{id.error()};
        if (!run) {
          damaged = std::move(run).assume_error();
          return false;
        }
        from_ = std::string{key} + '\0';
        auto& at = run.assume_value();
        // All that follow were made later.
        if (at.created_at != never && at.created_at + ages_.shortest >= now_)
          return false;
        if (is_terminal(at.state) && at.id != highest && !spared_.contains(at.id) &&
            is_old(at.workflow, at.ended_at))
          old.push_back(std::move(at));
        return true;
      }));
  BOOST_OUTCOME_TRYV(damaged);
  if (!more)
    at_ = part::slots;
  for (const auto& run : old) {
    if (out.batch.writes.size() >= step_rows) {
      from_ = keys::run(run.id); // It and what follows are looked at again.
      at_ = part::runs;
      break;
    }
    BOOST_OUTCOME_TRY(followed, may_be_followed(store, run.trigger));
    result<void> read = ok();
    const bool newest = followed && is_newest_of_trigger(rows, run, read);
    BOOST_OUTCOME_TRYV(read);
    BOOST_OUTCOME_TRY(decided, is_decided(rows, run.workflow, run.trigger, run.slot));
    BOOST_OUTCOME_TRY(last, is_last_run(rows, run));
    if (newest || last || !decided)
      continue;
    kv_batch whole;
    BOOST_OUTCOME_TRY(erased, erase_run_rows(rows, whole, run.id, step_rows));
    erase_run(out.batch, run);
    const keys::slot_key key{run.lane, run.workflow, run.trigger, run.slot};
    BOOST_OUTCOME_TRY(slot, store.slot(key));
    if (slot && slot->outcome != slot_outcome::planned)
      erase_slot(out.batch, *slot);
    if (!run.request_key.empty())
      out.batch.erase(family::slots, keys::request({run.workflow, run.request_key}));
    ++out.runs;
    if (erased < step_rows) {
      out.batch.writes.insert(out.batch.writes.end(), std::make_move_iterator(whole.writes.begin()),
                              std::make_move_iterator(whole.writes.end()));
      continue;
    }
    out.batch.put(family::meta, expiring_row('r', run.id.value), {});
    at_ = part::leftovers; // Then from the beginning: what is behind is gone by then.
    break;
  }
  return ok();
}

// Slots without a run, trigger by trigger; those with one go with it.
result<void> history_expiry::slots(const kv_reader& rows, expiry_step& out) {
  if (from_.empty())
    from_ = "s";
  std::size_t looked_at = 0;
  while (looked_at < step_rows && out.batch.writes.size() < step_rows) {
    std::vector<slot_record> old;
    std::string skip;
    bool any = false;
    result<void> damaged = ok();
    BOOST_OUTCOME_TRYV(
        rows.scan(family::slots, from_, "t", [&](std::string_view key, std::string_view value) {
          any = true;
          ++looked_at;
          const auto at = keys::decode_slot(key);
          auto slot = at ? codecs::decode_slot(at.value(), value) : result<slot_record>{at.error()};
          if (!slot) {
            damaged = std::move(slot).assume_error();
            return false;
          }
          from_ = std::string{key} + '\0';
          auto& record = slot.assume_value();
          if (!is_old(record.workflow, record.slot)) {
            skip = keys::after(keys::slots_of(record.lane, record.workflow, record.trigger));
            return false;
          }
          if (record.outcome != slot_outcome::planned && record.run == run_id{})
            old.push_back(std::move(record));
          return looked_at < step_rows && old.size() < step_rows / 3;
        }));
    BOOST_OUTCOME_TRYV(damaged);
    for (const auto& slot : old) {
      BOOST_OUTCOME_TRY(decided, is_decided(rows, slot.workflow, slot.trigger, slot.slot));
      BOOST_OUTCOME_TRY(last, is_last_slot(rows, slot.workflow, slot.trigger, slot.slot));
      if (last || !decided)
        continue;
      erase_slot(out.batch, slot);
      ++out.slots;
    }
    if (!skip.empty())
      from_ = skip;
    if (!any) {
      at_ = part::backfills;
      return ok();
    }
  }
  return ok();
}

result<void> history_expiry::backfills(const kv_reader& rows, expiry_step& out) {
  const store_reader store{rows};
  BOOST_OUTCOME_TRY(highest, store.highest_backfill());
  if (from_.empty())
    from_ = keys::backfills();
  std::optional<backfill_record> old;
  std::size_t looked_at = 0;
  bool more = false;
  result<void> damaged = ok();
  BOOST_OUTCOME_TRYV(rows.scan(family::slots, from_, keys::after(keys::backfills()),
                               [&](std::string_view key, std::string_view value) {
                                 more = old || looked_at++ >= step_rows;
                                 if (more)
                                   return false;
                                 const auto id = keys::decode_backfill(key);
                                 auto record = id ? codecs::decode_backfill(id.value(), value)
                                                  : result<backfill_record>{id.error()};
                                 if (!record) {
                                   damaged = std::move(record).assume_error();
                                   return false;
                                 }
                                 from_ = std::string{key} + '\0';
                                 auto& at = record.assume_value();
                                 if (is_over(at.state) && at.id != highest &&
                                     is_old(at.workflow, at.ended_at))
                                   old = std::move(at);
                                 return true;
                               }));
  BOOST_OUTCOME_TRYV(damaged);
  if (!more)
    at_ = part::audit;
  if (!old)
    return ok();
  erase_backfill(out.batch, *old);
  out.batch.put(family::meta, expiring_row('b', old->id), {});
  ++out.backfills;
  at_ = part::leftovers;
  return ok();
}

result<void> history_expiry::audit(const kv_reader& rows, expiry_step& out) {
  BOOST_OUTCOME_TRY(last, store_reader{rows}.last_audit());
  bool more = false;
  result<void> damaged = ok();
  BOOST_OUTCOME_TRYV(
      rows.scan(family::audit, {}, {}, [&](std::string_view key, std::string_view value) {
        more = out.batch.writes.size() >= step_rows;
        if (more)
          return false;
        const auto sequence = keys::decode_audit(key);
        const auto record = sequence ? codecs::decode_audit(sequence.value(), value)
                                     : result<audit_record>{sequence.error()};
        if (!record) {
          damaged = record.error();
          return false;
        }
        if (sequence.value() == last || record.value().at + ages_.longest >= now_)
          return false;
        out.batch.erase(family::audit, std::string{key});
        ++out.audit;
        return true;
      }));
  BOOST_OUTCOME_TRYV(damaged);
  if (!more)
    at_ = part::over;
  return ok();
}

} // namespace pinion
