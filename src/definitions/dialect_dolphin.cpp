#include "definitions/dialect_parts.hpp"

#include <algorithm>
#include <array>

namespace pinion::definitions::dialects {
namespace {

problem unreadable(std::string_view inner, std::string mend) {
  return {errc::invalid,
          "`$[" + std::string{inner} + "]` cannot be read as a time of DolphinScheduler",
          std::move(mend)};
}

/// How the number of a function counts, and around what.
struct function {
  std::string_view name;
  std::string_view edge; ///< Of ours; empty: none.
  std::string_view unit; ///< Of its number.
};
constexpr std::array<function, 11> functions{{
    {"add_months", "", "month"},
    {"this_day", "", ""},
    {"last_day", "", ""},
    {"month_first_day", "month_begin", "month"},
    {"month_last_day", "month_end", "month"},
    {"week_first_day", "week_begin", "w"},
    {"week_last_day", "week_end", "w"},
    {"month_begin", "month_begin", "d"},
    {"month_end", "month_end", "d"},
    {"week_begin", "week_begin", "d"},
    {"week_end", "week_end", "d"},
}};

meaning call_of(std::string_view inner, const function& called, std::string_view inside) {
  const auto args = arguments_of(inside);
  const std::size_t most = called.unit.empty() ? 1 : 2;
  if (args.empty() || args.front().empty() || args.size() > most)
    return unreadable(inner, "write " + std::string{called.name} + "(yyyyMMdd" +
                                 (most == 2 ? ",N)" : ")"));
  std::int64_t count = 0;
  if (args.size() == 2) {
    const auto number = fraction_of(args[1]);
    if (!number || number->over % number->under != 0)
      return unreadable(inner, "N is a whole number");
    count = number->over / number->under;
  }
  const auto offset = count == 0 ? std::string{} : signed_text(count, called.unit);
  if (called.name == "last_day")
    return date_call(args.front(), "-1d", {});
  if (called.edge.empty())
    return date_call(args.front(), offset, {});
  const auto edge = std::string{called.edge} + (offset.empty() ? "()" : "('" + offset + "')");
  return date_call(args.front(), {}, edge);
}

} // namespace

meaning dolphin_braces(std::string_view inner, std::span<const std::string> params) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> known{{
      {"system.biz.date", "date('yyyyMMdd', '-1d')"},
      {"system.biz.curdate", "date('yyyyMMdd')"},
      {"system.datetime", "date('yyyyMMddHHmmss')"},
      {"system.task.definition.name", "task.name"},
      {"system.task.instance.id", "run.id + '/' + task.name"},
      {"system.workflow.definition.name", "run.workflow"},
      {"system.workflow.instance.id", "run.id"},
      {"system.project.name", "run.project"},
      {"system.task.execute.path", ""},
  }};
  for (const auto& [name, ours] : known)
    if (inner == name && !ours.empty())
      return std::string{ours};
  if (inner.starts_with("system."))
    return problem{errc::invalid, "`${" + std::string{inner} + "}` has no counterpart",
                   "the environment of a task has PINION_RUN, PINION_TASK, PINION_WORKSPACE ..."};
  if (std::find(params.begin(), params.end(), inner) != params.end())
    return "params." + std::string{inner};
  return std::optional<std::string>{};
}

meaning dolphin_brackets(std::string_view inner) {
  if (inner.find_first_of("yMdHhms") == std::string_view::npos)
    return std::optional<std::string>{}; // Old arithmetic of the shell.
  const auto open = inner.find('(');
  if (open != std::string_view::npos) {
    const auto name = trimmed(inner.substr(0, open));
    for (const auto& called : functions)
      if (name == called.name && inner.ends_with(')'))
        return call_of(inner, called, inner.substr(open + 1, inner.size() - open - 2));
    return unreadable(inner, "known functions: add_months, this_day, last_day, month_first_day, "
                             "month_last_day, week_first_day, week_last_day, month_begin, "
                             "month_end, week_begin, week_end");
  }
  const auto [format, offset] = split_offset(inner);
  if (offset.empty())
    return date_call(format, {}, {});
  const auto days = fraction_of(offset);
  const auto ours = days ? day_offset(*days) : std::nullopt;
  if (!ours)
    return unreadable(inner, "write +N days, +N/24 hours or +N/24/60 minutes behind the format");
  return date_call(format, *ours, {});
}

} // namespace pinion::definitions::dialects
