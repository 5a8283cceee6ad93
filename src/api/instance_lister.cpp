#include "api/instance_lister.hpp"

#include "api/objects.hpp"
#include "api/paging.hpp"
#include "pinion/storage/codecs.hpp"

#include <charconv>
#include <limits>

namespace pinion {
namespace {

/// Where a page begins: at (task, element) of the first run behind `runs`, a cursor of runs.
struct position {
  std::uint32_t task = 0;
  std::uint32_t element = 0;
  std::string runs;
};

std::string print(const position& at) {
  return std::to_string(at.task) + '.' + std::to_string(at.element) + '.' + at.runs;
}

result<position> parse(std::string_view text) {
  position at;
  if (text.empty())
    return at;
  const char* const end = text.data() + text.size();
  const auto task = std::from_chars(text.data(), end, at.task);
  if (task.ec == std::errc{} && task.ptr != end && *task.ptr == '.') {
    const auto element = std::from_chars(task.ptr + 1, end, at.element);
    if (element.ec == std::errc{} && element.ptr != end && *element.ptr == '.') {
      at.runs = std::string{element.ptr + 1, end};
      return at;
    }
  }
  return problem{errc::invalid, "'" + std::string{text} + "' is no cursor of this list"};
}

/// Collects the instances of one run behind others, until the page is full.
class run_walk {
public:
  run_walk(const store_view& view, const instance_query& query, json& items, std::size_t limit)
      : view_{view}, query_{query}, items_{items}, limit_{limit} {}

  /// Goes on at (task, element). Returns where to go on later, or nothing when the run is done.
  result<std::optional<instance_key>>
  walk(const run_record& run, const workflow_definition& definition, instance_key from) {
    run_ = &run;
    definition_ = &definition;
    next_task_ = from.task;
    mid_task_ = from.element > 0;
    const auto visit = [this](std::string_view key, std::string_view value) {
      return row(key, value);
    };
    BOOST_OUTCOME_TRYV(view_.kv().scan(family::instances, keys::instance(from),
                                       keys::after(keys::rows_of(run.id)), visit));
    if (bad_)
      return *bad_;
    if (!stopped_)
      gap_to(static_cast<std::uint32_t>(definition.tasks.size()));
    for (const auto& record : page_) {
      BOOST_OUTCOME_TRYV(show(record));
    }
    return stopped_;
  }

private:
  bool row(std::string_view key, std::string_view value) {
    const auto decoded = keys::decode_instance(key);
    auto record = decoded ? codecs::decode_instance(decoded.value(), value)
                          : result<instance_record>{decoded.error()};
    if (!record || record.value().key.task >= definition_->tasks.size()) {
      bad_ = record ? problem{errc::corrupt, "An instance has a task that its definition lacks"}
                    : record.error();
      return false;
    }
    gap_to(record.value().key.task);
    next_task_ = record.value().key.task + 1;
    mid_task_ = false;
    take(record.value(), record.value().key);
    return !stopped_;
  }

  /// Tasks before `task` that had no row stand in their initial state.
  void gap_to(std::uint32_t task) {
    if (mid_task_ && next_task_ < task) {
      // The page before ended within this task: it has rows.
      ++next_task_;
      mid_task_ = false;
    }
    for (; next_task_ < task && !stopped_; ++next_task_)
      take(objects::initial_instance(*run_, next_task_), {run_->id, next_task_, 0});
  }

  /// `place`: where a page that begins with this instance goes on.
  void take(const instance_record& record, const instance_key& place) {
    if (stopped_ || !passes(record))
      return;
    if (items_.size() + page_.size() == limit_) {
      stopped_ = place;
      return;
    }
    page_.push_back(record);
  }

  bool passes(const instance_record& record) const {
    return (!query_.state || record.state == *query_.state) &&
           (!query_.why || record.why == *query_.why) &&
           (query_.task.empty() || definition_->tasks[record.key.task].name == query_.task);
  }

  result<void> show(const instance_record& record) {
    BOOST_OUTCOME_TRY(shown, show_instance(view_, *run_, *definition_, record));
    items_.push_back(std::move(shown));
    return ok();
  }

  const store_view& view_;
  const instance_query& query_;
  json& items_;
  const std::size_t limit_;
  const run_record* run_ = nullptr;
  const workflow_definition* definition_ = nullptr;
  std::uint32_t next_task_ = 0;
  bool mid_task_ = false;
  std::vector<instance_record> page_;
  std::optional<instance_key> stopped_;
  std::optional<problem> bad_;
};

/// In which state a run is that has an instance in `state`; nothing: in any.
std::optional<run_state> run_state_with(instance_state state) {
  if (is_terminal(state))
    return std::nullopt;
  switch (state) {
  case instance_state::pre_trigger:
    return run_state::planned;
  case instance_state::triggered:
    return run_state::queued;
  default:
    return run_state::running;
  }
}

/// Can the run have an instance that the query asks for? By its counters, without a look at rows.
bool may_match(const run_record& run, const instance_query& query) {
  return !query.state || objects::shown_counts(run)[static_cast<std::size_t>(*query.state)] > 0;
}

/// Few runs have instances in such a state, and all of these have rows: an index finds them.
bool is_rare(instance_state state) {
  return is_terminal(state) && state != instance_state::success && state != instance_state::skipped;
}

bool is_of(const run_record& run, const instance_query& query) {
  return (query.workflow.empty() || run.workflow == query.workflow) &&
         (query.project.empty() || run.workflow.starts_with(query.project + '.'));
}

/// The next run that has instances in a rare state, as a page of one or none; cursors are "~" and
/// the number of the run before.
result<page<run_record>> next_with(const store_view& view, const instance_query& query,
                                   const std::string& cursor) {
  run_id before{std::numeric_limits<std::uint64_t>::max()};
  if (!cursor.empty()) {
    const char* const end = cursor.data() + cursor.size();
    const auto [at, failed] = std::from_chars(cursor.data() + 1, end, before.value);
    if (cursor.front() != '~' || failed != std::errc{} || at != end || before.value == 0)
      return problem{errc::invalid, "'" + cursor + "' is no cursor of this list"};
  }
  std::vector<run_id> found;
  result<void> outcome = ok();
  const auto prefix = keys::runs_by_instance_state("main", *query.state);
  const auto take = [&](std::string_view key, std::string_view) {
    auto id = keys::decode_newest_first(key, prefix.size());
    if (id)
      found.push_back(id.value());
    else
      outcome = id.error();
    return outcome.has_value() && found.size() < 2;
  };
  BOOST_OUTCOME_TRYV(view.kv().scan(family::index,
                                    keys::newest_first(prefix, run_id{before.value - 1}),
                                    keys::after(prefix), take));
  BOOST_OUTCOME_TRYV(outcome);
  page<run_record> part;
  if (found.empty())
    return part;
  BOOST_OUTCOME_TRY(run, view.rows.run(found.front()));
  if (run && is_of(*run, query))
    part.items.push_back(std::move(*run));
  if (found.size() > 1)
    part.next = '~' + std::to_string(found.front().value);
  return part;
}

/// Appends what one run has for the page.
result<std::optional<instance_key>> append_run(const store_view& view, const instance_query& query,
                                               const run_record& run, instance_key from,
                                               json& items, std::size_t limit) {
  if (!may_match(run, query))
    return std::optional<instance_key>{};
  BOOST_OUTCOME_TRY(definition, view.definition_of(run));
  if (query.run_passes && !query.run_passes(run, *definition))
    return std::optional<instance_key>{};
  return run_walk{view, query, items, limit}.walk(run, *definition, from);
}

} // namespace

result<json> show_instance(const store_view& view, const run_record& run,
                           const workflow_definition& definition, const instance_record& record) {
  objects::instance_view shown{run, definition, record, {}, "{}"};
  if (record.attempt > 0) {
    BOOST_OUTCOME_TRY(attempt, view.rows.attempt(record.key, record.attempt));
    if (attempt)
      shown.worker = attempt->worker;
  }
  if (record.has_outputs) {
    BOOST_OUTCOME_TRY(outputs, view.rows.output(record.key));
    if (outputs)
      shown.outputs = outputs->values;
  }
  return objects::instance(shown);
}

result<json> list_instances(const store_view& view, const instance_query& query,
                            const page_request& ask) {
  BOOST_OUTCOME_TRY(at, parse(ask.cursor));
  json items = json::array();
  run_filter filter;
  filter.project = query.project;
  filter.workflow = query.workflow;
  if (query.state)
    filter.state = run_state_with(*query.state);
  for (std::size_t looked = 0; looked < 1000; ++looked) {
    page<run_record> part;
    if (query.run) {
      BOOST_OUTCOME_TRY(run, view.rows.run(*query.run));
      if (run)
        part.items.push_back(std::move(*run));
    } else if (query.state && is_rare(*query.state)) {
      BOOST_OUTCOME_TRY(runs, next_with(view, query, at.runs));
      part = std::move(runs);
    } else {
      // One at a time, so that the cursor before each run is known.
      BOOST_OUTCOME_TRY(runs, view.rows.list_runs(filter, {1, at.runs}));
      part = std::move(runs);
    }
    for (const auto& run : part.items) {
      BOOST_OUTCOME_TRY(
          rest, append_run(view, query, run, {run.id, at.task, at.element}, items, ask.limit));
      if (rest)
        return objects::list(std::move(items), print({rest->task, rest->element, at.runs}));
    }
    if (part.next.empty())
      return objects::list(std::move(items), {});
    at = {0, 0, std::move(part.next)};
    if (items.size() == ask.limit)
      break;
  }
  return objects::list(std::move(items), print(at));
}

} // namespace pinion
