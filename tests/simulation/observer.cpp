#include "simulation/observer.hpp"

#include "pinion/storage/codecs.hpp"
#include "pinion/storage/epoch.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

/// Commands of alarm channels run under a task position that no workflow has.
bool is_task(const process_key& key) { return key.instance.task < 0xffff'fff0U; }

std::string name_of(const instance_key& key) { return to_string(process_key{key, {}}); }

} // namespace

observer::observer(const scenario& of, const std::shared_ptr<surviving_disk>& disk,
                   const manual_clock& clock, trace& log)
    : scenario_{of}, disk_{disk}, store_{disk_}, clock_{clock}, log_{log},
      binders_{naive_binder{of, of.workflows},
               naive_binder{of, of.edited.empty() ? of.workflows : of.edited}} {}

const workflow_definition* observer::definition_of(const std::string& workflow,
                                                   std::uint32_t version) const {
  const auto& set = version % 2 == 0 ? scenario_.edited : scenario_.workflows;
  for (const auto& each : set)
    if (each.id() == workflow)
      return &each;
  return nullptr;
}

// -- commits

void observer::committing(const kv_batch& batch, const kv_reader& before) {
  before_.clear();
  for (const auto& write : batch.writes) {
    if (write.in != family::instances && write.in != family::attempts &&
        write.in != family::slots && write.in != family::runs)
      continue;
    if (auto row = before.get(write.in, write.key); row && row.value())
      before_[{write.in, write.key}] = *row.value();
  }
}

void observer::committed(const kv_batch& batch, const kv_reader& after) {
  log_.note("commit of " + std::to_string(batch.writes.size()) + " rows");
  latest_ = std::max(latest_, clock_.wall_now());
  note_holds(batch);
  std::set<std::pair<family, std::string>> seen;
  std::set<run_id> runs;
  std::vector<std::pair<std::string, std::string>> edges;
  std::set<std::uint64_t> backfills;
  note_reruns(batch);
  for (const auto& write : batch.writes) {
    if (!seen.insert({write.in, write.key}).second)
      continue;
    if (write.in == family::definitions && write.key.front() == 'x')
      note_switch(write);
    const auto row = after.get(write.in, write.key);
    if (!row)
      continue;
    if (!row.value()) {
      if (write.in == family::slots && write.key.front() == 'e')
        check_dropped_edge(write.key);
      continue;
    }
    if (write.in == family::instances) {
      check_instance(write.key, *row.value());
      if (const auto at = keys::decode_instance(write.key))
        runs.insert(at.value().run);
    } else if (write.in == family::runs) {
      if (const auto at = keys::decode_run(write.key))
        runs.insert(at.value());
    } else if (write.in == family::attempts) {
      check_attempt(write.key, *row.value());
    } else if (write.in == family::slots && write.key.front() == 's') {
      check_slot(write.key, *row.value());
    } else if (write.in == family::slots && write.key.front() == 'e') {
      edges.emplace_back(write.key, *row.value());
    } else if (write.in == family::slots && write.key.front() == 'j') {
      check_item(write.key, *row.value());
      if (const auto at = keys::decode_backfill_item(write.key))
        backfills.insert(at.value().backfill);
    }
  }
  for (const auto run : runs)
    note_run(run);
  for (const auto& [key, row] : edges)
    check_edge(key, row);
  for (const auto id : backfills)
    check_backfill(id);
  check_permits();
}

void observer::check_instance(std::string_view key, const std::string& now) {
  const auto at = keys::decode_instance(key);
  const auto row =
      at ? codecs::decode_instance(at.value(), now) : result<instance_record>{at.error()};
  if (!row) {
    log_.violation("an instance's row cannot be read: " + row.error().message);
    return;
  }
  log_.note("  " + name_of(at.value()) + " is " + std::string{to_string(row.value().state)} + " (" +
            std::string{to_string(row.value().why)} + ") attempt " +
            std::to_string(row.value().attempt));
  const auto before = before_.find({family::instances, std::string{key}});
  const auto* task = task_of(row.value().key);
  if (before == before_.end()) {
    note_stay(row.value(), nullptr);
    return check_mode(row.value(), nullptr);
  }
  const auto old = codecs::decode_instance(at.value(), before->second);
  if (!old)
    return;
  check_mode(row.value(), &old.value());
  if (task != nullptr) {
    check_stay(row.value(), old.value(), *task);
    check_retry_time(row.value(), old.value(), *task);
    note_stay(row.value(), &old.value());
  }
  const auto& was = old.value();
  const auto& is = row.value();
  if (is_terminal(was.state) && was.state != is.state && !operated_.contains(is.key.run))
    log_.violation("[7] " + name_of(is.key) + " leaves " + std::string{to_string(was.state)} +
                   " for " + std::string{to_string(is.state)} + " although nobody asked");
  if (is.attempt < was.attempt)
    log_.violation("[3] the attempts of " + name_of(is.key) + " count backwards");
}

void observer::check_attempt(std::string_view key, const std::string& now) {
  const auto before = before_.find({family::attempts, std::string{key}});
  const auto at = keys::decode_attempt(key);
  if (const auto row =
          at ? codecs::decode_attempt(at.value(), now) : result<attempt_record>{at.error()};
      row && row.value().state == attempt_state::ended)
    for (const auto& [process, seen] : processes_)
      if (seen.alive && process.instance == at.value().instance &&
          process.token.attempt == at.value().number)
        log_.violation("[3] an attempt has ended, and its process " + to_string(process) +
                       " is alive");
  if (!at || before == before_.end() || before->second == now)
    return;
  const auto old = codecs::decode_attempt(at.value(), before->second);
  if (old && old.value().state == attempt_state::ended)
    log_.violation("[11] attempt " + std::to_string(at.value().number) + " of " +
                   name_of(at.value().instance) + " has ended and is changed");
}

void observer::check_slot(std::string_view key, const std::string& now) {
  const auto at = keys::decode_slot(key);
  const auto row = at ? codecs::decode_slot(at.value(), now) : result<slot_record>{at.error()};
  if (!row) {
    log_.violation("a slot's row cannot be read: " + row.error().message);
    return;
  }
  const auto& is = row.value();
  if (is.outcome != slot_outcome::planned)
    log_.note("  slot " + is.workflow + '/' + is.trigger + '@' + std::to_string(to_us(is.slot)) +
              " is " + std::string{to_string(is.outcome)} + ' ' + to_string(is.run));
  const auto before = before_.find({family::slots, std::string{key}});
  if (before == before_.end() || before->second != now) {
    check_binding(is);
    check_firing(is);
  }
  if (is.outcome != slot_outcome::planned && is.run == run_id{})
    history_[{at.value(), "(left out)"}] |= ways::left_out;
  if (before == before_.end())
    return;
  const auto old = codecs::decode_slot(at.value(), before->second);
  if (!old || old.value().outcome == slot_outcome::planned)
    return;
  const auto was = old.value().outcome;
  // What was left out can be made later, by people or a backfill.
  const bool made_up_for = old.value().run == run_id{} && is.outcome != slot_outcome::planned &&
                           (was == slot_outcome::paused || is.run != run_id{});
  if (was != is.outcome && !made_up_for)
    log_.violation("[1] slot " + is.workflow + '/' + is.trigger + '@' +
                   std::to_string(to_us(is.slot)) + " was " + std::string{to_string(was)} +
                   " and becomes " + std::string{to_string(is.outcome)});
  if (was == is.outcome && old.value().run != is.run)
    log_.violation("[2] slot " + is.workflow + '/' + is.trigger + " gets a second run");
}

void observer::check_permits() {
  const auto rows = store_.permits();
  if (!rows) {
    log_.violation("the permits cannot be read: " + rows.error().message);
    return;
  }
  std::map<std::string, std::uint32_t> out;
  for (const auto& permit : rows.value()) {
    out[permit.pool] += permit.permits;
    const auto attempt = store_.attempt(permit.holder, permit.attempt);
    if (attempt && attempt.value() && attempt.value()->state == attempt_state::waiting)
      log_.violation("[9] a permit of " + permit.pool + " is held between two looks by " +
                     name_of(permit.holder));
    if (!attempt || !attempt.value() || attempt.value()->state == attempt_state::ended)
      log_.violation("[9] a permit of " + permit.pool + " outlives its attempt of " +
                     name_of(permit.holder));
  }
  for (const auto& [pool, permits] : out) {
    const auto has = scenario_.settings.pools.find(pool);
    if (has == scenario_.settings.pools.end() || permits > has->second)
      log_.violation("[9] pool " + pool + " has " + std::to_string(permits) + " permits out");
  }
}

// -- processes

void observer::start_asked(const start_request& request) {
  const auto& key = request.key;
  if (!is_task(key))
    return;
  const auto row = store_.attempt(key.instance, key.token.attempt);
  if (!row || !row.value() || row.value()->epoch != key.token.epoch)
    log_.violation("[5] " + to_string(key) + " is to start, and its attempt is not on the disk");
}

void observer::process_began(const start_request& request) {
  const auto& key = request.key;
  if (processes_.contains(key))
    log_.violation("[3] process " + to_string(key) + " starts a second time");
  std::uint32_t alive = 0;
  std::map<std::string, std::uint32_t> pools;
  processes_[key].alive = true;
  for (const auto& [other, each] : processes_) {
    if (!each.alive || !is_task(other))
      continue;
    ++alive;
    if (other != key && other.instance == key.instance)
      log_.violation("[3] process " + to_string(key) + " starts beside " + to_string(other));
    const auto attempt = store_.attempt(other.instance, other.token.attempt);
    if (attempt && attempt.value())
      for (const auto& need : attempt.value()->permits)
        pools[need.pool] += need.permits;
  }
  if (alive > scenario_.slots)
    log_.violation("[4] " + std::to_string(alive) + " processes are alive in " +
                   std::to_string(scenario_.slots) + " slots");
  for (const auto& [pool, permits] : pools)
    if (permits > scenario_.settings.pools.at(pool))
      log_.violation("[4] processes hold " + std::to_string(permits) + " permits of " + pool);
  if (!is_task(key) || key.token.check() != 0)
    return;
  check_join(key.instance);
  const auto row = store_.instance(key.instance);
  if (row && row.value() && row.value()->mode == task_mode::dry)
    log_.violation("[4] process " + to_string(key) + " starts, and its instance is dry");
}

void observer::process_over(const process_key& key, const process_end& end) {
  auto& seen = processes_[key];
  seen.alive = false;
  seen.end = end;
  seen.over_at = clock_.steady_now();
}

void observer::end_acknowledged(const process_key& key) {
  if (!is_task(key))
    return;
  const auto row = store_.instance(key.instance);
  if (row && row.value() && is_active(row.value()->state) &&
      key.token ==
          fence{row.value()->epoch, row.value()->attempt, step_of(*row.value(), row.value()->step)})
    log_.violation("[5] the end of " + to_string(key) +
                   " is acknowledged, and the disk does not know of it");
}

// -- what people did

void observer::operation_asked(run_id run, const run_operation& operation) {
  log_.note("  verb " + std::to_string(static_cast<int>(operation.what)) + " on " + to_string(run) +
            (operation.targets.empty() ? "" : ": " + name_of(operation.targets.front())));
  if (operation.what >= run_operation::verb::freeze)
    moded_.insert(run);
  else if (operation.what != run_operation::verb::cancel)
    operated_.insert(run);
}

void observer::operation_answered(run_id run, const run_operation& operation) {
  static constexpr const char* verbs[] = {"cancel", "fail",   "skip", "succeed",
                                          "rerun",  "freeze", "thaw", "dryrun"};
  const auto wanted = verbs[static_cast<std::size_t>(operation.what)];
  const auto rows = store_.list_audit({to_string(run), never}, {1'000, {}});
  if (!rows || std::none_of(rows.value().items.begin(), rows.value().items.end(),
                            [&](const auto& row) { return row.verb == wanted; }))
    log_.violation(std::string{"[5] "} + wanted + " on " + to_string(run) +
                   " was answered, and no audit row tells of it");
}

void observer::applied(bool original) {
  if (!first_applied_)
    first_applied_ = clock_.wall_now();
  edited_ = edited_ || !original;
}

void observer::switched(const std::string& workflow, const std::string& task) {
  auto& asked = switch_asked_[{workflow, task}];
  asked = {clock_.steady_now(), asked.last};
}

std::set<std::string> observer::paused_workflows() const {
  std::set<std::string> out;
  if (const auto rows = store_.workflows())
    for (const auto& row : rows.value())
      if (row.paused)
        out.insert(row.id);
  return out;
}

const task_definition* observer::task_of(const instance_key& key) const {
  const auto run = store_.run(key.run);
  const auto* of = run && run.value() ? definition_of(*run.value()) : nullptr;
  return of == nullptr || key.task >= of->tasks.size() ? nullptr : &of->tasks[key.task];
}

void observer::engine_up() {
  ++ups_;
  up_at_ = clock_.steady_now();
  misfires_.engine_up(clock_.wall_now(), clock_.steady_now(), paused_workflows());
}

void observer::engine_down() { misfires_.engine_down(clock_.wall_now(), clock_.steady_now()); }

void observer::engine_started() {
  const auto epoch = current_epoch(disk_);
  if (!epoch || epoch.value() <= epoch_)
    log_.violation("[10] an engine starts in epoch " + std::to_string(epoch ? epoch.value() : 0) +
                   ", and there was one of " + std::to_string(epoch_));
  else
    epoch_ = epoch.value();
}

void observer::clock_steps(instant from, instant to) {
  clock_stepped_ = true;
  latest_ = std::max({latest_, from, to}); // Slots may have been due by either.
  misfires_.clock_steps(from, to, clock_.steady_now(), paused_workflows());
}

void observer::trigger_answered(const std::string& key, run_id run) {
  const auto row = store_.run(run);
  if (!row || !row.value())
    log_.violation("[5] " + to_string(run) + " was answered and is not on the disk");
  const auto [known, fresh] = keys_.try_emplace(key, run);
  if (!fresh && known->second != run)
    log_.violation("[2] key " + key + " made " + to_string(known->second) + " and " +
                   to_string(run));
}

// -- the end

bool observer::all_ended() const {
  const auto live = store_.live_runs();
  return live && live.value().empty() && all_backfills_ended();
}

std::uint64_t observer::runs() const {
  const auto highest = store_.highest_run();
  return highest ? highest.value().value : 0;
}

} // namespace pinion::sim
