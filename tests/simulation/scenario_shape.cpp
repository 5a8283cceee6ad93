#include "simulation/scenario_shape.hpp"

#include "simulation/naive_run.hpp"
#include "simulation/scenario_writer.hpp"

#include <algorithm>
#include <optional>

namespace pinion::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using positions = std::vector<std::uint32_t>;

positions directly_behind(const workflow_definition& of, std::uint32_t task) {
  positions out;
  for (std::uint32_t each = 0; each < of.tasks.size(); ++each)
    if (std::count(of.tasks[each].needs.begin(), of.tasks[each].needs.end(), task) > 0)
      out.push_back(each);
  return out;
}

/// Some task with others behind it, which is its whole chain.
std::optional<std::uint32_t> some_upstream(random_source& draw, const workflow_definition& of) {
  positions all;
  for (std::uint32_t task = 0; task < of.tasks.size(); ++task)
    if (!of.tasks[task].fallback && !of.tasks[task].fallback_of &&
        of.tasks[task].type != task_type::choice && !directly_behind(of, task).empty())
      all.push_back(task);
  return all.empty() ? std::nullopt : std::optional{all[draw.below(all.size())]};
}

/// A value that is always the same, or what a task before it has written.
std::string draw_choice(random_source& draw, const workflow_definition& of, const positions& needs,
                        std::vector<std::string>& values) {
  for (const auto need : needs)
    if (of.tasks[need].type == task_type::shell && !of.tasks[need].for_each && draw.chance(70)) {
      values = {"true", "false"};
      return "(inputs." + of.tasks[need].name + ".n ?? 0) > 3";
    }
  values = {"a", "b"};
  static constexpr const char* literals[] = {"'a'", "'b'", "'c'"};
  return literals[draw.below(std::size(literals))];
}

void add_switch(random_source& draw, workflow_definition& of) {
  const auto at = some_upstream(draw, of);
  if (!at)
    return;
  auto& task = of.tasks[*at];
  auto made = shell_task(task.name);
  made.type = task_type::choice;
  made.argv.clear();
  made.needs = task.needs;
  made.join = task.join;
  made.timeout.upstream = task.timeout.upstream;
  auto& choice = made.choice.emplace();
  std::vector<std::string> values;
  choice.on = draw_choice(draw, of, made.needs, values);
  for (auto& value : values)
    choice.cases.push_back({std::move(value), {}});
  for (const auto each : directly_behind(of, *at)) {
    const auto into = draw.below(4);
    if (into < choice.cases.size())
      choice.cases[into].tasks.push_back(each);
    else if (into == choice.cases.size())
      choice.otherwise.push_back(each);
  }
  task = std::move(made);
}

void add_teardown(random_source& draw, workflow_definition& of) {
  const auto setup = some_upstream(draw, of);
  if (!setup)
    return;
  of.tasks[*setup].setup = true;
  auto task = shell_task("drop");
  task.needs = {*setup};
  for (std::uint32_t each = *setup + 1; each < of.tasks.size(); ++each)
    if (!of.tasks[each].fallback_of && tasks_before(of, each).contains(*setup) && draw.chance(50))
      task.needs.push_back(each);
  task.teardown = true;
  task.teardown_of = {*setup};
  task.join = join_rule::all_done_setup_success;
  task.ignore_failure = draw.chance(80);
  task.retry.max = static_cast<std::uint32_t>(draw.below(3));
  of.tasks.push_back(std::move(task));
}

/// Something about each of the task's needs.
std::string draw_condition(random_source& draw, const workflow_definition& of,
                           const positions& needs) {
  static constexpr const char* questions[] = {".success", ".success", ".failed", ".skipped",
                                              ".done"};
  std::string out;
  for (const auto need : needs) {
    auto part = (draw.chance(20) ? "!" : "") + of.tasks[need].name +
                questions[draw.below(std::size(questions))];
    if (out.empty())
      out = std::move(part);
    else
      out = (draw.chance(30) ? '(' + out + ')' : out) + (draw.chance(60) ? " && " : " || ") + part;
  }
  return draw.chance(15) ? "!(" + out + ')' : out;
}

task_definition draw_end_task(random_source& draw, std::string name) {
  auto task = shell_task(std::move(name));
  task.retry.max = static_cast<std::uint32_t>(draw.below(3));
  task.retry.delay = draw.between(milliseconds{10}, seconds{5});
  if (draw.chance(20))
    task.pools.push_back({"p0", 1});
  if (draw.chance(15))
    task.timeout.attempt = draw.between(seconds{1}, seconds{20});
  if (draw.chance(20)) {
    auto& loop = task.for_each.emplace();
    loop.variable = "x";
    loop.of = draw.chance(50) ? "run.failed" : R"(["a","b"])";
    loop.of_is_json = loop.of.front() == '[';
  }
  return task;
}

} // namespace

void draw_graph(random_source& draw, workflow_definition& of) {
  if (draw.chance(35))
    of.failure = draw.chance(50) ? failure_strategy::finish_running : failure_strategy::cancel;
  if (draw.chance(25))
    add_switch(draw, of);
  if (draw.chance(25))
    add_teardown(draw, of);
  for (auto& task : of.tasks)
    if (!task.needs.empty() && !task.teardown && draw.chance(12))
      task.join_condition = draw_condition(draw, of, task.needs);
}

void draw_end_tasks(random_source& draw, workflow_definition& of) {
  positions ends;
  for (auto left = draw.chance(40) ? draw.between(1, 2) : 0; left > 0; --left) {
    const auto position = static_cast<std::uint32_t>(of.tasks.size());
    auto task = draw_end_task(draw, "end" + std::to_string(left));
    task.on_run_failure = draw.chance(60);
    task.on_run_success = !task.on_run_failure || draw.chance(30);
    for (const auto end : ends)
      if (of.tasks[end].on_run_failure >= task.on_run_failure &&
          of.tasks[end].on_run_success >= task.on_run_success && draw.chance(50))
        task.needs.push_back(end);
    if (!task.needs.empty() && draw.chance(50))
      task.join = join_rule::all_done;
    ends.push_back(position);
    const bool backed = !task.for_each && draw.chance(20);
    of.tasks.push_back(std::move(task));
    if (!backed)
      continue;
    auto backup = shell_task(of.tasks[position].name + 'b');
    backup.fallback_of = position;
    of.tasks[position].fallback = position + 1;
    of.tasks.push_back(std::move(backup));
  }
}

} // namespace pinion::sim
