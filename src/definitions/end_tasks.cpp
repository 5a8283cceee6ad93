#include "definitions/graph.hpp"
#include "definitions/suggest.hpp"

#include <algorithm>
#include <unordered_set>

namespace pinion::definitions {

namespace {

class end_task_check {
public:
  end_task_check(const reporter& report, const std::vector<task_links>& links,
                 const std::vector<task_definition>& tasks)
      : report_{report}, links_{links}, tasks_{tasks} {}

  void run(const end_links& ends) {
    const auto is_end = [](const task_definition& task) { return task.is_end_task(); };
    if (std::none_of(tasks_.begin(), tasks_.end(), is_end))
      return;
    for (const auto& task : tasks_)
      if (task.is_end_task())
        names_.insert(task.name);
    for (std::uint32_t task = 0; task < tasks_.size(); ++task) {
      check_edges(task);
      for (const auto& use : links_[task].previous_tasks)
        refuse_previous(use);
      if (tasks_[task].is_end_task())
        check_task(task);
    }
    if (std::all_of(tasks_.begin(), tasks_.end(), [&](const task_definition& task) {
          return task.is_end_task() || task.fallback_of;
        })) {
      const auto& names = ends.on_failure.empty() ? ends.on_success : ends.on_failure;
      report_.error(names.front().offset,
                    "all tasks are end tasks: there is no run that they could end");
    }
  }

private:
  /// Where `task` says that it needs `from`; its name if something else says so.
  std::uint32_t place_of_need(std::uint32_t task, std::uint32_t from) const {
    for (const auto& use : links_[task].needs)
      if (use.name == tasks_[from].name)
        return use.offset;
    return links_[task].offset;
  }

  void check_edges(std::uint32_t task) const {
    const auto& to = tasks_[task];
    for (const auto need : to.needs) {
      const auto& from = tasks_[need];
      if (!from.is_end_task() && !to.is_end_task())
        continue;
      const auto at = place_of_need(task, need);
      if (!to.is_end_task())
        report_.error(at,
                      shown(from.name) + " is an end task: its turn comes when all others have "
                                         "ended, so that none of them can need it",
                      "only other end tasks need it");
      else if (!from.is_end_task())
        report_.error(at,
                      shown(to.name) + " is an end task: its turn comes when all others have "
                                       "ended, so that it needs none of them",
                      "remove it from `needs`; `inputs." + from.name + "` is there without it");
      else if ((to.on_run_failure && !from.on_run_failure) ||
               (to.on_run_success && !from.on_run_success))
        report_.error(
            at,
            shown(from.name) + " does not run whenever " + shown(to.name) +
                " does: it is not named in " +
                (to.on_run_failure && !from.on_run_failure ? "`on_failure`" : "`on_success`"),
            "an end task needs only tasks of all the lists that it stands in");
    }
  }

  void refuse_previous(const name_use& use) const {
    if (names_.contains(use.name))
      report_.error(use.offset, shown(use.name) + " is an end task: nobody needs it",
                    "need the workflow with `slot: previous`: its run ends only with its end "
                    "tasks");
  }

  void check_task(std::uint32_t task) const {
    const auto& end = tasks_[task];
    const auto refuse = [&](std::uint32_t at, const std::string& what, std::string mend) {
      report_.error(at, "the end task " + shown(end.name) + ' ' + what, std::move(mend));
    };
    if (end.fallback_of)
      refuse(links_[task].offset,
             "is the fallback of " + shown(tasks_[*end.fallback_of].name) + ": it cannot be both",
             "name the primary: its fallback goes with it");
    if (end.setup || end.teardown)
      refuse(links_[task].offset, "cannot be a setup or teardown",
             "a teardown runs before the end of the run, also after a cancel");
    if (!end.outside_needs.empty())
      refuse(links_[task].needs_offset, "waits for its own run alone, not for other runs",
             "remove these `needs`");
    if (end.depends_on_previous != previous_need::none)
      refuse(links_[task].previous_offset, "waits for its own run alone, not for the slot before",
             "remove `depends_on_previous`");
  }

  const reporter& report_;
  const std::vector<task_links>& links_;
  const std::vector<task_definition>& tasks_;
  std::unordered_set<std::string_view> names_; ///< Of end tasks.
};

} // namespace

void check_end_tasks(const reporter& report, const end_links& ends,
                     const std::vector<task_links>& links,
                     const std::vector<task_definition>& tasks) {
  end_task_check{report, links, tasks}.run(ends);
}

} // namespace pinion::definitions
