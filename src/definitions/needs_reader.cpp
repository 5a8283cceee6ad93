#include "definitions/needs_reader.hpp"

#include "definitions/key_rules.hpp"
#include "pinion/definitions/limits.hpp"

#include <algorithm>
#include <charconv>

namespace pinion::definitions {

namespace {

struct need_draft {
  outside_need need;
  need_places places;
  std::string_view project;
  const node* task = nullptr;
  const node* workflow = nullptr;
  const node* slot = nullptr;
  const node* window = nullptr;
  const node* last = nullptr;
  const node* as = nullptr;
};

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto dot = std::min(text.find('.', at), text.size());
    parts.push_back(text.substr(at, dot - at));
    at = dot + 1;
  }
  return parts;
}

bool are_names(const std::vector<std::string_view>& parts) {
  return std::all_of(parts.begin(), parts.end(), is_name);
}

void read_upstream_task(const reporter& report, const node& at, need_draft& into) {
  into.task = &at;
  if (!at.is_scalar())
    return report_kind(report, at, "a task as project.workflow.task");
  const auto parts = parts_of(at.text);
  if (!are_names(parts) || parts.size() > 3)
    return report.error(at, shown(at.text) + " is no reference to a task",
                        "write project.workflow.task, or workflow.task of the same project");
  if (parts.size() == 1)
    return report.error(at, shown(at.text) + " has no workflow",
                        "write workflow.task or project.workflow.task; a task of this workflow "
                        "stands in `needs` by its name alone");
  const auto project = parts.size() == 3 ? parts[0] : into.project;
  into.need.workflow = std::string{project} + '.' + std::string{parts[parts.size() - 2]};
  into.need.task = parts.back();
  into.places.upstream = at.offset;
}

void read_upstream_workflow(const reporter& report, const node& at, need_draft& into) {
  into.workflow = &at;
  if (auto id = read_workflow_reference(report, at, into.project))
    into.need.workflow = *std::move(id);
  into.places.upstream = at.offset;
}

void read_slot(const reporter& report, const node& at, need_draft& into) {
  into.slot = &at;
  const std::string_view text = at.text;
  if (at.is_scalar() && text.starts_with('-')) {
    const auto* end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data() + 1, end, into.need.back);
    if (failed != std::errc{} || stop != end || into.need.back == 0 ||
        into.need.back > definition_limits::bound_slots)
      return report.error(at, shown(text) + " is no number of slots back",
                          "write -1 to -10000, slots before the nearest");
    into.need.slot = slot_choice::back;
    return;
  }
  // In the order of `slot_choice`.
  static const std::vector<std::string_view> words{"nearest", "same_slot", "same_day", "previous"};
  if (const auto word = read_word(report, at, words))
    into.need.slot = static_cast<slot_choice>(*word);
}

void read_window(const reporter& report, const node& at, need_draft& into) {
  into.window = &at;
  // In the order of `need_window`, without its first.
  static const std::vector<std::string_view> words{"data", "slot_day", "hour",
                                                   "day",  "week",     "month"};
  if (const auto word = read_word(report, at, words))
    into.need.window = static_cast<need_window>(*word + 1);
}

void read_last(const reporter& report, const node& at, need_draft& into) {
  into.last = &at;
  if (const auto count = read_integer(report, at, 1, definition_limits::bound_slots))
    into.need.last = static_cast<std::uint32_t>(*count);
}

void read_missing(const reporter& report, const node& at, need_draft& into) {
  static const std::vector<std::string_view> words{"wait", "satisfied", "fail"};
  if (const auto word = read_word(report, at, words))
    into.need.missing = static_cast<missing_policy>(*word);
}

constexpr key_rule<need_draft> need_rules[] = {
    {"task", read_upstream_task},
    {"workflow", read_upstream_workflow},
    {"trigger",
     [](const reporter& report, const node& at, need_draft& into) {
       into.places.trigger = at.offset;
       if (auto value = read_name(report, at))
         into.need.trigger = *std::move(value);
     }},
    {"slot", read_slot},
    {"window", read_window},
    {"last", read_last},
    {"state",
     [](const reporter& report, const node& at, need_draft& into) {
       if (const auto state = read_need_state(report, at))
         into.need.state = *state;
     }},
    {"missing", read_missing},
    {"as",
     [](const reporter& report, const node& at, need_draft& into) {
       into.as = &at;
       into.places.as = at.offset;
       if (auto value = read_name(report, at))
         into.need.as = *std::move(value);
     }},
};

/// Which slots the keys mean together.
void check_slots(const reporter& report, const need_draft& draft) {
  const auto& need = draft.need;
  if (draft.slot != nullptr && draft.window != nullptr)
    report.error(*draft.slot, "`slot` means one slot and `window` all of a stretch: not both",
                 "remove one of the two");
  if (draft.last == nullptr)
    return;
  if (need.window == need_window::data || need.window == need_window::slot_day)
    report.error(*draft.last, "`last` does not go with `window: " + draft.window->text + "`",
                 "it counts the units of `window: hour|day|week|month`, or slots without a window");
  else if (draft.window == nullptr && need.slot != slot_choice::nearest)
    report.error(*draft.last, "`last` without a window counts the slots up to the nearest",
                 "remove `slot`");
}

} // namespace

std::optional<std::string> read_workflow_reference(const reporter& report, const node& at,
                                                   std::string_view project) {
  if (!at.is_scalar()) {
    report_kind(report, at, "a workflow as project.workflow");
    return std::nullopt;
  }
  const auto parts = parts_of(at.text);
  if (!are_names(parts) || parts.size() > 2) {
    report.error(at, shown(at.text) + " is no reference to a workflow",
                 are_names(parts) && parts.size() == 3
                     ? "write `task: " + at.text + "` for one of its tasks"
                     : "write `workflow` or `project.workflow`");
    return std::nullopt;
  }
  if (parts.size() == 2)
    return at.text;
  return std::string{project} + '.' + at.text;
}

std::optional<need_state> read_need_state(const reporter& report, const node& at) {
  static const std::vector<std::string_view> words{"success", "done"};
  if (const auto word = read_word(report, at, words))
    return static_cast<need_state>(*word);
  return std::nullopt;
}

std::optional<read_need> read_outside_need(const reporter& report, const node& at,
                                           std::string_view project) {
  need_draft draft;
  draft.project = project;
  draft.places = {at.offset, at.offset, at.offset, at.offset};
  const auto errors = report.sink.error_count();
  if (!read_keys<need_draft>(report, at, need_rules, "a need on another workflow", draft))
    return std::nullopt;
  if (draft.task != nullptr && draft.workflow != nullptr)
    report.error(*draft.workflow, "a need names either a `task` or a whole `workflow`, not both",
                 "`task: project.workflow.task` names the workflow too");
  else if (draft.task == nullptr && draft.workflow == nullptr)
    report.error(at, "a need on another workflow names a `task` or a `workflow`",
                 "as in {task: project.workflow.task}");
  if (draft.task == nullptr && draft.as != nullptr)
    report.error(*draft.as, "`as` names the outputs of a task: a whole run has none",
                 "need the task that makes them");
  check_slots(report, draft);
  if (report.sink.error_count() != errors)
    return std::nullopt;
  if (draft.need.trigger.empty())
    draft.places.trigger = draft.places.upstream;
  return read_need{std::move(draft.need), draft.places};
}

previous_need read_previous(const reporter& report, const node& at, std::vector<name_use>& tasks) {
  if (at.is_list()) {
    if (at.items.empty())
      report.error(at, "`depends_on_previous` names no task");
    for (const auto& item : at.items)
      if (!item.is_scalar())
        report_kind(report, item, "the name of a task");
      else
        tasks.push_back({item.text, item.offset});
    return previous_need::tasks;
  }
  if (!at.is_scalar())
    report_kind(report, at, "`self`, `children` or a list of tasks");
  else if (at.text == "self")
    return previous_need::self;
  else if (at.text == "children")
    return previous_need::children;
  else
    report.error(at, shown(at.text) + " is neither `self` nor `children`",
                 "write [" + at.text + "] for a task of that name");
  return previous_need::none;
}

std::vector<std::string_view> need_keys() { return keys_of<need_draft>(need_rules); }

} // namespace pinion::definitions
