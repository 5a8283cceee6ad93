#include "simulation/scenario.hpp"

#include "simulation/scenario_shape.hpp"
#include "simulation/scenario_writer.hpp"

#include <algorithm>

namespace pinion::sim {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

task_definition shell_task(std::string name) {
  task_definition task;
  task.name = std::move(name);
  task.argv = {"work"};
  task.cwd = "/";
  task.grace = seconds{5};
  return task;
}

namespace {

/// Draws the definitions and the events of one scenario.
class scenario_writer {
public:
  explicit scenario_writer(std::uint64_t seed) : draw_{seed ^ 0x5ce4a210ULL} {}

  scenario write() {
    out_.settings.project = "sim";
    out_.settings.pools = {{"p0", 1}, {"p1", static_cast<std::uint32_t>(draw_.between(2, 3))}};
    out_.slots = static_cast<std::uint32_t>(draw_.between(1, 4));
    time_.draw_scale();
    // The last one calls nobody: the others may call those behind them.
    const auto workflows = draw_.between(1, 4);
    for (std::uint64_t i = 0; i < workflows; ++i)
      add_workflow(i, workflows);
    time_.bind_all();
    for (auto& workflow : out_.workflows)
      draw_end_tasks(draw_, workflow);
    add_actions();
    return std::move(out_);
  }

private:
  void add_workflow(std::uint64_t number, std::uint64_t all) {
    workflow_definition workflow;
    workflow.project = "sim";
    workflow.name = "w" + std::to_string(number);
    workflow.max_active_runs = static_cast<std::uint32_t>(draw_.between(1, 3));
    workflow.overlap = static_cast<overlap_policy>(draw_.below(5));
    if (draw_.chance(15))
      workflow.timeout = draw_.between(seconds{20}, minutes{2});
    const std::uint64_t most = time_.coarse() ? 8 : 14;
    const auto tasks = draw_.chance(60) ? draw_.between(2, 6) : draw_.between(5, most);
    for (std::uint64_t task = 0; task < tasks; ++task)
      add_task(workflow, number + 1 < all ? "w" + std::to_string(number + 1) : "");
    draw_graph(draw_, workflow);
    time_.add_triggers(workflow);
    out_.workflows.push_back(std::move(workflow));
  }

  void add_task(workflow_definition& workflow, const std::string& callee) {
    const auto number = static_cast<std::uint32_t>(workflow.tasks.size());
    auto task = shell_task("t" + std::to_string(number));
    for (std::uint32_t upstream = 0; upstream < number; ++upstream)
      if (!workflow.tasks[upstream].fallback_of && draw_.chance(number < 4 ? 50 : 25))
        task.needs.push_back(upstream);
    if (draw_.chance(25)) {
      static constexpr join_rule rules[] = {
          join_rule::all_done,     join_rule::one_success, join_rule::one_failed,
          join_rule::none_failed,  join_rule::all_failed,  join_rule::none_failed_min_one_success,
          join_rule::none_skipped, join_rule::always,      join_rule::one_done};
      task.join = rules[draw_.below(std::size(rules))];
    }
    draw_kind(task, callee);
    draw_limits(task);
    draw_shape(task, workflow);
    workflow.tasks.push_back(std::move(task));
    auto& made = workflow.tasks.back();
    if (made.type != task_type::workflow && !made.for_each && draw_.chance(12)) {
      auto backup = shell_task("t" + std::to_string(number) + "b");
      backup.fallback_of = number;
      backup.retry.max = static_cast<std::uint32_t>(draw_.below(2));
      made.fallback = number + 1;
      workflow.tasks.push_back(std::move(backup));
    }
  }

  void draw_kind(task_definition& task, const std::string& callee) {
    const auto kind = draw_.below(100);
    if (kind < 12) {
      task.type = task_type::empty;
      task.argv.clear();
    } else if (kind < 22 && !callee.empty()) {
      task.type = task_type::workflow;
      task.argv.clear();
      task.call_workflow = callee;
    } else if (kind < 30) {
      for (auto left = draw_.between(1, 2); left > 0; --left) {
        check_definition check;
        check.name = "check" + std::to_string(left);
        check.argv = {"verify"};
        check.weak = draw_.chance(30);
        task.checks.push_back(std::move(check));
      }
    }
  }

  void draw_limits(task_definition& task) {
    if (draw_.chance(50)) {
      task.retry.max = static_cast<std::uint32_t>(draw_.between(1, 3));
      task.retry.delay = draw_.between(milliseconds{10}, seconds{20});
      task.retry.factor = 2;
      if (draw_.chance(20))
        task.retry.on_exit = {75};
    }
    // A caller that holds what its callee needs waits for ever, as it was told to.
    const bool calls = task.type == task_type::workflow;
    if (!calls && draw_.chance(20))
      task.pools.push_back({"p0", 1});
    if (!calls && draw_.chance(20))
      task.pools.push_back({"p1", static_cast<std::uint32_t>(draw_.between(1, 2))});
    if (draw_.chance(15))
      task.timeout.attempt = draw_.between(seconds{1}, seconds{20});
    if (draw_.chance(8))
      task.timeout.queue = draw_.between(seconds{1}, seconds{40});
    if (draw_.chance(8))
      task.timeout.upstream = draw_.between(seconds{5}, minutes{1});
    if (draw_.chance(8))
      task.timeout.task = draw_.between(seconds{5}, minutes{1});
    if (task.type == task_type::shell && draw_.chance(15)) {
      auto& poll = task.poll.emplace();
      poll.every = draw_.between(milliseconds{200}, seconds{15});
      poll.timeout = draw_.between(seconds{10}, minutes{3});
      poll.not_yet = {1, 75};
    }
    task.ignore_failure = draw_.chance(8);
    task.priority = static_cast<std::uint8_t>(draw_.between(1, 9));
  }

  void draw_shape(task_definition& task, const workflow_definition& workflow) {
    if (draw_.chance(15)) {
      fan_out loop;
      loop.variable = "x";
      loop.of = draw_.chance(15) ? "[]" : R"(["a","b","c"])";
      loop.of_is_json = true;
      const auto shell = std::find_if(task.needs.begin(), task.needs.end(), [&](auto upstream) {
        return workflow.tasks[upstream].type == task_type::shell &&
               !workflow.tasks[upstream].for_each;
      });
      if (shell != task.needs.end() && draw_.chance(60)) {
        loop.of = "inputs." + workflow.tasks[*shell].name + ".list ?? []";
        loop.of_is_json = false;
      }
      loop.max_parallel = static_cast<std::uint32_t>(draw_.below(3));
      task.for_each = std::move(loop);
    }
    if (draw_.chance(8))
      task.when = draw_.chance(50) ? "true" : "false";
  }

  scripted_action& add(scripted_action::kind what, duration at) {
    scripted_action action;
    action.what = what;
    action.at = at;
    action.workflow = out_.workflows[draw_.below(out_.workflows.size())].id();
    out_.actions.push_back(std::move(action));
    return out_.actions.back();
  }

  duration sometime() { return draw_.between(seconds{1}, out_.lasts); }

  void add_actions() {
    using kind = scripted_action::kind;
    add(kind::apply, duration{0});
    for (auto left = draw_.between(1, 3); left > 0; --left)
      add(kind::trigger, sometime());
    for (auto left = draw_.below(4); left > 0; --left)
      add(kind::operate, sometime()).verb = static_cast<run_operation::verb>(draw_.below(8));
    if (draw_.chance(25))
      add_pair(kind::pause, kind::resume);
    if (draw_.chance(15))
      add_pair(kind::hold, kind::unhold);
    if (draw_.chance(20))
      add(kind::kill_launcher, sometime());
    for (auto left = draw_.chance(30) ? draw_.between(1, 2) : 0; left > 0; --left)
      add(kind::step_clock, sometime()).step = time_.draw_step();
    if (draw_.chance(25))
      add(kind::crash, sometime());
    if (draw_.chance(10))
      add(kind::reboot, sometime());
    add_switches();
    for (auto left = draw_.chance(30) ? draw_.between(1, 3) : 0; left > 0; --left)
      add(kind::make_slot, sometime());
    for (auto left = draw_.chance(40) ? draw_.between(1, 2) : 0; left > 0; --left)
      add_backfill();
    if (draw_.chance(25)) {
      time_.draw_edit();
      const auto at = sometime();
      add(kind::edit, at);
      if (draw_.chance(40))
        add(kind::edit, at + draw_.between(duration{0}, out_.lasts - at)).original = true;
    }
    std::stable_sort(out_.actions.begin(), out_.actions.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
  }

  void add_switches() {
    using kind = scripted_action::kind;
    for (auto left = draw_.chance(35) ? draw_.between(1, 3) : 0; left > 0; --left) {
      const auto from = sometime();
      auto& on = add(kind::switch_task, from);
      const auto& tasks = out_.workflows[position_of(on.workflow)].tasks;
      on.task = tasks[draw_.below(tasks.size())].name;
      on.mode = draw_.chance(50) ? task_mode::frozen : task_mode::dry;
      const auto copy = on;
      if (!draw_.chance(50))
        continue;
      auto& off = add(kind::switch_task, from + draw_.between(duration{0}, out_.lasts - from));
      off.workflow = copy.workflow;
      off.task = copy.task;
    }
  }

  void add_backfill() {
    using kind = scripted_action::kind;
    const auto from = sometime();
    auto& action = add(kind::backfill, from);
    const auto& of = out_.workflows[position_of(action.workflow)];
    if (!of.triggers.empty())
      action.ask.trigger = of.triggers[draw_.below(of.triggers.size())].id;
    action.slots = static_cast<std::uint32_t>(draw_.between(1, 7));
    auto& ask = action.ask;
    ask.workflow = action.workflow;
    ask.parallel = static_cast<std::uint32_t>(draw_.between(1, 3));
    ask.descending = draw_.chance(25);
    ask.reprocess = static_cast<reprocess_policy>(draw_.below(3));
    ask.stop_on_failure = draw_.chance(50);
    ask.pinned = draw_.chance(25);
    ask.isolated = draw_.chance(20);
    ask.downstream = draw_.chance(25);
    if (draw_.chance(20)) {
      ask.tasks = {of.tasks[draw_.below(of.tasks.size())].name};
      ask.leave_rest = draw_.chance(50);
    }
    if (time_.coarse() && draw_.chance(10))
      ask.hours = {std::chrono::hours{1}, std::chrono::hours{5}};
    if (draw_.chance(40))
      add(kind::steer_backfill, from + draw_.between(duration{0}, out_.lasts - from)).steer =
          static_cast<backfill_verb>(draw_.below(3));
  }

  std::size_t position_of(const std::string& workflow) const {
    std::size_t at = 0;
    while (out_.workflows[at].id() != workflow)
      ++at;
    return at;
  }

  void add_pair(scripted_action::kind on, scripted_action::kind off) {
    const auto from = sometime();
    const auto workflow = add(on, from).workflow;
    // Before the end, when all triggers are paused for good.
    const auto most = std::max<duration>(out_.lasts / 3, seconds{20});
    const auto until =
        std::min<duration>(from + draw_.between(duration{seconds{1}}, most), out_.lasts);
    auto& ends = add(off, until);
    ends.workflow = workflow;
    ends.owed = static_cast<catch_up>(draw_.below(3));
  }

  random_source draw_;
  scenario out_;
  time_writer time_{draw_, out_};
};

} // namespace

scenario two_tasks() {
  scenario out;
  out.settings.project = "sim";
  workflow_definition workflow;
  workflow.project = "sim";
  workflow.name = "two";
  workflow.tasks = {shell_task("a"), shell_task("b")};
  workflow.tasks[1].needs = {0};
  for (auto& task : workflow.tasks)
    task.retry.max = 9;
  out.workflows = {std::move(workflow)};
  scripted_action apply;
  scripted_action trigger;
  trigger.what = scripted_action::kind::trigger;
  trigger.at = seconds{1};
  trigger.workflow = "sim.two";
  out.actions = {apply, trigger};
  out.lasts = seconds{20};
  return out;
}

scenario polling() {
  auto out = two_tasks();
  auto& poll = out.workflows.front().tasks.front().poll.emplace();
  poll.every = seconds{2};
  poll.timeout = minutes{1};
  poll.not_yet = {1, 75};
  out.lasts = seconds{40};
  return out;
}

scenario shaped() {
  auto out = two_tasks();
  auto& workflow = out.workflows.front();
  workflow.failure = failure_strategy::cancel;
  const auto add = [&](const char* name, std::vector<std::uint32_t> needs) -> task_definition& {
    auto task = shell_task(name);
    task.needs = std::move(needs);
    task.retry.max = 9;
    workflow.tasks.push_back(std::move(task));
    return workflow.tasks.back();
  };
  workflow.tasks.clear();
  add("create", {}).setup = true;
  auto& look = add("look", {0});
  look.poll = poll_policy{seconds{2}, minutes{1}, {1, 75}};
  auto& route = add("route", {1});
  route.type = task_type::choice;
  route.argv.clear();
  route.retry.max = 0;
  route.choice = choice_definition{"inputs.look.n > 3", {{"true", {3}}, {"false", {4}}}, {}};
  add("many", {2});
  add("few", {2});
  add("both", {3, 4}).join = join_rule::none_failed_min_one_success;
  auto& drop = add("drop", {0, 5});
  drop.teardown = true;
  drop.teardown_of = {0};
  drop.join = join_rule::all_done_setup_success;
  drop.ignore_failure = true;
  scripted_action cancel;
  cancel.what = scripted_action::kind::operate;
  cancel.verb = run_operation::verb::cancel;
  cancel.at = seconds{25};
  out.actions.push_back(cancel);
  out.lasts = seconds{40};
  return out;
}

scenario ending() {
  auto out = two_tasks();
  auto& tasks = out.workflows.front().tasks;
  for (auto& task : tasks)
    task.retry.max = 0;
  tasks.push_back(shell_task("clean_up"));
  tasks.back().on_run_failure = true;
  tasks.push_back(shell_task("report"));
  tasks.back().on_run_failure = tasks.back().on_run_success = true;
  tasks.push_back(shell_task("announce"));
  tasks.back().on_run_success = true;
  tasks.back().needs = {3};
  out.lasts = seconds{60};
  return out;
}

scenario random_scenario(std::uint64_t seed) { return scenario_writer{seed}.write(); }

const slot_rule* rule_of(const std::vector<workflow_definition>& all, const std::string& workflow,
                         const std::string& trigger) {
  for (const auto& of : all)
    for (const auto& each : of.triggers)
      if (of.id() == workflow && each.id == trigger)
        return each.after ? rule_of(all, each.after->workflow, each.after->trigger) : &each.slots;
  return nullptr;
}

} // namespace pinion::sim
