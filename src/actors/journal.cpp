#include "actors/journal.hpp"

#include "actors/crash.hpp"
#include "pinion/model/mutation.hpp"
#include "pinion/storage/keys.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <optional>
#include <set>

namespace pinion {

namespace {
/// Rows of one commit: a group beyond that only makes everybody wait longer for the same rate.
constexpr std::size_t max_group_rows = 20'000;
/// Of a group, at most this many bulk rows while transitions wait too.
constexpr std::size_t max_bulk_rows = 2'000;

bool is_slot(const kv_write& write) {
  return write.in == family::slots && keys::decode_slot(write.key).has_value();
}

/// The slots whose rows a batch writes, by key.
std::set<std::string> slots_of(const kv_batch& batch) {
  std::set<std::string> all;
  for (const auto& write : batch.writes)
    if (is_slot(write))
      all.insert(write.key);
  return all;
}

/// Takes out of a batch of the plan what concerns slots that are decided: in the store, or by
/// `deciding`, which comes before it. A slot's row stands before its others.
result<void> leave_decided(kv_batch& plan, const std::set<std::string>& deciding,
                           const kv_reader& store) {
  std::vector<kv_write> kept;
  kept.reserve(plan.writes.size());
  bool decided = false;
  for (auto& write : plan.writes) {
    if (is_slot(write)) {
      BOOST_OUTCOME_TRY(row, store_reader{store}.slot(keys::decode_slot(write.key).value()));
      decided = deciding.contains(write.key) || (row && row->outcome != slot_outcome::planned);
    }
    if (!decided)
      kept.push_back(std::move(write));
  }
  plan.writes = std::move(kept);
  return ok();
}
} // namespace

caf::result<std::uint64_t> journal_state::take(msg::submit& what) {
  if (what.owner != 0) {
    const auto found = incarnations.find(what.owner);
    if (found != incarnations.end() && found->second != what.incarnation)
      return to_error({errc::stale_writer, "the writer has been replaced", {}});
  }
  auto promise = self->make_response_promise<std::uint64_t>();
  if (what.bulk)
    bulk.push_back({std::move(what.batch), what.plan, what.expiry, promise});
  else
    urgent.push_back({std::move(what.batch), what.plan, what.expiry, promise});
  wake();
  return promise;
}

// The flush queues behind whatever is in the mailbox now: that is how a group gathers.
void journal_state::wake() {
  if (flush_queued || !in_flight.empty())
    return;
  flush_queued = true;
  self->send(self, msg::flush{});
}

void journal_state::commit_group() {
  flush_queued = false;
  if (!in_flight.empty())
    return;
  kv_batch group;
  const auto add = [&](waiting& from) {
    if (PINION_MUTATION("lose_a_batch_of_a_group") && !group.writes.empty())
      from.batch.writes.clear();
    if (group.writes.empty())
      group.writes = std::move(from.batch.writes);
    else
      std::move(from.batch.writes.begin(), from.batch.writes.end(),
                std::back_inserter(group.writes));
    in_flight.push_back(std::move(from.promise));
  };
  std::size_t taken = 0;
  while (taken < urgent.size() && group.writes.size() < max_group_rows)
    add(urgent[taken++]);
  urgent.erase(urgent.begin(), urgent.begin() + static_cast<std::ptrdiff_t>(taken));
  const auto bulk_limit = group.writes.size() + max_bulk_rows;
  std::optional<std::set<std::string>> deciding;
  while (!bulk.empty() && group.writes.size() < bulk_limit) {
    if (bulk.front().expiry && erases_an_opened_run(bulk.front().batch)) {
      bulk.front().promise.deliver(
          to_error({errc::refused, "a run that is to be removed has been opened", {}}));
      bulk.pop_front();
      continue;
    }
    if (bulk.front().plan) {
      if (!deciding)
        deciding = slots_of(group);
      if (auto left = leave_decided(bulk.front().batch, *deciding, *context->ports.kv); !left)
        return context->ports.fatal("a slot cannot be read: " + left.error().message);
    }
    add(bulk.front());
    bulk.pop_front();
  }
  if (in_flight.empty())
    return;
  number_audit(group, next_audit);
  heard = context->changes.heard();
  changed = heard ? change_feed::changes_of(group) : std::vector<row_change>{};
  if (PINION_MUTATION("acknowledge_before_commit"))
    for (auto& promise : in_flight)
      promise.deliver(std::uint64_t{0});
  context->ports.kv->commit(std::move(group),
                            [to = caf::actor_cast<journal_actor>(self)](auto outcome) {
                              caf::anon_send(to, msg::committed{std::move(outcome)});
                            });
}

bool journal_state::erases_an_opened_run(const kv_batch& batch) const {
  return std::any_of(batch.writes.begin(), batch.writes.end(), [&](const kv_write& write) {
    if (write.in != family::runs || write.what != kv_write::kind::erase)
      return false;
    const auto run = keys::decode_run(write.key);
    return run && incarnations.contains(run.value().value);
  });
}

void journal_state::acknowledge(const result<std::uint64_t>& outcome) {
  if (!outcome) {
    if (PINION_MUTATION("overlook_a_failed_commit"))
      return acknowledge(std::uint64_t{0});
    if (PINION_MUTATION("forget_a_refused_commit"))
      return in_flight.clear();
    context->ports.fatal("the store refused a commit: " + outcome.error().message);
    return;
  }
  // Who began to watch meanwhile is told that something has changed: no rows, so not what.
  if (!changed.empty() || (!heard && context->changes.heard()))
    context->changes.publish(outcome.value(), std::exchange(changed, {}));
  auto done = std::exchange(in_flight, {});
  for (auto& promise : done)
    promise.deliver(outcome.value());
  if (!urgent.empty() || !bulk.empty())
    wake();
}

journal_actor::behavior_type journal(journal_actor::stateful_pointer<journal_state> self,
                                     context_ptr context, std::uint64_t next_audit) {
  auto& state = self->state;
  state.self = self;
  self->set_exception_handler(log_crash);
  state.context = std::move(context);
  state.next_audit = next_audit;
  return {
      [self](msg::submit& what) { return self->state.take(what); },
      [self](const msg::replace_writer& who) -> caf::result<std::uint32_t> {
        auto& known = self->state.incarnations[who.owner];
        const auto fresh = ++known;
        auto promise = self->make_response_promise<std::uint32_t>();
        // An empty batch waits its turn behind all that the old writer submitted.
        self->request(caf::actor_cast<journal_actor>(self), caf::infinite, msg::submit{})
            .then([promise, fresh](std::uint64_t) mutable { promise.deliver(fresh); },
                  [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
        return promise;
      },
      [self](const msg::opened_runs_query&) {
        msg::opened_runs out;
        for (const auto& [owner, _] : self->state.incarnations)
          out.runs.insert(run_id{owner});
        return out;
      },
      [self](const msg::flush&) { self->state.commit_group(); },
      [self](const msg::committed& what) { self->state.acknowledge(what.outcome); },
  };
}

} // namespace pinion
