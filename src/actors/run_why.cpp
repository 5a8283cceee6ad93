#include "actors/forecast.hpp"
#include "actors/run.hpp"
#include "actors/why_text.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>

namespace pinion {

namespace {

/// Causes that one answer lists at most.
constexpr std::size_t max_causes = 20;

std::string sentence_of(const instance_record& at) {
  auto text = std::string{to_string(at.state)};
  if (at.why != reason::none)
    text += " (" + std::string{to_string(at.why)} + ')';
  return at.message.empty() ? text : text + ": " + at.message;
}

void add_upstream(const run_core& run, const instance_record& at, why_answer& out) {
  const auto& task = run.definition().tasks[at.key.task];
  if (task.fallback_of) {
    const auto& primary = run.instances_of(*task.fallback_of).front();
    out.causes.push_back({"fallback", ref_of(run, primary),
                          "runs only if " + run.definition().tasks[*task.fallback_of].name +
                              " fails for good; that one is " +
                              std::string{to_string(primary.state)},
                          at.waiting_at});
    return;
  }
  for (const auto pending : run.pending_upstream(at.key.task)) {
    if (out.causes.size() >= max_causes)
      return;
    const auto& upstream = run.instances_of(pending).front();
    out.causes.push_back({"upstream", ref_of(run, upstream),
                          "waits for " + run.definition().tasks[pending].name + ", which is " +
                              sentence_of(upstream),
                          at.waiting_at});
  }
}

blocked_by permit_cause(const msg::queue_position& where, const instance_record& at) {
  if (where.held)
    return {"held", "engine", "the engine is on hold: it starts nothing new until `unhold`",
            at.pre_ready_at};
  if (!where.known || where.granted)
    return {"worker", "worker", "permits are granted; the start is being written", at.pre_ready_at};
  const bool slots = where.pool == "slots";
  auto message = slots         ? "all worker slots are taken"
                 : where.limit ? where.pool + " is reached"
                               : "pool " + where.pool + " is full";
  if (where.never)
    message = "pool " + where.pool + " is smaller than what the task asks for: it can never start";
  message += " (" + std::to_string(where.used) + " of " + std::to_string(where.capacity) +
             " in use); position " + std::to_string(where.position) + " in the queue";
  return {slots ? "worker" : where.limit ? "limit" : "pool", where.pool, message, at.pre_ready_at};
}

std::string polling_sentence(const run_core& run, const instance_record& at) {
  const auto gives_up = at.poll_since + run.definition().tasks[at.key.task].poll->timeout;
  auto text = "what it looks for is not there yet (" + at.message + ')';
  if (at.mode != task_mode::frozen && at.retry_at < gives_up)
    text += "; the next look is at " + print_utc(at.retry_at);
  return text + "; it gives up at " + print_utc(gives_up);
}

/// The cause that the run itself knows; pre_ready ones need the DISPATCHER.
void add_cause(const run_core& run, const instance_record& at, why_answer& out) {
  switch (at.state) {
  case instance_state::pre_trigger:
    out.causes.push_back({"time", to_string(run.run().id),
                          "its slot is not due before " + print_utc(run.run().slot),
                          run.run().created_at});
    break;
  case instance_state::waiting:
    if (at.mode == task_mode::frozen)
      out.causes.push_back({"frozen", ref_of(run, at),
                            "it is frozen: `pinionctl thaw` lets it go on", at.waiting_at});
    if (is_polling(at))
      out.causes.push_back({"poll", ref_of(run, at), polling_sentence(run, at), at.poll_since});
    else
      add_upstream(run, at, out);
    break;
  case instance_state::retry_wait:
    out.causes.push_back({"retry", ref_of(run, at),
                          "attempt " + std::to_string(at.attempt) + " ended (" + at.message +
                              "); the next one starts at " + print_utc(at.retry_at),
                          at.ended_at});
    break;
  case instance_state::ready:
  case instance_state::running:
  case instance_state::async_running:
  case instance_state::dqc_check:
  case instance_state::stopping:
    out.causes.push_back({"running", ref_of(run, at), sentence_of(at), at.started_at});
    break;
  default:
    break;
  }
}

void add_forecast(const run_core& run, const forecast& times, std::uint32_t task, why_answer& out) {
  for (const auto each : times.critical_path(task))
    out.critical_path.push_back(ref_of(run, run.instances_of(each).front()));
}

} // namespace

caf::result<why_answer> run_state_data::explain(const msg::why_query& what) {
  const auto& at = core();
  why_answer out;
  const forecast times{at, *seed.context->ports.kv, seed.context->now()};
  std::vector<const instance_record*> blocked;
  if (what.key) {
    const auto* one = at.find(*what.key);
    if (one == nullptr)
      return to_error({errc::not_found, "the run has no such instance", {}});
    out.state = to_string(one->state);
    out.sentence = sentence_about(at, *one);
    if (is_terminal(one->state))
      out.causes = ended_causes(at, *one, max_causes);
    out.expected_start = is_terminal(one->state) ? never : times.start_of(one->key.task);
    out.expected_end = is_terminal(one->state) ? never : times.end_of(one->key.task);
    if (!is_terminal(one->state))
      add_forecast(at, times, one->key.task, out);
    if (one->mode == task_mode::frozen)
      out.expected_start = out.expected_end = never;
    blocked.push_back(one);
  } else {
    out.state = to_string(at.run().state);
    out.sentence = sentence_about(at);
    if (is_terminal(at.run().state)) {
      out.causes = ended_causes(at, max_causes);
    } else {
      out.expected_end = times.end_of_run();
      add_forecast(at, times, times.last_task(), out);
    }
    for (std::uint32_t task = 0; task < at.definition().tasks.size(); ++task)
      for (const auto& each : at.instances_of(task))
        if (!is_terminal(each.state) &&
            (each.state != instance_state::waiting || each.mode == task_mode::frozen ||
             is_polling(each)) &&
            blocked.size() < max_causes)
          blocked.push_back(&each);
  }
  auto promise = self->make_response_promise<why_answer>();
  for (const auto* each : blocked)
    if (each->state != instance_state::triggered)
      add_cause(at, *each, out);
  if (!at.open_edges().empty()) {
    msg::edges_query ask{at.run().id, std::nullopt};
    if (what.key)
      ask.task = what.key->task;
    const std::optional<instance_key> key = what.key;
    self->request(seed.context->directory, caf::infinite, ask)
        .then(
            [this, out, promise, key](std::vector<blocked_by> causes) mutable {
              // Nobody knows when another run ends.
              if (!causes.empty())
                out.expected_start = out.expected_end = never;
              out.causes.insert(out.causes.begin(), causes.begin(), causes.end());
              explain_places(std::move(out), key, promise);
            },
            [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
    return promise;
  }
  explain_places(std::move(out), what.key, promise);
  return promise;
}

// What the run cannot know itself: its turn in the workflow, and permits.
void run_state_data::explain_places(why_answer out, const std::optional<instance_key>& key,
                                    caf::typed_response_promise<why_answer> promise) {
  const auto& at = core();
  const auto first_of = [](const auto& cause) {
    return [cause](why_answer& into) { into.causes.insert(into.causes.begin(), cause); };
  };
  const auto fail = [promise](caf::error& why) mutable { promise.deliver(std::move(why)); };
  const auto* one = key ? at.find(*key) : first_pre_ready();
  if (at.run().state == run_state::queued && at.wants_place()) {
    self->request(seed.workflow, caf::infinite, msg::admission_query{at.run().id})
        .then(
            [out, promise, first_of](const blocked_by& cause) mutable {
              first_of(cause)(out);
              promise.deliver(out);
            },
            fail);
  } else if (one == nullptr || one->state != instance_state::pre_ready) {
    promise.deliver(std::move(out));
  } else if (one->why == reason::max_parallel) {
    const auto& task = at.definition().tasks[one->key.task];
    out.causes.push_back({"limit", ref_of(at, *one),
                          "max_parallel of " + task.name + " (" +
                              std::to_string(task.for_each->max_parallel) + ") is reached",
                          one->pre_ready_at});
    promise.deliver(std::move(out));
  } else {
    self->request(seed.context->dispatcher, caf::infinite, msg::position_query{one->key})
        .then(
            [out, promise, first_of, record = *one](const msg::queue_position& where) mutable {
              first_of(permit_cause(where, record))(out);
              promise.deliver(out);
            },
            fail);
  }
}

const instance_record* run_state_data::first_pre_ready() {
  for (std::uint32_t task = 0; task < core().definition().tasks.size(); ++task)
    for (const auto& each : core().instances_of(task))
      if (each.state == instance_state::pre_ready)
        return &each;
  return nullptr;
}

} // namespace pinion
