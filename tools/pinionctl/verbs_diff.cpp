#include "definition_files.hpp"
#include "runs.hpp"
#include "show.hpp"

#include <algorithm>

namespace pinion::ctl {
namespace {

/// Texts of several lines show what is around a change.
constexpr std::size_t context_lines = 2;

std::vector<std::string> lines_of(const json& value) {
  const auto text = value.is_string() ? value.get<std::string>() : dump(value);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (lines.empty())
    lines.emplace_back("\"\"");
  return lines;
}

void print_lines(console& out, const char* mark, const std::vector<std::string>& lines,
                 std::size_t from, std::size_t to) {
  for (auto at = from; at < to; ++at)
    out.line("  " + std::string{mark} + ' ' + escaped(lines[at]));
}

/// The lines between the common beginning and the common end, with some of both.
void print_changed(console& out, const json& before, const json& after) {
  const auto old = lines_of(before);
  const auto fresh = lines_of(after);
  const auto most = std::min(old.size(), fresh.size());
  std::size_t head = 0;
  while (head < most && old[head] == fresh[head])
    ++head;
  std::size_t tail = 0;
  while (tail < most - head && old[old.size() - 1 - tail] == fresh[fresh.size() - 1 - tail])
    ++tail;
  print_lines(out, " ", old, head - std::min(head, context_lines), head);
  print_lines(out, "-", old, head, old.size() - tail);
  print_lines(out, "+", fresh, head, fresh.size() - tail);
  print_lines(out, " ", old, old.size() - tail, old.size() - tail + std::min(tail, context_lines));
}

void print_comparison(console& out, const json& item) {
  if (item["from"].is_null())
    return out.line(out.bold(text_of(item, "workflow")) + ": the engine does not have it");
  const auto title = out.bold(text_of(item, "from")) + " -> " +
                     (item["to"].is_null() ? "files" : text_of(item, "to"));
  out.line(title + (item["same"].get<bool>() ? ": the same" : ""));
  for (const auto& change : item["changes"]) {
    out.line(escaped(text_of(change, "path")) + ':');
    const auto what = text_of(change, "change");
    if (what == "changed")
      print_changed(out, change["from"], change["to"]);
    else if (what == "added")
      print_lines(out, "+", lines_of(change["to"]), 0, lines_of(change["to"]).size());
    else
      print_lines(out, "-", lines_of(change["from"]), 0, lines_of(change["from"]).size());
  }
}

/// The leading word may be a version; what follows is a version or files, without it all are files.
json question_of(const std::vector<std::string>& words) {
  json asked = json::object();
  auto paths = words;
  if (!is_path(words.front())) {
    asked["from"] = words.front();
    paths.erase(paths.begin());
  }
  if (!paths.empty() && !is_path(paths.front())) {
    if (paths.size() > 1 || !asked.contains("from"))
      throw usage_failure("There is no file '" + paths.front() + "'",
                          "Compare W:v7, W:v7 with W:v8, or files with the engine");
    asked["to"] = paths.front();
  } else if (!paths.empty()) {
    asked["files"] = files_of(paths);
  }
  return asked;
}

} // namespace

exit_code run_diff(session& now) {
  const auto answer = post_definitions(now.engine, "/api/v1/diff", question_of(now.args.words));
  const auto& items = answer["items"];
  auto& out = now.out;
  const auto differs = [](const json& item) { return !item["same"].get<bool>(); };
  if (out.chosen() == format::as_json || out.chosen() == format::yaml) {
    out.document(answer);
  } else if (out.chosen() == format::name) {
    for (const auto& item : items)
      if (differs(item))
        out.line(text_of(item, "workflow"));
  } else {
    for (const auto& item : items)
      print_comparison(out, item);
  }
  return std::any_of(items.begin(), items.end(), differs) ? exit_code::failed : exit_code::done;
}

} // namespace pinion::ctl
