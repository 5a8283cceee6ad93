#include "pinion/api/reference.hpp"

#include "pinion/model/lifecycle.hpp"

#include <algorithm>
#include <charconv>

namespace pinion {
namespace {

problem bad(std::string_view text, const std::string& what) {
  return problem{errc::invalid, "'" + std::string{text} + "' is no reference: " + what,
                 "Forms: project.workflow, project.workflow:v7, "
                 "project.workflow/trigger@2026-11-20T02:00, project.workflow@latest, r123, "
                 "r123/task, r123/task:index, r123/task#2"};
}

bool is_name_char(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_legal_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), is_name_char);
}

template <class Number>
std::optional<Number> positive_number(std::string_view text) {
  Number value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || value == 0)
    return std::nullopt;
  return value;
}

/// `r123`: the short id of a run.
std::optional<std::uint64_t> run_number(std::string_view text) {
  if (!text.starts_with('r'))
    return std::nullopt;
  return positive_number<std::uint64_t>(text.substr(1));
}

/// `task`, `task:index`, `task#2`, `task:index#2`. An index may hold anything, a `#` included, but
/// digits behind the last `#` are an attempt.
result<void> parse_instance(std::string_view text, reference& into) {
  const auto whole = text;
  if (const auto hash = text.rfind('#'); hash != std::string_view::npos) {
    if (const auto number = positive_number<std::uint32_t>(text.substr(hash + 1))) {
      into.attempt = number;
      text = text.substr(0, hash);
    }
  }
  const auto colon = std::min(text.find(':'), text.size());
  if (colon < text.size())
    into.index = std::string{text.substr(colon + 1)};
  into.task = text.substr(0, colon);
  if (!is_legal_name(into.task))
    return bad(into.text, "'" + std::string{whole} + "' does not begin with the name of a task");
  if (into.index && into.index->empty())
    return bad(into.text, "the index behind ':' is missing");
  return ok();
}

/// What stands behind the `@`: `latest`, `latest:failed`, `biz:2026-11-19` or a slot.
result<void> parse_selector(std::string_view text, reference& into) {
  if (text == "latest" || text.starts_with("latest:")) {
    into.selects = run_selector::latest;
    if (text.size() > 6) {
      into.state = text.substr(7);
      if (!run_state_from(into.state))
        return bad(into.text, "'" + into.state + "' is no state of a run");
    }
    return ok();
  }
  into.selects = run_selector::slot;
  if (text.starts_with("biz:")) {
    into.selects = run_selector::biz;
    text.remove_prefix(4);
  }
  if (text.empty())
    return bad(into.text, "the time behind '@' is missing");
  into.when = text;
  return ok();
}

result<void> parse_workflow(std::string_view text, reference& into) {
  const auto colon = std::min(text.find(':'), text.size());
  const auto name = text.substr(0, colon);
  const auto dot = name.find('.');
  if (dot == std::string_view::npos)
    return bad(into.text, "the name of a workflow is 'project.workflow'");
  if (!is_legal_name(name.substr(0, dot)) || !is_legal_name(name.substr(dot + 1)))
    return bad(into.text, "names are letters, digits, '_' and '-', at most 64");
  into.workflow = name;
  if (colon == text.size())
    return ok();
  const auto version = text.substr(colon + 1);
  if (version.starts_with('v'))
    into.version = positive_number<std::uint32_t>(version.substr(1));
  if (!into.version)
    return bad(into.text, "a version is written ':v7'");
  return ok();
}

/// `trigger`, `trigger@SLOT`, `@manual@SLOT`, each with `/task...` behind the slot.
result<void> parse_trigger(std::string_view text, reference& into) {
  const auto at = text.find('@', text.starts_with('@') ? 1 : 0);
  const auto name = text.substr(0, std::min(at, text.size()));
  const auto bare = name.starts_with('@') ? name.substr(1) : name;
  const bool legal = !bare.empty() && std::all_of(bare.begin(), bare.end(), [&](char c) {
    return is_name_char(c) || (name.starts_with('@') && c == '.');
  });
  if (!legal)
    return bad(into.text, "'" + std::string{name} + "' is no name of a trigger");
  into.trigger = name;
  return at == std::string_view::npos ? result<void>{ok()}
                                      : parse_selector(text.substr(at + 1), into);
}

/// Splits `head/rest` at the slash that ends the run, if there is one: the first behind the last
/// `@` of the run's part.
result<void> parse_from_workflow(std::string_view text, reference& into) {
  const auto slash = std::min(text.find('/'), text.size());
  const auto head = text.substr(0, slash);
  if (const auto at = head.find('@'); at != std::string_view::npos) {
    BOOST_OUTCOME_TRYV(parse_workflow(head.substr(0, at), into));
    BOOST_OUTCOME_TRYV(parse_selector(head.substr(at + 1), into));
    return slash == text.size() ? result<void>{ok()} : parse_instance(text.substr(slash + 1), into);
  }
  BOOST_OUTCOME_TRYV(parse_workflow(head, into));
  if (slash == text.size())
    return ok();
  const auto rest = text.substr(slash + 1);
  const auto second = std::min(rest.find('/'), rest.size());
  BOOST_OUTCOME_TRYV(parse_trigger(rest.substr(0, second), into));
  if (second == rest.size())
    return ok();
  if (!into.names_run())
    return bad(into.text, "a task needs a run before it");
  return parse_instance(rest.substr(second + 1), into);
}

} // namespace

std::string to_backfill_name(std::uint64_t id) { return 'b' + std::to_string(id); }

std::optional<std::uint64_t> backfill_number(std::string_view text) {
  if (!text.starts_with('b'))
    return std::nullopt;
  return positive_number<std::uint64_t>(text.substr(1));
}

std::optional<task_reference> parse_task_reference(std::string_view text) {
  const auto first = text.find('.');
  const auto second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || !is_legal_name(text.substr(0, first)) ||
      !is_legal_name(text.substr(first + 1, second - first - 1)) ||
      !is_legal_name(text.substr(second + 1)))
    return std::nullopt;
  return task_reference{std::string{text.substr(0, second)}, std::string{text.substr(second + 1)}};
}

result<reference> parse_reference(std::string_view text) {
  reference made;
  made.text = text;
  if (text.empty() || text.size() > 4096)
    return bad(text.substr(0, 64), "it is empty or too long");
  const auto slash = std::min(text.find('/'), text.size());
  if (const auto number = run_number(text.substr(0, slash))) {
    made.selects = run_selector::id;
    made.run = *number;
    if (slash < text.size()) {
      BOOST_OUTCOME_TRYV(parse_instance(text.substr(slash + 1), made));
    }
    return made;
  }
  BOOST_OUTCOME_TRYV(parse_from_workflow(text, made));
  if (made.version && (made.names_run() || !made.trigger.empty()))
    return bad(text, "a version has no triggers or runs of its own");
  return made;
}

} // namespace pinion
