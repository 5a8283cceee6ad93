#include "definitions/dialect_parts.hpp"

#include <array>

namespace pinion::definitions::dialects {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> names{{
    {"ds", "date_utc('yyyy-MM-dd', 0, logical_date)"},
    {"ds_nodash", "date_utc('yyyyMMdd', 0, logical_date)"},
    {"ts", "date_utc(\"yyyy-MM-dd'T'HH:mm:ss'+00:00'\", 0, logical_date)"},
    {"ts_nodash", "date_utc(\"yyyyMMdd'T'HHmmss\", 0, logical_date)"},
    {"ts_nodash_with_tz", "date_utc(\"yyyyMMdd'T'HHmmss'+0000'\", 0, logical_date)"},
    {"execution_date", "logical_date"},
    {"run_id", "run.id"},
    {"var.value", "vars"},
    {"var.json", "vars"},
    {"dag_run.conf", "params"},
}};
/// What follows them is a name of our own.
constexpr std::array<std::string_view, 4> unknown{"conn", "prev_ds", "next_ds", "ti"};

problem cannot(std::string_view what, std::string mend) {
  return {errc::invalid, '`' + std::string{what} + "` has no counterpart", std::move(mend)};
}

/// The text of a string literal, or nothing.
std::optional<std::string_view> literal(std::string_view text) {
  if (text.size() < 2 || (text.front() != '\'' && text.front() != '"') ||
      text.back() != text.front())
    return std::nullopt;
  return text.substr(1, text.size() - 2);
}

/// `ti.xcom_pull(task_ids='t', key='k')`: an output of a task before.
result<std::string> pulled(std::string_view inside) {
  std::string_view task;
  std::string_view key = "return_value";
  for (auto argument : arguments_of(inside)) {
    const auto equals = argument.find('=');
    const auto name = equals == std::string_view::npos ? std::string_view{"task_ids"}
                                                       : trimmed(argument.substr(0, equals));
    if (equals != std::string_view::npos)
      argument = trimmed(argument.substr(equals + 1));
    const auto value = literal(argument);
    if (!value || (name != "task_ids" && name != "key"))
      return cannot("ti.xcom_pull", "write ti.xcom_pull(task_ids='load', key='path')");
    (name == "key" ? key : task) = *value;
  }
  if (task.empty())
    return cannot("ti.xcom_pull", "name the task: task_ids='load'");
  return "inputs['" + std::string{task} + "']['" + std::string{key} + "']";
}

/// The end of a call whose opening bracket stands at `open`; npos: it is not closed.
std::size_t end_of_call(std::string_view text, std::size_t open) {
  int depth = 0;
  char quote = 0;
  for (auto at = open; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != 0)
      quote = c == quote ? '\0' : quote;
    else if (c == '\'' || c == '"')
      quote = c;
    else if (c == '(')
      ++depth;
    else if (c == ')' && --depth == 0)
      return at;
  }
  return std::string_view::npos;
}

result<std::string> expression_of(std::string_view text);

/// A dotted name, with its call if it is one of the two that are known.
result<std::string> name_of(std::string_view text, std::size_t& at) {
  auto end = at;
  while (end < text.size() && (is_word_char(text[end]) || text[end] == '.'))
    ++end;
  const auto name = text.substr(at, end - at);
  if (end < text.size() && text[end] == '(' &&
      (name == "macros.ds_add" || name == "ti.xcom_pull")) {
    const auto close = end_of_call(text, end);
    if (close == std::string_view::npos)
      return cannot(name, "close its bracket");
    const auto inside = text.substr(end + 1, close - end - 1);
    at = close + 1;
    if (name == "ti.xcom_pull")
      return pulled(inside);
    const auto args = arguments_of(inside);
    if (args.size() != 2)
      return cannot(name, "write macros.ds_add(ds, -1)");
    BOOST_OUTCOME_TRY(day, expression_of(args[0]));
    return "add_days(" + std::string{args[1]} + ", " + day + ')';
  }
  at = end;
  for (const auto& [theirs, ours] : names)
    if (name == theirs || (name.starts_with(theirs) && name[theirs.size()] == '.' &&
                           (ours == "vars" || ours == "params" || ours == "logical_date")))
      return std::string{ours} + std::string{name.substr(theirs.size())};
  if (name.starts_with("macros."))
    return cannot(name, "known is macros.ds_add; times are moved by date(format, offset, of)");
  for (const auto theirs : unknown)
    if (name == theirs || (name.starts_with(theirs) && name[theirs.size()] == '.'))
      return cannot(name, "use params, vars, inputs, or date(format, offset, of)");
  return std::string{name};
}

result<std::string> expression_of(std::string_view text) {
  std::string out;
  char quote = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (quote != 0 || c == '\'' || c == '"') {
      quote = quote == 0 ? c : c == quote ? '\0' : quote;
      out += c;
      ++at;
    } else if (is_word_char(c) && !(c >= '0' && c <= '9') && (out.empty() || out.back() != '.')) {
      BOOST_OUTCOME_TRY(name, name_of(text, at));
      out += name;
    } else {
      out += c;
      ++at;
    }
  }
  return out;
}

} // namespace

text_result<std::string> translate_airflow(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto begin = text.find("{{", at);
    const auto end = begin == std::string_view::npos ? begin : text.find("}}", begin);
    if (end == std::string_view::npos)
      break;
    out += text.substr(at, begin + 2 - at);
    auto inner = expression_of(text.substr(begin + 2, end - begin - 2));
    if (!inner)
      return text_problem{{}, begin, std::move(inner.error())};
    out += inner.value() + "}}";
    at = end + 2;
  }
  out += text.substr(std::min(at, text.size()));
  return out;
}

} // namespace pinion::definitions::dialects
