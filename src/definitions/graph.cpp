#include "definitions/graph.hpp"

#include "definitions/suggest.hpp"
#include "definitions/text_place.hpp"
#include "definitions/value_reader.hpp"
#include "pinion/definitions/limits.hpp"
#include "pinion/model/join_condition.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace pinion::definitions {

namespace {

class linker {
public:
  linker(const reporter& report, const std::vector<task_links>& links,
         std::vector<task_definition>& tasks)
      : report_{report}, links_{links}, tasks_{tasks} {
    positions_.reserve(tasks.size());
    for (std::uint32_t i = 0; i < tasks.size(); ++i)
      positions_.emplace(tasks[i].name, i);
  }

  void run(const order_links& order) {
    const auto errors = report_.sink.error_count();
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      add_needs(i);
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      add_fallback(i);
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      add_previous(i);
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      add_choice(i);
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      add_teardown(i);
    check_names_of_needs();
    add_ends(order.ends.on_failure, &task_definition::on_run_failure);
    add_ends(order.ends.on_success, &task_definition::on_run_success);
    if (order.flow != nullptr)
      add_flow(*order.flow);
    check_fallbacks();
    check_roles();
    if (edges_ > definition_limits::edges)
      return report_.error(0, "more than 1,000,000 dependencies between the tasks of a workflow",
                           "put an `empty` task between wide rows");
    for (auto& task : tasks_) {
      std::sort(task.needs.begin(), task.needs.end());
      task.needs.erase(std::unique(task.needs.begin(), task.needs.end()), task.needs.end());
    }
    check_chains();
    check_children();
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      check_condition(i);
    check_end_tasks(report_, order.ends, links_, tasks_);
    if (report_.sink.error_count() == errors)
      check_cycles();
  }

private:
  const std::vector<std::string_view>& names_view() const {
    if (names_.empty())
      for (const auto& task : tasks_)
        names_.emplace_back(task.name);
    return names_;
  }

  std::optional<std::uint32_t> find(const name_use& use) {
    if (const auto at = positions_.find(use.name); at != positions_.end())
      return at->second;
    const bool several = use.name.find_first_of(", ") != std::string::npos;
    report_.error(use.offset, "there is no task " + shown(use.name),
                  several ? "several are a list: [a, b]" : did_you_mean(use.name, names_view()));
    return std::nullopt;
  }

  bool add_edge(std::uint32_t from, std::uint32_t to) {
    if (++edges_ > definition_limits::edges)
      return false;
    tasks_[to].needs.push_back(from);
    return true;
  }

  void add_needs(std::uint32_t task) {
    for (const auto& use : links_[task].needs) {
      const auto from = find(use);
      if (!from)
        continue;
      if (*from == task)
        report_.error(use.offset,
                      "the task needs itself: " + tasks_[task].name + " -> " + tasks_[task].name);
      else
        add_edge(*from, task);
    }
  }

  void add_fallback(std::uint32_t task) {
    const auto& use = links_[task].fallback;
    const auto target = use ? find(*use) : std::nullopt;
    if (!target)
      return;
    if (*target == task)
      return report_.error(use->offset, "a task cannot be its own fallback");
    auto& backup = tasks_[*target];
    if (backup.fallback_of)
      return report_.error(use->offset, shown(backup.name) + " is already the fallback of " +
                                            shown(tasks_[*backup.fallback_of].name));
    backup.fallback_of = task;
    tasks_[task].fallback = *target;
  }

  void add_previous(std::uint32_t task) {
    auto& previous = tasks_[task].previous_tasks;
    for (const auto& use : links_[task].previous_tasks)
      if (const auto on = find(use))
        previous.push_back(*on);
    std::sort(previous.begin(), previous.end());
    previous.erase(std::unique(previous.begin(), previous.end()), previous.end());
  }

  /// The tasks that are named, each of which is made to need `task`.
  std::vector<std::uint32_t> behind(std::uint32_t task, const std::vector<name_use>& names) {
    std::vector<std::uint32_t> out;
    for (const auto& use : names) {
      const auto to = find(use);
      if (!to)
        continue;
      if (*to == task)
        report_.error(use.offset, "the switch chooses itself");
      else if (add_edge(task, *to))
        out.push_back(*to);
    }
    return sorted(std::move(out));
  }

  static std::vector<std::uint32_t> sorted(std::vector<std::uint32_t> tasks) {
    std::sort(tasks.begin(), tasks.end());
    tasks.erase(std::unique(tasks.begin(), tasks.end()), tasks.end());
    return tasks;
  }

  void add_choice(std::uint32_t task) {
    auto& choice = tasks_[task].choice;
    if (!choice)
      return;
    for (std::size_t i = 0; i < choice->cases.size(); ++i)
      choice->cases[i].tasks = behind(task, links_[task].cases[i]);
    choice->otherwise = behind(task, links_[task].otherwise);
  }

  void add_teardown(std::uint32_t task) {
    std::vector<std::uint32_t> setups;
    for (const auto& use : links_[task].teardown_of) {
      const auto setup = find(use);
      if (!setup)
        continue;
      if (*setup == task || tasks_[*setup].teardown) {
        report_.error(use.offset, shown(tasks_[*setup].name) + " is a teardown, no setup");
        continue;
      }
      tasks_[*setup].setup = true;
      if (add_edge(*setup, task))
        setups.push_back(*setup);
    }
    tasks_[task].teardown_of = sorted(std::move(setups));
  }

  void add_ends(const std::vector<name_use>& names, bool task_definition::*role) {
    for (const auto& use : names) {
      const auto task = find(use);
      if (!task)
        continue;
      if (tasks_[*task].*role)
        report_.error(use.offset, shown(use.name) + " is named twice");
      tasks_[*task].*role = true;
    }
  }

  void check_condition(std::uint32_t task) {
    const auto* at = links_[task].join;
    if (at == nullptr)
      return;
    const auto& needs = tasks_[task].needs;
    const auto find_need = [&](std::string_view name) -> std::optional<std::uint32_t> {
      const auto found = positions_.find(name);
      if (found == positions_.end() ||
          !std::binary_search(needs.begin(), needs.end(), found->second))
        return std::nullopt;
      return found->second;
    };
    join_condition read;
    if (const auto wrong = join_condition::parse(tasks_[task].join_condition, find_need, read))
      return report_.error(offset_in_file(report_.file, *at, wrong->offset), wrong->what.message,
                           wrong->what.suggestion);
    const auto named = read.tasks();
    for (const auto need : needs)
      if (!std::binary_search(named.begin(), named.end(), need))
        report_.error(*at, shown(tasks_[need].name) + " is needed and does not occur in `join`",
                      "write `&& " + tasks_[need].name + ".done` if it only has to end");
  }

  /// A fallback is what its primary is.
  void check_roles() {
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      if (tasks_[i].fallback_of && (tasks_[i].teardown || tasks_[i].setup))
        report_.error(links_[i].offset,
                      "the fallback " + shown(tasks_[i].name) +
                          " cannot be a setup or teardown itself",
                      "its primary is it for both");
  }

  /// `inputs.<name>` must mean one thing.
  void check_names_of_needs() {
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      for (std::size_t k = 0; k < tasks_[i].outside_needs.size(); ++k) {
        const auto& as = tasks_[i].outside_needs[k].as;
        if (positions_.contains(as))
          report_.error(links_[i].outside_needs[k].as,
                        "`as: " + as + "` is the name of a task of this workflow",
                        "choose another name: inputs." + as + " has the outputs of that task");
      }
  }

  /// The tasks of one row, those that were named before left out.
  std::vector<std::uint32_t> read_row(const node& row, std::vector<bool>& placed) {
    std::vector<std::uint32_t> out;
    const auto add = [&](const node& item) {
      if (!item.is_scalar())
        return report_kind(report_, item, "the name of a task");
      const auto task = find({item.text, item.offset});
      if (!task)
        return;
      if (placed[*task])
        return report_.error(item, "the task " + shown(item.text) + " stands twice in `flow`");
      if (tasks_[*task].fallback_of)
        report_.error(item, "the fallback " + shown(item.text) + " has no place in `flow`",
                      "its primary stands for it");
      if (tasks_[*task].is_end_task())
        report_.error(item, "the end task " + shown(item.text) + " has no place in `flow`",
                      "its turn comes when all other tasks have ended");
      placed[*task] = true;
      out.push_back(*task);
    };
    if (row.is_list())
      for (const auto& item : row.items)
        add(item);
    else
      add(row);
    if (row.is_list() && row.items.empty())
      report_.error(row, "a row of `flow` is empty");
    return out;
  }

  void add_flow(const node& flow) {
    if (!flow.is_list())
      return report_kind(report_, flow, "a list of rows");
    std::vector<bool> placed(tasks_.size(), false);
    std::vector<std::uint32_t> before;
    for (const auto& item : flow.items) {
      auto row = read_row(item, placed);
      for (const auto to : row)
        for (const auto from : before)
          if (!add_edge(from, to))
            return;
      if (!row.empty())
        before = std::move(row);
    }
  }

  void check_fallbacks() {
    for (std::uint32_t i = 0; i < tasks_.size(); ++i) {
      const auto& primary = tasks_[i].fallback_of;
      if (primary && links_[i].has_needs)
        report_.error(links_[i].needs_offset,
                      "a fallback has no `needs` of its own: it runs when " +
                          shown(tasks_[*primary].name) + " has failed",
                      "remove `needs`");
      if (primary && tasks_[i].depends_on_previous != previous_need::none)
        report_.error(links_[i].previous_offset,
                      "a fallback waits for nothing of its own: it runs when " +
                          shown(tasks_[*primary].name) + " has failed",
                      "remove `depends_on_previous`");
      for (const auto* uses : {&links_[i].needs, &links_[i].previous_tasks, &links_[i].otherwise,
                               &links_[i].teardown_of})
        for (const auto& use : *uses)
          refuse_fallback(use);
      for (const auto& uses : links_[i].cases)
        for (const auto& use : uses)
          refuse_fallback(use);
    }
  }

  void refuse_fallback(const name_use& use) {
    const auto from = positions_.find(use.name);
    if (from == positions_.end() || !tasks_[from->second].fallback_of)
      return;
    const auto head = head_of(from->second);
    report_.error(use.offset, shown(use.name) + " is a fallback: nobody needs it",
                  head ? "need " + shown(tasks_[*head].name) + ", which stands for both" : "");
  }

  /// What would wait for nothing was meant otherwise.
  void check_children() {
    std::vector<bool> needed(tasks_.size(), false);
    for (const auto& task : tasks_)
      for (const auto from : task.needs)
        needed[from] = true;
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      if (tasks_[i].depends_on_previous == previous_need::children && !needed[i])
        report_.warning(links_[i].previous_offset,
                        "no task needs " + shown(tasks_[i].name) +
                            ": it waits for nothing of the previous slot",
                        "`depends_on_previous: self` waits for the task itself");
  }

  /// The primary at the head of a chain of fallbacks; nothing if the chain is a circle.
  std::optional<std::uint32_t> head_of(std::uint32_t task) const {
    auto at = task;
    for (std::size_t steps = 0; tasks_[at].fallback_of; ++steps) {
      at = *tasks_[at].fallback_of;
      if (at == task || steps > tasks_.size())
        return std::nullopt;
    }
    return at;
  }

  /// Each task has at most one fallback and is that of at most one: chains are lists or circles.
  void check_chains() {
    std::vector<bool> seen(tasks_.size(), false);
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      if (!tasks_[i].fallback_of)
        for (std::optional<std::uint32_t> at = i; at; at = tasks_[*at].fallback)
          seen[*at] = true;
    for (std::uint32_t i = 0; i < tasks_.size(); ++i) {
      if (seen[i])
        continue;
      std::vector<std::string_view> circle;
      for (auto at = i; !seen[at]; at = *tasks_[at].fallback) {
        seen[at] = true;
        circle.emplace_back(tasks_[at].name);
      }
      report_.error(links_[i].fallback->offset,
                    "the fallbacks form a cycle: " + print_cycle(circle));
    }
  }

  void check_cycles() {
    std::vector<std::vector<std::uint32_t>> successors(tasks_.size());
    for (std::uint32_t i = 0; i < tasks_.size(); ++i)
      for (const auto from : tasks_[i].needs)
        successors[from].push_back(i);
    const auto cycle = find_cycle(successors);
    if (cycle.empty())
      return;
    std::vector<std::string_view> path;
    for (const auto task : cycle)
      path.emplace_back(tasks_[task].name);
    report_.error(links_[cycle.front()].offset, "the tasks form a cycle: " + print_cycle(path),
                  "remove one of these dependencies");
  }

  const reporter& report_;
  const std::vector<task_links>& links_;
  std::vector<task_definition>& tasks_;
  std::unordered_map<std::string_view, std::uint32_t> positions_;
  mutable std::vector<std::string_view> names_; ///< Made for the first suggestion.
  std::size_t edges_ = 0;
};

} // namespace

void link_tasks(const reporter& report, const order_links& order,
                const std::vector<task_links>& links, std::vector<task_definition>& tasks) {
  linker{report, links, tasks}.run(order);
}

std::vector<std::uint32_t> find_cycle(const std::vector<std::vector<std::uint32_t>>& successors) {
  // Kahn: what can be put in order goes; each of the rest has a predecessor among the rest.
  std::vector<std::uint32_t> open(successors.size(), 0);
  for (const auto& targets : successors)
    for (const auto to : targets)
      ++open[to];
  std::vector<std::uint32_t> ordered;
  ordered.reserve(successors.size());
  for (std::uint32_t i = 0; i < successors.size(); ++i)
    if (open[i] == 0)
      ordered.push_back(i);
  for (std::size_t i = 0; i < ordered.size(); ++i)
    for (const auto to : successors[ordered[i]])
      if (--open[to] == 0)
        ordered.push_back(to);
  if (ordered.size() == successors.size())
    return {};
  std::vector<std::uint32_t> predecessor(successors.size(), 0);
  std::uint32_t last = 0;
  for (std::uint32_t i = 0; i < successors.size(); ++i)
    for (const auto to : successors[i])
      if (open[i] > 0 && open[to] > 0) {
        predecessor[to] = i;
        last = to;
      }
  // Backwards until a node comes again: from there on it is a cycle.
  std::vector<bool> seen(successors.size(), false);
  while (!seen[last]) {
    seen[last] = true;
    last = predecessor[last];
  }
  std::vector<std::uint32_t> cycle{last};
  for (auto at = predecessor[last]; at != last; at = predecessor[at])
    cycle.push_back(at);
  std::reverse(cycle.begin(), cycle.end());
  std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
  return cycle;
}

std::string print_cycle(const std::vector<std::string_view>& names) {
  constexpr std::size_t most = 20;
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names.size() > most && i == most / 2) {
      const auto left = names.size() - most;
      out += "... (" + std::to_string(left) + " more) ... -> ";
      i += left;
    }
    out += std::string{names[i]} + " -> ";
  }
  return out + std::string{names.front()};
}

} // namespace pinion::definitions
