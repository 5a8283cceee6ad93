#include "pinion/model/run_core.hpp"
#include "pinion/storage/pool_overrides.hpp"
#include "pinion/storage/rows.hpp"
#include "storage/store_checker.hpp"

#include <algorithm>
#include <unordered_map>

namespace pinion {
namespace {

constexpr std::size_t cached_definitions = 256;

std::string instance_name(const instance_key& key) { return to_string(process_key{key, {}}); }

std::string attempt_name(const attempt_record& attempt) {
  return "attempt " + std::to_string(attempt.number) + " of " + instance_name(attempt.instance);
}

/// It ended with its newest attempt, and not by what was decided about it: then that has a row.
/// One that a person skips, or whose task is another by now, may have numbers of attempts that
/// never were.
bool ended_with_attempt(const instance_record& at) noexcept {
  switch (at.why) {
  case reason::exit_zero:
  case reason::exit_nonzero:
  case reason::signaled:
  case reason::not_started:
  case reason::render_failed:
  case reason::outputs_invalid:
  case reason::check_failed:
  case reason::skip_exit:
    return is_terminal(at.state);
  default:
    return false;
  }
}

/// Decodes `rows`, one after another; what cannot be read goes to `bad`.
template <class Record, class Rows, class Decode, class Bad>
std::vector<Record> decode_all(const Rows& rows, Decode decode, Bad bad) {
  std::vector<Record> records;
  records.reserve(rows.size());
  for (const auto& [key, value] : rows) {
    result<Record> one = decode(key, value);
    if (one)
      records.push_back(std::move(one).assume_value());
    else
      bad(key, one.assume_error());
  }
  return records;
}

} // namespace

result<std::optional<run_record>> store_checker::run_at(run_id id) {
  if (last_run_ && last_run_->id == id)
    return last_run_;
  BOOST_OUTCOME_TRY(value, value_at(family::runs, keys::run(id)));
  if (!value)
    return std::optional<run_record>{};
  auto run = codecs::decode_run(id, *value);
  if (!run) // Reported where the runs are read.
    return std::optional<run_record>{};
  last_run_ = std::move(run).assume_value();
  return last_run_;
}

result<store_checker::definition_ptr> store_checker::definition_of(const std::string& workflow,
                                                                   std::uint32_t version) {
  const std::pair key{workflow, version};
  if (const auto known = definitions_.find(key); known != definitions_.end())
    return known->second;
  BOOST_OUTCOME_TRY(value, value_at(family::definitions, keys::version({workflow, version})));
  definition_ptr definition;
  if (value)
    if (const auto record = codecs::decode_version({workflow, version}, *value); record)
      if (auto read = readers_.definition(record.value().definition); read)
        definition = std::move(read).assume_value();
  if (definitions_.size() >= cached_definitions)
    definitions_.clear();
  return definitions_[key] = std::move(definition);
}

result<void> store_checker::check_runs() {
  return each_row(family::runs, {}, "runs", [&](const one_row& at) { return check_run(at); });
}

result<void> store_checker::check_run(const one_row& at) {
  const row_place here{family::runs, at.first};
  const auto id = keys::decode_run(at.first);
  if (!id) {
    unreadable(here, id.error());
    return ok();
  }
  const auto decoded = codecs::decode_run(id.value(), at.second);
  if (!decoded) {
    unreadable(here, decoded.error());
    return ok();
  }
  const auto& run = decoded.value();
  kv_batch written;
  put_run(written, run, nullptr);
  count_expected(written);
  BOOST_OUTCOME_TRYV(expect_rows(written, family::runs, at.first, name_of(run)));
  return check_run_rows(run, here);
}

result<store_checker::run_rows> store_checker::read_run_rows(run_id run) {
  run_rows out;
  const auto prefix = keys::rows_of(run);
  const auto bad_in = [&](family in) {
    return [this, in, &out](std::string_view key, const problem& why) {
      unreadable({in, key}, why);
      out.whole = false;
    };
  };
  BOOST_OUTCOME_TRY(instances, rows_with(family::instances, prefix));
  out.instances = decode_all<instance_record>(
      instances,
      [](const auto& key, const auto& value) -> result<instance_record> {
        BOOST_OUTCOME_TRY(at, keys::decode_instance(key));
        return codecs::decode_instance(at, value);
      },
      bad_in(family::instances));
  BOOST_OUTCOME_TRY(attempts, rows_with(family::attempts, prefix));
  out.attempts = decode_all<attempt_record>(
      attempts,
      [](const auto& key, const auto& value) -> result<attempt_record> {
        BOOST_OUTCOME_TRY(at, keys::decode_attempt(key));
        return codecs::decode_attempt(at, value);
      },
      bad_in(family::attempts));
  BOOST_OUTCOME_TRY(outputs, rows_with(family::outputs, prefix));
  out.outputs = decode_all<output_record>(
      outputs,
      [](const auto& key, const auto& value) -> result<output_record> {
        BOOST_OUTCOME_TRY(at, keys::decode_instance(key));
        return codecs::decode_output(at, value);
      },
      bad_in(family::outputs));
  BOOST_OUTCOME_TRY(edges, rows_with(family::slots, keys::edges_of(run)));
  out.edges = decode_all<edge_record>(
      edges,
      [](const auto& key, const auto& value) -> result<edge_record> {
        BOOST_OUTCOME_TRY(at, keys::decode_edge(key));
        return codecs::decode_edge(at, value);
      },
      bad_in(family::slots));
  return out;
}

result<void> store_checker::check_run_rows(const run_record& run, row_place at) {
  BOOST_OUTCOME_TRY(definition, definition_of(run.workflow, run.version));
  if (!definition)
    found(0, "version_missing", at,
          name_of(run) + " has version " + std::to_string(run.version) + ", which cannot be read");
  BOOST_OUTCOME_TRY(rows, read_run_rows(run.id));
  if (!rows.whole)
    return ok();
  BOOST_OUTCOME_TRYV(check_attempts(rows));
  check_instances(rows);
  if (!definition)
    return ok();
  std::vector<bound_edge> edges;
  const keys::slot_key slot{run.lane, run.workflow, run.trigger, run.slot};
  // What an ended run waited for may have been bound anew since.
  if (is_terminal(run.state))
    rows.edges.clear();
  else if (auto value = rows_.get(family::slots, keys::slot(slot)); !value)
    return value.assume_error();
  else if (value.assume_value())
    if (auto record = codecs::decode_slot(slot, *value.assume_value()); record)
      edges = std::move(record.assume_value().edges);
  check_state(run, at, std::move(rows), std::move(definition), std::move(edges));
  return ok();
}

result<void> store_checker::check_attempts(const run_rows& of) {
  std::unordered_map<instance_key, const instance_record*> instances;
  for (const auto& each : of.instances)
    instances.emplace(each.key, &each);
  const attempt_record* open = nullptr;
  for (const auto& attempt : of.attempts) {
    const auto at = instances.find(attempt.instance);
    BOOST_OUTCOME_TRYV(check_attempt(attempt, at == instances.end() ? nullptr : at->second));
    if (attempt.state == attempt_state::ended)
      continue;
    const auto key = keys::attempt({attempt.instance, attempt.number});
    // Sorted by instance: two that are alive are neighbours.
    if (open != nullptr && open->instance == attempt.instance)
      found(3, "attempt_twice", {family::attempts, key},
            attempt_name(attempt) + " is alive beside number " + std::to_string(open->number));
    open = &attempt;
  }
  return ok();
}

void store_checker::check_instances(const run_rows& of) {
  std::set<std::pair<instance_key, std::uint32_t>> attempts;
  for (const auto& attempt : of.attempts)
    attempts.emplace(attempt.instance, attempt.number);
  std::set<instance_key> outputs;
  for (const auto& output : of.outputs)
    outputs.insert(output.instance);
  for (const auto& at : of.instances) {
    if (ended_with_attempt(at) && !attempts.contains({at.key, at.attempt}))
      found(0, "attempt_missing", {family::attempts, keys::attempt({at.key, at.attempt})},
            instance_name(at.key) + " ended with attempt " + std::to_string(at.attempt) +
                ", which has no row");
    if (at.has_outputs && !outputs.contains(at.key))
      found(0, "outputs_missing", {family::outputs, keys::instance(at.key)},
            "the outputs of " + instance_name(at.key) + " have no row");
  }
}

result<void> store_checker::check_attempt(const attempt_record& attempt,
                                          const instance_record* instance) {
  const auto key = keys::attempt({attempt.instance, attempt.number});
  const row_place here{family::attempts, key};
  if (attempt.epoch > epoch_)
    found(10, "epoch_ahead", here,
          attempt_name(attempt) + " was granted in epoch " + std::to_string(attempt.epoch) +
              ", the store is at " + std::to_string(epoch_));
  if (instance != nullptr && attempt.number > instance->attempt)
    found(11, "attempt_number", here,
          attempt_name(attempt) + " is newer than the instance says (" +
              std::to_string(instance->attempt) + ")");
  if (attempt.state == attempt_state::ended)
    return ok();
  const bool between_looks =
      attempt.state == attempt_state::waiting && instance != nullptr &&
      (is_polling(*instance) || instance->state == instance_state::pre_ready);
  if (instance == nullptr || (!is_active(instance->state) && !between_looks))
    found(
        3, "attempt_alive", here,
        attempt_name(attempt) + " has not ended, its instance " +
            (instance == nullptr ? "has no row" : "is " + std::string{to_string(instance->state)}));
  else if (attempt.number != instance->attempt || attempt.epoch != instance->epoch)
    found(11, "fence", here,
          attempt_name(attempt) + " has fence (" + std::to_string(attempt.epoch) + ", " +
              std::to_string(attempt.number) + "), its instance (" +
              std::to_string(instance->epoch) + ", " + std::to_string(instance->attempt) + ")");
  return ok();
}

void store_checker::check_state(const run_record& run, row_place at, run_rows rows,
                                definition_ptr definition, std::vector<bound_edge> edges) {
  std::vector<permit_record> held;
  for (const auto& attempt : rows.attempts)
    if (attempt.state != attempt_state::ended && attempt.state != attempt_state::waiting)
      for (const auto& need : attempt.permits)
        held.push_back({definition->project, need.pool, need.permits, attempt.instance,
                        attempt.number, attempt.ready_at});
  for (const auto& permit : held) {
    kv_batch written;
    put_permit(written, permit);
    const auto& key = written.writes.front().key;
    if (const auto row = rows_.get(family::permits, key); row && !row.value())
      found(9, "permit_missing", {family::permits, key},
            instance_name(permit.holder) + " runs without its permit of " + permit.project + '.' +
                permit.pool,
            mend_by_repair)
          .repair = std::move(written);
  }
  const auto core = run_core::restore(std::move(definition), run, std::move(rows.instances),
                                      std::move(rows.attempts), std::move(rows.outputs),
                                      std::move(edges), std::move(rows.edges));
  if (!core) {
    found(2, "run_rows", at, name_of(run) + " cannot be put together: " + core.error().message);
    return;
  }
  const auto& whole = core.value();
  const auto wanted = run_state_of(whole.standing(), whole.ended() ? 0 : 1);
  if (wanted != run.state)
    found(6, "run_state", at,
          name_of(run) + " is " + std::string{to_string(run.state)} + ", its instances say " +
              std::string{to_string(wanted)});
  if (whole.run().counts != run.counts) {
    auto counted = run;
    counted.counts = whole.run().counts;
    put_run(found(0, "run_counts", at, "the counts of " + name_of(run) + " are not its instances'",
                  mend_by_repair)
                .repair,
            counted, &run);
  }
}

// Rows under a run that has none of its own.
result<void> store_checker::check_owners() {
  for (const auto in : {family::instances, family::attempts, family::outputs}) {
    std::optional<run_id> known;
    BOOST_OUTCOME_TRYV(
        each_row(in, {}, std::string{to_string(in)}, [&](const one_row& at) -> result<void> {
          if (at.first.size() < 16) {
            found(0, "row_damaged", {in, at.first}, "the key is too short to be one");
            return ok();
          }
          const auto id = keys::decode_run(std::string_view{at.first}.substr(0, 8));
          if ((known && *known == id.value()) || expiring_.contains(at.first.substr(0, 8)))
            return ok();
          BOOST_OUTCOME_TRY(value, value_at(family::runs, keys::run(id.value())));
          if (value)
            known = id.value();
          else
            found(0, "run_missing", {in, at.first},
                  "the row belongs to " + to_string(id.value()) + ", which does not exist",
                  mend_by_repair)
                .repair.erase(in, at.first);
          return ok();
        }));
  }
  return ok();
}

result<void> store_checker::check_live() {
  return each_row(family::live, {}, "live", [&](const one_row& at) -> result<void> {
    const row_place here{family::live, at.first};
    const auto id = keys::decode_run(at.first);
    if (!id) {
      unreadable(here, id.error());
      return ok();
    }
    BOOST_OUTCOME_TRY(run, run_at(id.value()));
    if (!run)
      stale(here, to_string(id.value()) + ", which does not exist, is listed as live");
    else if (is_terminal(run->state))
      stale(here,
            name_of(*run) + " is listed as live, but it is " + std::string{to_string(run->state)});
    return ok();
  });
}

result<void> store_checker::check_permits() {
  BOOST_OUTCOME_TRYV(
      each_row(family::permits, {}, "permits", [&](const one_row& at) -> result<void> {
        const row_place here{family::permits, at.first};
        const auto key = keys::decode_permit(at.first);
        if (!key) {
          unreadable(here, key.error());
          return ok();
        }
        const auto permit = codecs::decode_permit(key.value(), at.second);
        if (!permit) {
          unreadable(here, permit.error());
          return ok();
        }
        const auto& [project, pool, holder, number] = key.value();
        permits_out_[{project, pool}] += permit.value().permits;
        const auto name = "a permit of " + project + '.' + pool + " is held by attempt " +
                          std::to_string(number) + " of " + instance_name(holder);
        const auto gone = [&](const std::string& why) {
          found(9, "permit_stale", here, name + ", " + why, mend_by_repair)
              .repair.erase(family::permits, at.first);
          return ok();
        };
        const keys::attempt_key attempt_at{holder, number};
        BOOST_OUTCOME_TRY(value, value_at(family::attempts, keys::attempt(attempt_at)));
        if (!value)
          return gone("which does not exist");
        const auto attempt = codecs::decode_attempt(attempt_at, *value);
        if (!attempt) // Reported with its run.
          return ok();
        if (attempt.value().state == attempt_state::ended)
          return gone("which has ended");
        if (attempt.value().state == attempt_state::waiting)
          return gone("which waits for its next look");
        const auto& needs = attempt.value().permits;
        const auto need =
            std::find_if(needs.begin(), needs.end(),
                         [&pool = pool](const auto& each) { return each.pool == pool; });
        if (need == needs.end())
          return gone("which needs none of it");
        if (need->permits != permit.value().permits)
          found(9, "permit_units", here,
                name + " with " + std::to_string(permit.value().permits) + " units, it needs " +
                    std::to_string(need->permits));
        return ok();
      }));
  return spent() ? result<void>{ok()} : check_pools();
}

result<void> store_checker::check_pools() {
  std::map<std::pair<std::string, std::string>, std::uint32_t> set_by_hand;
  const auto overrides = pool_overrides(rows_);
  if (!overrides) {
    if (overrides.error().code != errc::corrupt)
      return overrides.error();
    found(9, "pool_size", {family::meta, "pool/"}, overrides.error().message,
          "`pinionctl pool reset NAME` takes the size of pinion.yaml again");
  } else {
    for (const auto& each : overrides.value())
      set_by_hand[{each.project, each.pool}] = each.permits;
  }
  for (const auto& [pool, out] : permits_out_) {
    const auto key = keys::project(pool.first);
    BOOST_OUTCOME_TRY(value, value_at(family::definitions, key));
    const auto settings = value ? codecs::decode_project(*value) : result<json_text>{json_text{}};
    const auto capacities =
        value && settings
            ? readers_.pools(settings.value())
            : result<std::map<std::string, std::uint32_t>>{std::map<std::string, std::uint32_t>{}};
    if (!settings || !capacities)
      continue; // Reported with the definitions.
    const auto capacity = capacities.value().find(pool.second);
    const auto by_hand = set_by_hand.find(pool);
    const auto most = by_hand != set_by_hand.end()           ? by_hand->second
                      : capacity == capacities.value().end() ? 0
                                                             : capacity->second;
    if (out > most)
      found(9, "pool_exceeded", {family::definitions, key},
            std::to_string(out) + " permits of " + pool.first + '.' + pool.second +
                " are out, it has " + std::to_string(most),
            "nothing if the pool was made smaller while they were out: they end with their "
            "attempts")
          .note = true;
  }
  return ok();
}

} // namespace pinion
