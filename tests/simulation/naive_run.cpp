#include "simulation/naive_run.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

/// A set of truths that something may have.
enum truths : std::uint8_t { no = 1, yes = 2, unknown = 4 };

/// Reads and evaluates a condition in one go; a part of which the rows do not tell for sure has
/// several values.
class condition_reader {
public:
  condition_reader(const workflow_definition& of, const std::string& text, const task_rows& rows)
      : of_{of}, text_{text}, rows_{rows} {}

  std::uint8_t any() {
    auto value = all();
    while (take("||"))
      value = negated(both(negated(value), negated(all())));
    return value;
  }

private:
  std::uint8_t all() {
    auto value = one();
    while (take("&&"))
      value = both(value, one());
    return value;
  }

  std::uint8_t one() {
    if (take("!"))
      return negated(one());
    if (take("(")) {
      const auto value = any();
      take(")");
      return value;
    }
    const auto dot = text_.find('.', at_);
    const auto name = text_.substr(at_, dot - at_);
    at_ = dot + 1;
    for (const auto* question : {"success", "failed", "skipped", "done"})
      if (take(question))
        return answer(name, question);
    return yes | no | unknown;
  }

  std::uint8_t answer(const std::string& name, const std::string& question) const {
    const auto found = std::find_if(of_.tasks.begin(), of_.tasks.end(),
                                    [&](const auto& task) { return task.name == name; });
    // Some elements failed and others were cancelled: which of them speaks for all is not judged.
    if (found->for_each && found->ignore_failure)
      return yes | no | unknown;
    const auto how = ways_of(of_, static_cast<std::uint32_t>(found - of_.tasks.begin()), rows_);
    if (how == 0)
      return unknown;
    if (question == "done")
      return yes;
    const auto asked = question == "success"  ? ways::success
                       : question == "failed" ? ways::failed
                                              : ways::skipped;
    return static_cast<std::uint8_t>(((how & asked) != 0 ? yes : 0) |
                                     ((how & ~asked) != 0 ? no : 0));
  }

  static std::uint8_t negated(std::uint8_t of) {
    return static_cast<std::uint8_t>(((of & yes) != 0 ? no : 0) | ((of & no) != 0 ? yes : 0) |
                                     (of & unknown));
  }

  static std::uint8_t of_both(std::uint8_t one, std::uint8_t other) {
    if (one == no || other == no)
      return no;
    return one == unknown || other == unknown ? unknown : yes;
  }

  static std::uint8_t both(std::uint8_t a, std::uint8_t b) {
    std::uint8_t out = 0;
    for (const std::uint8_t one : {no, yes, unknown})
      for (const std::uint8_t other : {no, yes, unknown})
        if ((a & one) != 0 && (b & other) != 0)
          out = static_cast<std::uint8_t>(out | of_both(one, other));
    return out;
  }

  bool take(std::string_view what) {
    while (at_ < text_.size() && text_[at_] == ' ')
      ++at_;
    if (text_.compare(at_, what.size(), what) != 0)
      return false;
    at_ += what.size();
    while (at_ < text_.size() && text_[at_] == ' ')
      ++at_;
    return true;
  }

  const workflow_definition& of_;
  const std::string& text_;
  const task_rows& rows_;
  std::size_t at_ = 0;
};

/// How one row counts for the run: as a failure, a cancel or a success; skipped says nothing.
run_state standing_of(instance_state state, bool ignored) {
  switch (state) {
  case instance_state::success:
    return run_state::success;
  case instance_state::cancelled:
    return run_state::cancelled;
  case instance_state::failed:
  case instance_state::upstream_failed:
    return ignored ? run_state::success : run_state::failed;
  default:
    return run_state::skipped;
  }
}

/// What a chain comes to by its last member that ran; nothing while that is alive.
std::optional<run_state> chain_of(const workflow_definition& of, std::uint32_t head,
                                  const task_rows& rows) {
  auto last = head;
  while (true) {
    const auto found = rows.find(last);
    if (found == rows.end() || !is_terminal(found->second.front().state))
      return std::nullopt;
    const auto state = found->second.front().state;
    if (state == instance_state::failed && of.tasks[last].fallback) {
      last = *of.tasks[last].fallback;
      continue;
    }
    const bool ignored = of.tasks[head].ignore_failure || of.tasks[last].ignore_failure;
    const auto as = standing_of(state, ignored);
    return last != head && as != run_state::success && !ignored ? run_state::failed : as;
  }
}

} // namespace

std::set<std::uint32_t> tasks_before(const workflow_definition& of, std::uint32_t task) {
  std::set<std::uint32_t> out;
  std::vector<std::uint32_t> open{task};
  while (!open.empty()) {
    const auto at = open.back();
    open.pop_back();
    for (const auto need : of.tasks[at].needs)
      if (out.insert(need).second)
        open.push_back(need);
  }
  return out;
}

bool waits_for_setup(const workflow_definition& of, std::uint32_t task, std::uint32_t setup) {
  const auto& needs = of.tasks[task].needs;
  if (!of.tasks[setup].setup || of.tasks[task].teardown ||
      std::count(needs.begin(), needs.end(), setup) > 0 || !tasks_before(of, task).contains(setup))
    return false;
  bool has_teardown = false;
  for (std::uint32_t end = 0; end < of.tasks.size(); ++end) {
    const auto& setups = of.tasks[end].teardown_of;
    if (std::count(setups.begin(), setups.end(), setup) == 0)
      continue;
    has_teardown = true;
    if (tasks_before(of, end).contains(task))
      return true;
  }
  return !has_teardown;
}

std::uint32_t head_of(const workflow_definition& of, std::uint32_t task) {
  while (of.tasks[task].fallback_of)
    task = *of.tasks[task].fallback_of;
  return task;
}

std::optional<run_state> outcome_of(const workflow_definition& of, const task_rows& rows,
                                    bool timed_out) {
  std::set<run_state> seen;
  for (std::uint32_t task = 0; task < of.tasks.size(); ++task) {
    const auto& definition = of.tasks[task];
    if (definition.fallback_of || definition.is_end_task())
      continue;
    const auto note = [&](run_state as) {
      seen.insert(definition.teardown && as == run_state::success ? run_state::skipped : as);
    };
    if (definition.fallback) {
      const auto chain = chain_of(of, task, rows);
      if (!chain)
        return std::nullopt;
      note(*chain);
      continue;
    }
    const auto found = rows.find(task);
    if (found == rows.end())
      return std::nullopt;
    for (const auto& row : found->second) {
      if (!is_terminal(row.state))
        return std::nullopt;
      note(standing_of(row.state, definition.ignore_failure));
    }
  }
  if (timed_out)
    return run_state::failed;
  for (const auto state : {run_state::failed, run_state::cancelled, run_state::success})
    if (seen.contains(state))
      return state;
  return run_state::skipped;
}

bool has_failed(const workflow_definition& of, const task_rows& rows) {
  for (const auto& [task, all] : rows) {
    const auto& definition = of.tasks[task];
    if (definition.fallback || definition.fallback_of || definition.is_end_task())
      continue;
    for (const auto& row : all)
      if (standing_of(row.state, definition.ignore_failure) == run_state::failed)
        return true;
  }
  return false;
}

bool may_hold(const workflow_definition& of, const std::string& text, const task_rows& rows) {
  return (condition_reader{of, text, rows}.any() & yes) != 0;
}

bool goes_on(const workflow_definition& of, std::uint32_t choice, const std::string& value,
             std::uint32_t task) {
  const auto& options = *of.tasks[choice].choice;
  std::set<std::uint32_t> named{options.otherwise.begin(), options.otherwise.end()};
  const auto* chosen = &options.otherwise;
  for (const auto& option : options.cases) {
    named.insert(option.tasks.begin(), option.tasks.end());
    if (option.value == value)
      chosen = &option.tasks;
  }
  if (!named.contains(task))
    return true;
  const auto before = tasks_before(of, task);
  return std::any_of(chosen->begin(), chosen->end(),
                     [&](std::uint32_t each) { return each == task || before.contains(each); });
}

} // namespace pinion::sim
