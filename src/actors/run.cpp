#include "actors/run.hpp"

#include "actors/crash.hpp"
#include "actors/edge_lookup.hpp"
#include "actors/instance.hpp"
#include "pinion/definitions/render.hpp"
#include "pinion/definitions/secrets.hpp"
#include "pinion/model/mutation.hpp"
#include "pinion/storage/rows.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unordered_set>

namespace pinion {

namespace {

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  if (to.empty())
    to = std::move(from);
  else
    std::move(from.begin(), from.end(), std::back_inserter(to));
}

std::shared_ptr<const start_request> order_of(const engine_context& context, process_key key,
                                              rendered_task&& task) {
  auto order = std::make_shared<start_request>();
  order->key = key;
  order->argv = std::move(task.argv);
  order->script = std::move(task.script);
  order->script_args = std::move(task.script_args);
  order->environment = context.options.base_environment;
  for (auto& [name, value] : task.environment) {
    const auto same = [&name = name](const auto& known) { return known.first == name; };
    std::erase_if(order->environment, same);
    order->environment.emplace_back(std::move(name), std::move(value));
  }
  order->cwd = std::move(task.cwd);
  order->stdin_text = std::move(task.stdin_text);
  order->inputs_json = std::move(task.inputs_json);
  order->params_json = std::move(task.params_json);
  order->timeout = task.timeout;
  order->grace = task.grace;
  order->log_limit_bytes = context.options.log_limit_bytes;
  return order;
}

/// What was asked for, for the audit record.
json_text details_of(const run_operation& operation, std::uint32_t affected) {
  nlohmann::json details{{"affected", affected}};
  if (operation.what == run_operation::verb::bump)
    details["priority"] = operation.priority;
  else if (operation.what == run_operation::verb::note)
    details["note"] = operation.note;
  else if (operation.what == run_operation::verb::repool)
    for (const auto& need : operation.pools)
      details["pools"][need.pool] = need.permits;
  else if (operation.what == run_operation::verb::unblock)
    details["dropped"] = operation.dropped;
  if (operation.definition)
    details["version"] = operation.version;
  return details.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// What made the RUN crash may be an expression: a failing one asks none.
class refusing_evaluator final : public run_evaluator {
public:
  result<bool> condition(const run_core&, std::uint32_t) const override { return refuse(); }
  result<std::string> choice(const run_core&, std::uint32_t) const override { return refuse(); }
  result<std::vector<fan_out_element>> elements(const run_core&, std::uint32_t) const override {
    return refuse();
  }

private:
  static problem refuse() {
    return {errc::internal, "the actor of the run keeps crashing: nothing is evaluated", {}};
  }
};

} // namespace

run_state_data::~run_state_data() {
  std::map<instance_key, instance_actor> in_order{instances.begin(), instances.end()};
  for (const auto& [_, each] : in_order)
    caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
}

const project_settings& run_state_data::settings() {
  // The former ones stay alive: whoever asked a moment ago may still read them.
  former_settings_ = std::exchange(settings_, seed.context->settings(core().definition().project));
  return *settings_;
}

void run_state_data::start_up() {
  if (seed.failing)
    evaluate = std::make_unique<refusing_evaluator>();
  else
    evaluate = std::make_unique<expression_evaluator>(settings().pools);
  // Monitored, not linked: a link is also kept on this side, in a list that is searched at each
  // end.
  self->set_down_handler([this](caf::down_msg& what) {
    // Otherwise it has done its work, or this RUN ended it.
    if (what.reason && what.reason != caf::exit_reason::user_shutdown)
      instance_down(what.source, what.reason);
  });
  core().tell_tasks(true);
  if (seed.failing) {
    fail_all();
    return;
  }
  const auto& tasks = core().definition().tasks;
  for (std::uint32_t task = 0; task < tasks.size(); ++task)
    for (const auto& at : core().instances_of(task))
      if (!is_terminal(at.state))
        actor_of(at.key);
  if (!seed.stored)
    return;
  if (!is_terminal(core().run().state) && !PINION_MUTATION("forget_needs_on_restart"))
    watch_edges();
  for (auto& effect : core().resume()) {
    if (const auto* entered = std::get_if<run_effect::entered>(&effect))
      gathered.entered.emplace_back(entered->key,
                                    enter_message(entered->key, entered->state, true, nullptr));
    else
      gathered.effects.push_back(std::move(effect));
  }
  carry_out(gathered);
  gathered = {};
}

// What has a process is stopped and ends with it; all else ends now.
void run_state_data::fail_all() {
  run_operation fail;
  fail.what = run_operation::verb::fail;
  fail.why = reason::actor_crashed;
  fail.message = "the actor of its run crashed too often";
  fail.now = true;
  std::vector<instance_key> alive;
  for (std::uint32_t task = 0; task < core().definition().tasks.size(); ++task)
    for (const auto& at : core().instances_of(task))
      if (!is_terminal(at.state))
        alive.push_back(at.key);
  apply(fail);
  gathered.entered.clear(); // There are no actors yet, and what ended needs none.
  for (const auto& key : alive) {
    const auto* at = core().find(key);
    if (at != nullptr && !is_terminal(at->state))
      gathered.entered.emplace_back(key, enter_message(key, at->state, true, nullptr));
    else // Its former actor may have left a request.
      self->send(seed.context->dispatcher, msg::withdraw{key});
  }
  wake();
}

instance_actor& run_state_data::actor_of(const instance_key& key) {
  auto& found = instances[key];
  if (!found)
    found = self->spawn<caf::monitored + caf::lazy_init>(
        instance, instance_seed{seed.context, caf::actor_cast<run_actor>(self),
                                core().definition_ptr(), key});
  return found;
}

bool run_state_data::is_of_newest_attempt(const run_event& event) const {
  const auto* ended = std::get_if<run_happening::ended>(&event);
  const auto* at = ended == nullptr ? nullptr : seed.core->find(ended->key.instance);
  return at != nullptr && at->attempt == ended->key.token.attempt;
}

std::optional<problem> run_state_data::apply(const run_event& event,
                                             std::shared_ptr<const start_request> start) {
  if (auto* probe = seed.context->ports.probe; probe != nullptr && !seed.failing)
    probe->stepping(core().run().id);
  auto step = core().step(event, seed.context->now(), *evaluate);
  if (step.refused) {
    if (step.stale_fence) {
      ++stale_results;
      // After a restart launcher and journal both tell what ended meanwhile: nothing to worry
      // about.
      spdlog::log(is_of_newest_attempt(event) ? spdlog::level::debug : spdlog::level::warn,
                  "a result that nobody waits for is ignored: run={} {}",
                  to_string(core().run().id), step.refused->message);
    }
    return std::move(step.refused);
  }
  gather(std::move(step), std::move(start));
  return std::nullopt;
}

void run_state_data::gather(run_step&& step, std::shared_ptr<const start_request> start) {
  gathered.run_changed = gathered.run_changed || step.run_changed;
  append(gathered.instances, std::move(step.instances));
  append(gathered.attempts, std::move(step.attempts));
  append(gathered.permits_taken, std::move(step.permits_taken));
  append(gathered.permits_released, std::move(step.permits_released));
  append(gathered.outputs, std::move(step.outputs));
  append(gathered.outputs_dropped, std::move(step.outputs_dropped));
  append(gathered.edges_settled, std::move(step.edges_settled));
  append(gathered.edges_dropped, std::move(step.edges_dropped));
  for (auto& effect : step.effects) {
    moving = moving || std::holds_alternative<run_effect::moved>(effect);
    if (const auto* entered = std::get_if<run_effect::entered>(&effect))
      gathered.entered.emplace_back(entered->key,
                                    enter_message(entered->key, entered->state, false, start));
    else if (const auto* alarm = std::get_if<run_effect::alarm>(&effect))
      gather_alarm(*alarm);
    else {
      // The row as it will be durable: by then a rerun may have opened the run again.
      if (std::holds_alternative<run_effect::run_ended>(effect))
        gathered.over = core().run();
      gathered.effects.push_back(std::move(effect));
    }
  }
  wake();
}

void run_state_data::gather_alarm(const run_effect::alarm& alarm) {
  const auto& at = core();
  auto id = to_string(at.run().id) + '.' + std::to_string(at.run().incarnation);
  if (alarm.key) {
    const auto* who = at.find(*alarm.key);
    id += '.' + std::to_string(alarm.key->task) + '.' + std::to_string(alarm.key->element) + '.' +
          std::to_string(who ? who->attempt : 0);
  }
  id += '.' + std::to_string(static_cast<int>(alarm.kind)) + '.' + alarm.channel;
  msg::send_alarm message{id, at.definition().project, alarm.channel, alarm_body(at, alarm)};
  gathered.with.put(family::meta, alarm_row_key(id), alarm_row(message));
  gathered.alarms.push_back(std::move(message));
}

// The batch is made when the mailbox has been worked through and the batch before is durable: one
// batch then holds all that happened meanwhile.
void run_state_data::wake() {
  if (compose_queued || in_flight)
    return;
  compose_queued = true;
  self->send(self, msg::compose{});
}

kv_batch run_state_data::write(run_flight& flight) {
  kv_batch batch = std::move(flight.with);
  const auto& at = core();
  std::sort(flight.instances.begin(), flight.instances.end());
  flight.instances.erase(std::unique(flight.instances.begin(), flight.instances.end()),
                         flight.instances.end());
  for (const auto& key : flight.instances) {
    if (const auto* row = at.find(key))
      put_instance(batch, *row);
    else
      erase_instance(batch, key);
  }
  for (const auto& attempt : flight.attempts)
    put_attempt(batch, attempt);
  for (const auto& permit : flight.permits_taken)
    put_permit(batch, permit);
  for (const auto& permit : flight.permits_released)
    if (!PINION_MUTATION("keep_permit_row"))
      erase_permit(batch, permit);
  for (const auto& output : flight.outputs)
    put_output(batch, output);
  // What was put and dropped within one flight is gone; what was dropped and put again stays.
  for (const auto& key : flight.outputs_dropped)
    if (const auto* row = at.find(key); row == nullptr || !row->has_outputs)
      erase_output(batch, key);
  // Likewise for edges: the core knows which of them stand now.
  for (const auto& edge : flight.edges_dropped)
    erase_edge(batch, edge);
  for (const auto& edge : flight.edges_settled)
    if (at.settled_edge(edge.task, edge.need) != nullptr && !PINION_MUTATION("lose_settled_edge"))
      put_edge(batch, edge);
  if (flight.run_changed || !flight.instances.empty()) {
    put_run(batch, at.run(), seed.stored ? &*seed.stored : nullptr);
    seed.stored = at.run();
  }
  return batch;
}

void run_state_data::compose() {
  compose_queued = false;
  if (in_flight || gathered.empty())
    return;
  in_flight = true;
  auto flight = std::make_shared<run_flight>(std::exchange(gathered, {}));
  if (flight->over)
    seed.context->ending.add(core().run().id, core().run().workflow);
  msg::submit submit{core().run().id.value, seed.incarnation, write(*flight), false};
  self->request(seed.context->journal, caf::infinite, std::move(submit))
      .then(
          [this, flight](std::uint64_t) {
            in_flight = false;
            carry_out(*flight);
            if (!gathered.empty())
              wake();
          },
          // Another incarnation of this run has taken over.
          [this](const caf::error&) { self->quit(caf::exit_reason::user_shutdown); });
}

void run_state_data::carry_out(run_flight& flight) {
  std::unordered_map<instance_key, std::size_t> last;
  if (flight.entered.size() > 1)
    for (std::size_t i = 0; i < flight.entered.size(); ++i)
      last[flight.entered[i].first] = i;
  // Permits go back before anybody asks for new ones.
  const auto comes_first = [](const run_effects& effect) {
    return std::holds_alternative<run_effect::moved>(effect) ||
           std::holds_alternative<run_effect::expanded>(effect) ||
           std::holds_alternative<run_effect::released>(effect) ||
           std::holds_alternative<run_effect::grant_unwanted>(effect);
  };
  for (const auto& effect : flight.effects)
    if (comes_first(effect))
      follow(effect);
  for (std::size_t i = 0; i < flight.entered.size(); ++i) {
    auto& [key, what] = flight.entered[i];
    // What was passed within one batch needs nothing done; nor does what is no more.
    if ((flight.entered.size() > 1 && last[key] != i) || core().find(key) == nullptr)
      continue;
    if (is_terminal(what.state)) {
      if (const auto found = instances.find(key); found != instances.end()) {
        self->send(found->second, std::move(what));
        instances.erase(found);
      }
    } else {
      self->send(actor_of(key), std::move(what));
    }
  }
  for (const auto& key : flight.ended)
    self->send(seed.context->worker, msg::forget_process{key});
  for (auto& alarm : flight.alarms)
    self->send(seed.context->alerts, std::move(alarm));
  for (const auto& reply : flight.replies)
    reply();
  for (const auto& effect : flight.effects)
    if (!comes_first(effect))
      follow(effect);
  tell_whether_idle();
  if (flight.over) {
    self->send(seed.context->engine, msg::run_is_over{*flight.over});
    seed.context->ending.remove(flight.over->id);
  }
}

void run_state_data::follow(const run_effects& effect) {
  const auto id = core().run().id;
  if (const auto* expanded = std::get_if<run_effect::expanded>(&effect)) {
    const instance_key placeholder{id, expanded->task, no_element};
    if (const auto found = instances.find(placeholder); found != instances.end()) {
      self->send_exit(found->second, caf::exit_reason::user_shutdown);
      instances.erase(found);
    }
  } else if (std::holds_alternative<run_effect::moved>(effect)) {
    moving = false;
    const std::map<instance_key, instance_actor> former{instances.begin(), instances.end()};
    instances.clear();
    for (const auto& [key, actor] : former) {
      self->send_exit(actor, caf::exit_reason::user_shutdown);
      self->send(seed.context->dispatcher, msg::withdraw{key});
    }
    if (timeout_timer != 0)
      self->send(seed.context->timekeeper, msg::cancel_timer{std::exchange(timeout_timer, 0)});
    if (core().run().started_at != never && core().run().ended_at == never)
      arm_timeout();
    self->send(seed.context->directory, msg::forget_edges{id});
    watch_edges();
    self->send(seed.workflow, msg::run_reopened{id});
  } else if (const auto* unwanted = std::get_if<run_effect::grant_unwanted>(&effect)) {
    self->send(seed.context->dispatcher, msg::release_permits{unwanted->key});
  } else if (const auto* released = std::get_if<run_effect::released>(&effect)) {
    self->send(seed.context->dispatcher, msg::release_permits{released->key});
  } else if (std::holds_alternative<run_effect::activated>(effect)) {
    arm_timeout();
  } else if (std::holds_alternative<run_effect::wants_place>(effect)) {
    self->send(seed.workflow, msg::run_wants{id, true});
  } else if (const auto* opened = std::get_if<run_effect::edges_opened>(&effect)) {
    watch_edges(opened->task);
  } else if (const auto* settled = std::get_if<run_effect::task_settled>(&effect)) {
    tell_directory(settled->task);
  } else if (const auto* over = std::get_if<run_effect::run_ended>(&effect)) {
    if (timeout_timer != 0)
      self->send(seed.context->timekeeper, msg::cancel_timer{std::exchange(timeout_timer, 0)});
    self->send(seed.context->directory, msg::forget_edges{id});
    tell_directory(std::nullopt);
    self->send(seed.workflow, msg::run_ended{id, over->state});
  } else if (std::holds_alternative<run_effect::restated>(effect)) {
    tell_directory(std::nullopt);
  } else if (std::holds_alternative<run_effect::reopened>(effect)) {
    tell_directory(std::nullopt);
    watch_edges();
    self->send(seed.workflow, msg::run_reopened{id});
  }
}

void run_state_data::tell_whether_idle() {
  const auto now = core().only_waits();
  if (std::exchange(idle, now) != now)
    self->send(seed.workflow, msg::run_wants{core().run().id, !now});
}

void run_state_data::watch_edges(std::optional<std::uint32_t> task) {
  msg::watch_edges what{core().run().id, {}};
  for (const auto* edge : core().open_edges())
    if (!task || edge->task == *task)
      what.edges.push_back(*edge);
  if (!what.edges.empty())
    self->send(seed.context->directory, std::move(what), caf::actor_cast<run_actor>(self));
}

// After the commit: whoever begins to wait from here on reads the store.
void run_state_data::tell_directory(std::optional<std::uint32_t> task) {
  if (PINION_MUTATION("skip_directory_notification"))
    return;
  const auto& run = core().run();
  const bool bound = !run.trigger.starts_with('@') || run.isolated;
  if (!bound || (!run.isolated && !seed.context->is_needed(run.workflow)))
    return;
  msg::task_told what{{run.lane, run.workflow, run.trigger, run.slot}, run.id, {}, {}, "{}"};
  if (task) {
    what.task = core().definition().tasks[*task].name;
    what.outcome = core().class_of(*task);
    if (what.outcome != upstream_class::pending)
      what.outputs = core().outputs_of(*task);
  } else {
    what.outcome = class_of(run.state);
  }
  self->send(seed.context->directory, std::move(what));
}

void run_state_data::arm_timeout() {
  const auto whole = core().definition().timeout;
  if (whole <= duration{0} || timeout_timer != 0)
    return;
  timeout_timer = seed.context->new_timer();
  const auto remains =
      std::clamp(core().run().started_at + whole - seed.context->now(), duration{0}, whole);
  self->send(seed.context->timekeeper, msg::arm_steady{timeout_timer, remains},
             caf::actor_cast<timer_client>(self));
}

msg::enter run_state_data::enter_message(const instance_key& key, instance_state state, bool again,
                                         std::shared_ptr<const start_request> start) {
  msg::enter what;
  what.state = state;
  what.again = again;
  const auto* at = core().find(key);
  if (at == nullptr)
    return what;
  const auto& task = core().definition().tasks[key.task];
  what.why = at->why;
  const bool checks =
      state == instance_state::dqc_check || at->step > 0 || task.type == task_type::check;
  what.token = {at->epoch, at->attempt, step_of(*at, checks ? std::max(at->step, 1U) : 0U)};
  if (is_polling(*at))
    what.poll =
        at->mode == task_mode::frozen ? msg::poll_phase::frozen : msg::poll_phase::looks_again;
  what.priority = at->priority != 0            ? at->priority
                  : core().run().priority != 0 ? core().run().priority
                                               : task.priority;
  what.band = core().run().backfill == 0 ? msg::permit_band::normal : msg::permit_band::backfill;
  if (state == instance_state::pre_ready)
    what.pools = pools_of(task, *at);
  what.called = at->called;
  what.retry_at = at->retry_at;
  what.first_ready_at = at->first_ready_at;
  what.since = state == instance_state::waiting      ? at->waiting_at
               : state == instance_state::pre_ready  ? at->pre_ready_at
               : state == instance_state::retry_wait ? at->ended_at
                                                     : at->started_at;
  if (what.since == never)
    what.since = seed.context->now();
  problem why;
  // What was granted before a reboot and never confirmed is lost: the launcher's memory of it may
  // be too, so it must not be taken for never started.
  const auto* attempt = core().newest_attempt(key);
  const bool same_boot = attempt == nullptr || attempt->boot_id == seed.context->options.boot_id ||
                         PINION_MUTATION("take_a_reboot_for_a_restart");
  if (state == instance_state::ready) {
    if (start)
      what.start = std::move(start);
    else if (same_boot)
      what.start = body_of(key, at->attempt, at->epoch, why);
  } else if (state == instance_state::dqc_check) {
    if (!again || same_boot)
      what.start = check_of(key, why);
  } else if (task.type == task_type::workflow &&
             (state == instance_state::running ||
              (state == instance_state::stopping && at->called == run_id{}))) {
    const render_input input{core(), key, at->attempt, settings(),
                             read_secrets(settings().secrets)};
    const bool stopping = state == instance_state::stopping;
    if (auto params = stopping ? result<json_text>{json_text{"{}"}} : render_call_params(input)) {
      const auto& run = core().run();
      const auto& name_of = task.call_workflow;
      const bool full = name_of.find('.') != std::string::npos;
      what.call = std::make_shared<msg::call_workflow>(
          msg::call_workflow{full ? name_of : core().definition().project + '.' + name_of,
                             {key, at->attempt, std::move(params).value(), run.slot,
                              run.interval_start, run.interval_end, what.priority, stopping}});
    } else {
      self->send(self, msg::happened{run_happening::call_refused{key, params.error().message}});
    }
  }
  // Told again, the process may be alive although it could not be described now.
  if (!why.message.empty() && !again) {
    // The process cannot even be described: that is how this attempt ends.
    process_end end;
    end.kind = end_kind::not_started;
    end.message = why.message;
    end.ended_at = seed.context->now();
    self->send(self, msg::happened{run_happening::ended{{key, what.token}, std::move(end)}});
  }
  return what;
}

std::shared_ptr<const start_request> run_state_data::body_of(const instance_key& key,
                                                             std::uint32_t attempt,
                                                             std::uint64_t epoch, problem& why) {
  if (core().definition().tasks[key.task].type == task_type::check)
    return check_of(key, why);
  const render_input input{core(), key, attempt, settings(), read_secrets(settings().secrets)};
  auto task = render_task(input);
  if (!task) {
    why = task.error();
    return nullptr;
  }
  const auto step = step_of(*core().find(key), 0);
  return order_of(*seed.context, {key, {epoch, attempt, step}}, std::move(task).value());
}

std::shared_ptr<const start_request> run_state_data::check_of(const instance_key& key,
                                                              problem& why) {
  const auto* at = core().find(key);
  const auto step = std::max(at->step, 1U);
  const render_input input{core(), key, at->attempt, settings(), read_secrets(settings().secrets)};
  auto check = render_check(input, step - 1);
  if (!check) {
    why = check.error();
    return nullptr;
  }
  return order_of(*seed.context, {key, {at->epoch, at->attempt, step_of(*at, step)}},
                  std::move(check).value());
}

void run_state_data::offered(const msg::offer& what) {
  const auto& key = what.key;
  if (moving)
    return; // Its permits are taken back, and it asks anew.
  const auto* at = core().find(key);
  const auto& context = *seed.context;
  // Offered twice, by a request from before and one from after a freeze: its attempt has them.
  if (at != nullptr && is_active(at->state))
    return;
  if (at == nullptr || at->state != instance_state::pre_ready) {
    self->send(context.dispatcher, msg::release_permits{key});
    return;
  }
  // Granted before its pools were edited: it asks anew once the edit is durable.
  if (what.pools != pools_of(core().definition().tasks[key.task], *at))
    return;
  run_happening::granted grant{key, context.epoch, context.options.worker_name,
                               context.options.boot_id, "{}"};
  const auto& task = core().definition().tasks[key.task];
  if (!has_process(task.type)) {
    grant.worker.clear(); // It holds permits, but no worker's slot.
    apply(grant);
    return;
  }
  // The next look of an attempt that is alive carries its fence.
  const auto* alive = core().newest_attempt(key);
  const auto attempt = alive != nullptr ? alive->number : at->attempt + 1;
  const auto epoch = alive != nullptr ? alive->epoch : context.epoch;
  const auto look = alive != nullptr ? alive->looks + 1 : 1;
  const bool checks_only = task.type == task_type::check;
  const render_input input{core(), key, attempt, settings(), read_secrets(settings().secrets)};
  auto rendered = checks_only ? render_check(input, 0) : render_task(input);
  if (!rendered) {
    apply(run_happening::render_failed{key, context.epoch, rendered.error().message});
    return;
  }
  grant.rendered = rendered.value().masked;
  const fence token{epoch, attempt, fence::step_of(look, checks_only ? 1U : 0U)};
  auto order = order_of(context, {key, token}, std::move(rendered).value());
  if (PINION_MUTATION("start_before_commit"))
    self->send(context.worker,
               process_order{order, caf::actor_cast<process_client>(actor_of(key))});
  apply(grant, std::move(order));
}

caf::result<msg::fired_run> run_state_data::fire(msg::fire_run& what) {
  std::move(what.with.writes.begin(), what.with.writes.end(),
            std::back_inserter(gathered.with.writes));
  if (auto refused = apply(run_happening::fire{what.admitted}))
    return to_error(*refused);
  auto promise = self->make_response_promise<msg::fired_run>();
  gathered.replies.emplace_back([this, promise]() mutable {
    promise.deliver(msg::fired_run{core().run().id, core().wants_place(), core().run().admitted});
    watch_edges();
  });
  wake();
  return promise;
}

caf::result<operation_answer> run_state_data::operate(const msg::operate_run& what) {
  const auto before = gathered.instances.size();
  if (auto refused = apply(what.operation))
    return to_error(*refused);
  if (what.operation.definition)
    if (auto failed = write_needs(what.operation.edges))
      return to_error(*failed);
  if (what.operation.what == run_operation::verb::rerun && !what.operation.mode)
    follow_switches();
  auto affected = static_cast<std::uint32_t>(gathered.instances.size() - before);
  std::copy(what.with.writes.begin(), what.with.writes.end(),
            std::back_inserter(gathered.with.writes));
  static constexpr const char* verbs[] = {"cancel", "fail", "skip",   "succeed", "rerun",
                                          "freeze", "thaw", "dryrun", "bump",    "unblock",
                                          "move",   "note", "move"};
  audit_record audit;
  audit.at = seed.context->now();
  audit.who = what.by.who;
  audit.verb = verbs[static_cast<std::size_t>(what.operation.what)];
  audit.reason = what.by.reason;
  const auto run = to_string(core().run().id);
  audit.details = details_of(what.operation, affected);
  const auto record = [&](std::string object) {
    audit.object = std::move(object);
    if (!PINION_MUTATION("drop_audit"))
      put_audit(gathered.with, audit, what.by.request.get());
  };
  if (what.operation.targets.empty())
    record(run);
  for (const auto& key : what.operation.targets) {
    const auto* at = core().find(key);
    const auto& index = at != nullptr ? at->element_key : std::string{};
    record(run + '/' + core().definition().tasks[key.task].name +
           (index.empty() ? "" : ':' + index));
  }
  auto promise = self->make_response_promise<operation_answer>();
  if (PINION_MUTATION("answer_before_commit"))
    promise.deliver(operation_answer{affected});
  gathered.replies.emplace_back(
      [promise, affected]() mutable { promise.deliver(operation_answer{affected}); });
  wake();
  return promise;
}

// The slot's row holds what the run needs of other runs.
std::optional<problem> run_state_data::write_needs(const std::vector<bound_edge>& edges) {
  const auto& run = core().run();
  const auto slot =
      store_reader{*seed.context->ports.kv}.slot({run.lane, run.workflow, run.trigger, run.slot});
  if (!slot)
    return slot.error();
  if (!slot.value() || slot.value()->edges == edges)
    return std::nullopt;
  auto now = *slot.value();
  now.edges = edges;
  put_slot(gathered.with, now, &*slot.value());
  return std::nullopt;
}

// What starts over is frozen if its task is so now, not if it was when the run was made.
void run_state_data::follow_switches() {
  const auto switches = seed.context->switches(core().run().workflow);
  const auto& tasks = core().definition().tasks;
  for (std::uint32_t task = 0; task < tasks.size(); ++task) {
    const auto found = switches.find(tasks[task].name);
    const bool frozen = found != switches.end() && found->second == task_mode::frozen;
    for (const auto& at : core().instances_of(task)) {
      if (is_terminal(at.state) || frozen == (at.mode == task_mode::frozen))
        continue;
      run_operation follow;
      follow.what = frozen ? run_operation::verb::freeze : run_operation::verb::thaw;
      follow.targets = {{core().run().id, task, no_element}};
      apply(follow);
      break; // The task as a whole; what is too far refuses, and stays as it is.
    }
  }
}

void run_state_data::instance_down(const caf::actor_addr& who, const caf::error& why) {
  const auto found = std::find_if(instances.begin(), instances.end(),
                                  [&](const auto& each) { return each.second.address() == who; });
  if (found == instances.end())
    return;
  const auto key = found->first;
  instances.erase(found);
  const auto* at = core().find(key);
  if (at == nullptr || is_terminal(at->state))
    return;
  const auto count = ++crashes[key];
  spdlog::error("the actor of an instance crashed: process={} times={} why={}",
                to_string(process_key{key, {at->epoch, at->attempt, step_of(*at, at->step)}}),
                count, caf::to_string(why));
  if (count > max_restarts) {
    const auto text = "its actor crashed " + std::to_string(count) + " times";
    // Refused where a process is being stopped: then this RUN's own supervisor decides.
    if (apply(run_happening::crashed{key, text}))
      self->quit(caf::sec::runtime_error);
    else // The actor is gone that would withdraw its request.
      self->send(seed.context->dispatcher, msg::withdraw{key});
  } else
    self->send(actor_of(key), enter_message(key, at->state, true, nullptr));
}

run_actor::behavior_type run(run_actor::stateful_pointer<run_state_data> self, run_seed seed) {
  auto& state = self->state;
  state.self = self;
  self->set_exception_handler(log_crash);
  state.seed = std::move(seed);
  state.start_up();
  return {
      [self](const msg::timer_due& what) {
        if (what.id == self->state.timeout_timer) {
          self->state.timeout_timer = 0;
          self->state.apply(run_happening::run_timeout{});
        }
      },
      [self](const msg::happened& what) {
        auto& at = self->state;
        at.apply(what.event);
        // Refused or not, the launcher may forget an end that has been heard and dealt with.
        if (const auto* ended = std::get_if<run_happening::ended>(&what.event)) {
          if (PINION_MUTATION("acknowledge_exit_before_commit"))
            self->send(at.seed.context->worker, msg::forget_process{ended->key});
          at.gathered.ended.push_back(ended->key);
          at.wake();
        }
      },
      [self](const msg::offer& what) { self->state.offered(what); },
      [self](msg::fire_run& what) { return self->state.fire(what); },
      [self](const msg::admit_run&) { self->state.apply(run_happening::admit{}); },
      [self](const msg::unload_run&) {
        if (!self->state.seed.stored)
          self->quit(caf::exit_reason::user_shutdown);
      },
      [self](const msg::operate_run& what) { return self->state.operate(what); },
      [self](const msg::why_query& what) { return self->state.explain(what); },
      [self](const msg::compose&) { self->state.compose(); },
  };
}

} // namespace pinion
