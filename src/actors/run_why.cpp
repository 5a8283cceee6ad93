#include "actors/forecast.hpp"
#include "actors/run.hpp"
#include "actors/why_because.hpp"
#include "actors/why_foreign.hpp"
#include "actors/why_text.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <set>

namespace pinion {

namespace {

/// Causes that one answer lists at most.
constexpr std::size_t max_causes = 20;
/// Instances that one question asks the DISPATCHER about.
constexpr std::size_t max_asked = 5;
/// Tasks that one sentence names.
constexpr std::size_t max_names = 5;
/// Elements of a fan-out that speak for it.
constexpr std::size_t max_elements = 3;

std::string sentence_of(const instance_record& at) {
  auto text = std::string{to_string(at.state)};
  if (at.why != reason::none)
    text += " (" + std::string{to_string(at.why)} + ')';
  return at.message.empty() ? text : text + ": " + at.message;
}

/// It waits for upstream, of its run or of others; in a run that is not admitted as `triggered`.
bool waits_for_others(const instance_record& at) {
  return (at.state == instance_state::waiting || at.state == instance_state::triggered) &&
         at.mode != task_mode::frozen && !is_polling(at);
}

/// What really keeps a run, or an instance of it: those that do not themselves wait for others of
/// the run, and the tasks on the way that wait for other runs.
struct why_roots {
  std::vector<instance_key> keys;
  std::vector<std::uint32_t> with_edges;
};

class root_search {
public:
  explicit root_search(const run_core& run) : run_{run}, seen_(run.definition().tasks.size()) {
    for (const auto* edge : run.open_edges())
      open_edges_.insert(edge->task);
  }

  void of_task(std::uint32_t task) {
    std::vector<std::uint32_t> next{task};
    while (!next.empty() && found_.keys.size() < max_causes) {
      const auto at = next.back();
      next.pop_back();
      if (seen_[at])
        continue;
      seen_[at] = true;
      look_at(at, next);
    }
  }

  /// One element of a fan-out speaks for itself alone.
  void of_instance(const instance_record& at) {
    if (waits_for_others(at))
      return of_task(at.key.task);
    if (!is_terminal(at.state))
      found_.keys.push_back(at.key);
  }

  void of_run() {
    for (std::uint32_t task = 0; task < seen_.size() && found_.keys.size() < max_causes; ++task) {
      std::vector<std::uint32_t> behind; // Each task speaks for itself.
      if (!seen_[task])
        look_at(task, behind);
    }
  }

  why_roots take() { return std::move(found_); }

private:
  void look_at(std::uint32_t task, std::vector<std::uint32_t>& next) {
    if (open_edges_.contains(task))
      found_.with_edges.push_back(task);
    std::size_t listed = 0;
    for (const auto& at : run_.instances_of(task)) {
      if (is_terminal(at.state))
        continue;
      if (waits_for_others(at)) {
        const auto pending = upstream_of(task);
        next.insert(next.end(), pending.begin(), pending.end());
        return;
      }
      found_.keys.push_back(at.key);
      if (++listed == max_elements)
        return;
    }
  }

  std::vector<std::uint32_t> upstream_of(std::uint32_t task) const {
    if (const auto primary = run_.definition().tasks[task].fallback_of)
      return {*primary};
    return run_.pending_upstream(task);
  }

  const run_core& run_;
  std::vector<bool> seen_;
  std::set<std::uint32_t> open_edges_;
  why_roots found_;
};

} // namespace

/// A question under way: what it is about, and what others have answered.
struct why_question {
  std::optional<instance_key> key;
  caf::typed_response_promise<why_answer> promise;
  why_roots roots;
  std::vector<instance_key> queued; ///< Still to be asked of the DISPATCHER.
  std::vector<blocked_by> turn;     ///< From the WORKFLOW.
  std::vector<blocked_by> edges;    ///< From the DIRECTORY.
  std::map<instance_key, msg::queue_position> places;
};

namespace {

/// Makes the answer from the live state and what others said.
class why_writer {
public:
  why_writer(const run_core& run, const engine_context& context, const why_question& asked)
      : run_{run}, context_{context}, asked_{asked}, store_{*context.ports.kv}, now_{context.now()},
        others_{*context.ports.kv, now_}, times_{run, *context.ports.kv, now_, limits()} {}

  why_answer about(const instance_record& at) {
    out_.state = to_string(at.state);
    out_.sentence = sentence_about(run_, at);
    const auto task = at.key.task;
    if (is_terminal(at.state)) {
      out_.causes = ended_causes(run_, at, max_causes);
    } else {
      if (waits_for_others(at))
        add_upstream(at);
      add_others();
      out_.expected_start = times_.start_of(task);
      out_.expected_end = times_.end_of(task);
      add_path(times_.critical_path(task));
    }
    out_.because = past_of(run_, at, store_, out_.expected_end);
    return std::move(out_);
  }

  why_answer about_run() {
    out_.state = to_string(run_.run().state);
    out_.sentence = sentence_about(run_);
    if (is_terminal(run_.run().state)) {
      out_.causes = ended_causes(run_, max_causes);
      add_path(path_that_was(run_));
    } else {
      add_others();
      out_.expected_start = run_.run().started_at != never ? run_.run().started_at : first_start();
      out_.expected_end = times_.end_of_run();
      add_path(times_.critical_path(times_.last_task()));
    }
    out_.because = past_of(run_);
    return std::move(out_);
  }

private:
  // What is said of the future has to know what is blocked now.
  forecast_limits limits() {
    forecast_limits out;
    for (const auto& cause : asked_.turn) {
      out.nothing_begins = out.nothing_begins || cause.until == never;
      out.earliest = std::max(out.earliest, cause.until);
    }
    auto edges_end = asked_.edges.empty() ? never : asked_.edges.front().until;
    for (const auto& cause : asked_.edges)
      edges_end =
          cause.until == never || edges_end == never ? never : std::max(edges_end, cause.until);
    if (!asked_.edges.empty())
      for (const auto* edge : run_.open_edges())
        out.blocked[edge->task] = edges_end;
    for (const auto& [key, place] : asked_.places) {
      out.nothing_begins = out.nothing_begins || place.held;
      out.blocked[key.task] = place.granted ? now_ : until_of(key, place);
    }
    return out;
  }

  /// When permits are expected to be there: the first holder's end, if it is next.
  instant until_of(const instance_key& key, const msg::queue_position& place) {
    const auto known = until_.find(key);
    if (known != until_.end())
      return known->second;
    instant first = never;
    if (!place.held && !place.never && !place.behind && place.position <= 1)
      for (const auto& holder : place.holders) {
        const auto end = others_.end_of(holder);
        if (end != never && (first == never || end < first))
          first = end;
      }
    return until_[key] = first;
  }

  std::string name_of(const instance_key& key) {
    const auto* own = key.run == run_.run().id ? run_.find(key) : nullptr;
    return own != nullptr ? ref_of(run_, *own) : others_.name_of(key);
  }

  void add(blocked_by cause) {
    if (out_.causes.size() < max_causes)
      out_.causes.push_back(std::move(cause));
  }

  void add_path(const std::vector<std::uint32_t>& tasks) {
    for (const auto each : tasks)
      out_.critical_path.push_back(ref_of(run_, run_.instances_of(each).front()));
  }

  instant first_start() const {
    instant first = never;
    for (std::uint32_t task = 0; task < run_.definition().tasks.size(); ++task)
      if (const auto start = times_.start_of(task);
          start != never && (first == never || start < first))
        first = start;
    return first;
  }

  /// What the instance itself waits for within the run.
  void add_upstream(const instance_record& at) {
    const auto& tasks = run_.definition().tasks;
    if (const auto primary = tasks[at.key.task].fallback_of) {
      const auto& first = run_.instances_of(*primary).front();
      add({"fallback", ref_of(run_, first),
           "runs only if " + tasks[*primary].name + " fails for good; that one is " +
               std::string{to_string(first.state)},
           at.waiting_at, never});
      return;
    }
    if (tasks[at.key.task].is_end_task() && !run_.outcome()) {
      add_end(at);
      return;
    }
    for (const auto pending : run_.pending_upstream(at.key.task))
      add({"upstream", pending_ref(pending),
           "waits for " + tasks[pending].name + ", " + standing_of(pending), at.waiting_at,
           times_.end_of(pending)});
  }

  /// It waits for the end of the run: of what keeps that, the roots tell.
  void add_end(const instance_record& at) {
    const auto pending = run_.pending_upstream(at.key.task);
    const auto& tasks = run_.definition().tasks;
    auto until = now_;
    std::string names;
    for (std::size_t i = 0; i < pending.size(); ++i) {
      const auto end = times_.end_of(pending[i]);
      until = end == never || until == never ? never : std::max(until, end);
      if (i < max_names)
        names += (i == 0 ? "" : ", ") + tasks[pending[i]].name;
    }
    if (pending.size() > max_names)
      names += " and " + std::to_string(pending.size() - max_names) + " more";
    add({"end", to_string(run_.run().id),
         "waits for the end of the run: " + names +
             (pending.size() == 1 ? " has not ended" : " have not ended"),
         at.waiting_at, until});
  }

  std::string pending_ref(std::uint32_t task) const {
    const auto& all = run_.instances_of(task);
    return all.size() == 1 ? ref_of(run_, all.front())
                           : to_string(run_.run().id) + '/' + run_.definition().tasks[task].name;
  }

  std::string standing_of(std::uint32_t task) const {
    const auto& all = run_.instances_of(task);
    if (all.size() == 1)
      return "which is " + sentence_of(all.front());
    const auto ended =
        std::count_if(all.begin(), all.end(), [](const auto& at) { return is_terminal(at.state); });
    return "of which " + std::to_string(ended) + " of " + std::to_string(all.size()) +
           " have ended";
  }

  /// The turn of the run, other runs, and the roots.
  void add_others() {
    for (const auto& cause : asked_.turn)
      add(cause);
    for (const auto& cause : asked_.edges)
      add(cause);
    for (const auto& key : asked_.roots.keys)
      if (const auto* at = run_.find(key))
        add_own(*at);
  }

  void add_own(const instance_record& at) {
    if (at.mode == task_mode::frozen && !is_active(at.state))
      add_frozen(at);
    const auto ref = ref_of(run_, at);
    switch (at.state) {
    case instance_state::pre_trigger:
      add({"time", to_string(run_.run().id),
           "its slot is not due before " + print_utc(run_.run().slot), run_.run().created_at,
           run_.run().slot});
      break;
    case instance_state::waiting:
      if (is_polling(at))
        add_poll(at);
      break;
    case instance_state::pre_ready:
      add_place(at);
      break;
    case instance_state::retry_wait:
      add({"retry", ref,
           "attempt " + std::to_string(at.attempt) + " ended (" + at.message +
               "); the next one starts at " + print_utc(at.retry_at),
           at.ended_at, at.retry_at});
      break;
    case instance_state::dqc_check:
      add({"check", ref, check_of(at), at.body_ended_at, times_.end_of(at.key.task)});
      break;
    case instance_state::stopping:
      add({"stopping", ref,
           "its process is being stopped, with a grace of " +
               rounded(run_.definition().tasks[at.key.task].grace) +
               (at.message.empty() ? "" : " (" + at.message + ')'),
           never, never});
      break;
    case instance_state::ready:
    case instance_state::running:
    case instance_state::async_running:
      add_running(at);
      break;
    default:
      break;
    }
  }

  void add_poll(const instance_record& at) {
    const auto gives_up = at.poll_since + run_.definition().tasks[at.key.task].poll->timeout;
    const bool looks_again = at.mode != task_mode::frozen && at.retry_at < gives_up;
    auto text = "what it looks for is not there yet (" + at.message + ')';
    if (looks_again)
      text += "; the next look is at " + print_utc(at.retry_at);
    add({"poll", ref_of(run_, at), text + "; it gives up at " + print_utc(gives_up), at.poll_since,
         looks_again ? at.retry_at : never});
  }

  void add_running(const instance_record& at) {
    const auto ref = ref_of(run_, at);
    if (at.called != run_id{}) {
      const auto called = store_.run(at.called);
      const auto state = called && called.value() ? to_string(called.value()->state) : "not known";
      add({"call", to_string(at.called),
           ref + " waits for the run that it called, which is " + std::string{state}, at.started_at,
           others_.end_of(at.called)});
      return;
    }
    if (at.state == instance_state::ready && !context_.launcher_connected) {
      add({"worker", "worker",
           "the launcher is not connected, so nothing can be started: the engine's log says why",
           at.ready_at, never});
      return;
    }
    add({"running", ref, sentence_of(at), at.started_at, times_.end_of(at.key.task)});
  }

  std::string check_of(const instance_record& at) const {
    const auto& checks = run_.definition().tasks[at.key.task].checks;
    const auto step = std::min<std::size_t>(at.step, checks.size());
    return "check " + std::to_string(step) + " of " + std::to_string(checks.size()) + " runs" +
           (step == 0 ? "" : ": " + checks[step - 1].name);
  }

  void add_frozen(const instance_record& at) {
    const auto& name = run_.definition().tasks[at.key.task].name;
    std::string by;
    instant since = at.waiting_at;
    if (const auto switched = store_.task_switches_of(run_.run().workflow))
      for (const auto& each : switched.value())
        if (each.task == name && each.mode == task_mode::frozen) {
          by = ", as the whole task is, by " + each.by +
               (each.reason.empty() ? "" : " (" + each.reason + ')');
          since = each.at;
        }
    const auto what = by.empty() ? ref_of(run_, at) : run_.run().workflow + '.' + name;
    add({"frozen", what, "it is frozen" + by + ": `pinionctl thaw " + what + "` lets it go on",
         since, never});
  }

  /// Where an instance stands that could begin.
  void add_place(const instance_record& at) {
    const auto& task = run_.definition().tasks[at.key.task];
    if (at.why == reason::max_parallel) {
      add({"limit", ref_of(run_, at),
           "max_parallel of " + task.name + " (" + std::to_string(task.for_each->max_parallel) +
               ") is reached",
           at.pre_ready_at, never});
      return;
    }
    if (const auto place = asked_.places.find(at.key); place != asked_.places.end())
      add(permit_cause(at, place->second));
    else
      add({"pool", ref_of(run_, at), "waits in the queue for permits and a worker's slot",
           at.pre_ready_at, never});
  }

  blocked_by permit_cause(const instance_record& at, const msg::queue_position& where) {
    const auto since = at.pre_ready_at;
    if (where.held)
      return {"held", "engine", "the engine is on hold: it starts nothing new until `unhold`",
              since, never};
    if (!where.known || where.granted)
      return {"worker", "worker", "permits are granted; the start is being written", since, now_};
    const auto position = "; position " + std::to_string(where.position) + " in the queue" +
                          (run_.run().backfill == 0 ? "" : ", behind all that no backfill makes");
    if (where.behind)
      return {"reserved", name_of(*where.behind),
              "what is free is kept for " + name_of(*where.behind) +
                  ", which comes first and needs more" + position,
              since, never};
    const bool slots = where.pool == "slots";
    const auto usage =
        " (" + std::to_string(where.used) + " of " + std::to_string(where.capacity) + " in use)";
    std::string message;
    if (where.never)
      message = "pool " + where.pool +
                " is smaller than what the task asks for: it can never start" + usage;
    else
      message = (slots         ? "all worker slots are taken"
                 : where.limit ? where.pool + " is reached"
                               : "pool " + where.pool + " is full") +
                usage + held_by(where.holders) + position;
    return {slots         ? "worker"
            : where.limit ? "limit"
                          : "pool",
            where.pool, message, since, until_of(at.key, where)};
  }

  std::string held_by(const std::vector<instance_key>& holders) {
    std::string text;
    for (const auto& holder : holders)
      text += (text.empty() ? ", held by " : ", ") + name_of(holder);
    return text;
  }

  const run_core& run_;
  const engine_context& context_;
  const why_question& asked_;
  store_reader store_;
  instant now_;
  foreign_runs others_;
  std::map<instance_key, instant> until_;
  forecast times_;
  why_answer out_;
};

} // namespace

caf::result<why_answer> run_state_data::explain(const msg::why_query& what) {
  const auto& at = core();
  const auto asked = std::make_shared<why_question>();
  asked->key = what.key;
  root_search search{at};
  if (what.key) {
    const auto* one = at.find(*what.key);
    if (one == nullptr)
      return to_error({errc::not_found, "the run has no such instance", {}});
    search.of_instance(*one);
  } else {
    search.of_run();
  }
  asked->roots = search.take();
  for (const auto& key : asked->roots.keys)
    if (const auto* one = at.find(key); one->state == instance_state::pre_ready &&
                                        one->why != reason::max_parallel &&
                                        asked->queued.size() < max_asked)
      asked->queued.push_back(key);
  asked->promise = self->make_response_promise<why_answer>();
  ask_turn(asked);
  return asked->promise;
}

// Each of those who know more is asked in turn; what the run itself knows is written last, so that
// it is of one moment.
void run_state_data::ask_turn(const why_question_ptr& asked) {
  if (core().run().state != run_state::queued || !core().wants_place())
    return ask_edges(asked);
  self->request(seed.workflow, caf::infinite, msg::admission_query{core().run().id})
      .then(
          [this, asked](std::vector<blocked_by> causes) {
            asked->turn = std::move(causes);
            ask_edges(asked);
          },
          [asked](caf::error& why) { asked->promise.deliver(std::move(why)); });
}

void run_state_data::ask_edges(const why_question_ptr& asked) {
  const auto& tasks = asked->roots.with_edges;
  if (tasks.empty())
    return ask_places(asked);
  self->request(seed.context->directory, caf::infinite, msg::edges_query{core().run().id, tasks})
      .then(
          [this, asked](std::vector<blocked_by> causes) {
            asked->edges = std::move(causes);
            ask_places(asked);
          },
          [asked](caf::error& why) { asked->promise.deliver(std::move(why)); });
}

void run_state_data::ask_places(const why_question_ptr& asked) {
  if (asked->queued.empty())
    return answer_why(*asked);
  const auto key = asked->queued.back();
  asked->queued.pop_back();
  self->request(seed.context->dispatcher, caf::infinite, msg::position_query{key})
      .then(
          [this, asked, key](const msg::queue_position& where) {
            asked->places[key] = where;
            ask_places(asked);
          },
          [asked](caf::error& why) { asked->promise.deliver(std::move(why)); });
}

void run_state_data::answer_why(why_question& asked) {
  why_writer writer{core(), *seed.context, asked};
  if (!asked.key) {
    asked.promise.deliver(writer.about_run());
    return;
  }
  if (const auto* one = core().find(*asked.key))
    asked.promise.deliver(writer.about(*one));
  else
    asked.promise.deliver(to_error({errc::not_found, "the run has no such instance", {}}));
}

} // namespace pinion
