#include "mass.hpp"

#include "input_file.hpp"
#include "pinion/model/lifecycle.hpp"
#include "show.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <unistd.h>
#include <unordered_set>

namespace pinion::ctl {
namespace {

constexpr std::size_t page = 1000;
constexpr std::size_t most_shown = 200;

const std::vector<const char*>& filters() {
  static const std::vector<const char*> all{"project", "workflow", "run",   "task", "state",
                                            "label",   "owner",    "since", "from", "to"};
  return all;
}

bool selects_something(const arguments& args) {
  return args.has("instances") || std::any_of(filters().begin(), filters().end(),
                                              [&](const char* name) { return args.has(name); });
}

/// A state that only instances have.
bool is_of_instances(const std::string& state) {
  return instance_state_from(state) && !run_state_from(state);
}

std::string path_of(const arguments& args, selects what) {
  if (what == selects::workflows)
    return "/api/v1/workflows";
  const bool instances = args.has("instances") || args.has("task") || args.has("run") ||
                         is_of_instances(args.text("state"));
  return instances ? "/api/v1/instances" : "/api/v1/runs";
}

query query_of(const arguments& args) {
  query values;
  for (const auto* name : filters()) {
    if (!args.has(name))
      continue;
    if (std::string{name} != "label") {
      values[name] = args.text(name);
      continue;
    }
    auto& labels = values["labels"];
    for (const auto& label : args.all("label"))
      labels += (labels.empty() ? "" : ",") + label;
  }
  return values;
}

failure too_many() {
  return usage_failure("More than " + std::to_string(most_targets) + " things are named",
                       "Narrow the selection, for example by --since or --workflow");
}

/// Page by page: what comes new meanwhile stands in front of the first page and is left out.
targets selected(session& now, selects what) {
  targets found;
  found.items = json::array();
  auto values = query_of(now.args);
  const auto path = path_of(now.args, what);
  values["limit"] = std::to_string(page);
  do {
    auto answer = now.engine.get(path, values);
    for (auto& item : answer["items"]) {
      found.refs.push_back(text_of(item, "id"));
      found.items.push_back(std::move(item));
    }
    if (found.refs.size() > most_targets)
      throw too_many();
    values["cursor"] = text_of(answer, "next");
  } while (!values["cursor"].empty());
  return found;
}

/// One REF a line: what stands before the first space or tab, as lists print it.
std::vector<std::string> refs_in(const std::string& text) {
  std::vector<std::string> refs;
  for (std::string_view rest = text; !rest.empty();) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos)
      continue;
    line.remove_prefix(first);
    refs.emplace_back(line.substr(0, line.find_first_of(" \t\r")));
  }
  return refs;
}

targets named(const std::vector<std::string>& words) {
  targets found;
  std::unordered_set<std::string> seen;
  const auto add = [&](const std::string& ref) {
    if (seen.insert(ref).second)
      found.refs.push_back(ref);
    if (found.refs.size() > most_targets)
      throw too_many();
  };
  for (const auto& word : words) {
    if (word != "-") {
      add(word);
      continue;
    }
    for (const auto& ref : refs_in(input_file("-")))
      add(ref);
  }
  found.single = words.size() == 1 && words.front() != "-";
  return found;
}

std::string count_of(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " thing" : " things");
}

/// To where sentences go, so that -o json keeps its one document.
void show(console& out, const targets& what) {
  const auto shown = std::min(what.refs.size(), most_shown);
  if (out.for_people() && what.items.is_array()) {
    json first = json::array();
    for (std::size_t i = 0; i < shown; ++i)
      first.push_back(what.items[i]);
    const bool runs = shown > 0 && first.front().contains("trigger");
    const bool workflows = shown > 0 && first.front().contains("next_slot");
    print_items(out, first, fields_of(workflows ? "workflows" : runs ? "runs" : "instances"));
  } else {
    for (std::size_t i = 0; i < shown; ++i)
      out.say(escaped(what.refs[i]));
  }
  if (shown < what.refs.size())
    out.say("... and " + std::to_string(what.refs.size() - shown) + " more");
}

} // namespace

std::vector<option_spec> selection_options(selects what) {
  std::vector<option_spec> made{{"project", 0, "P", "selects: of this project"},
                                {"workflow", 0, "W", "selects: of this workflow"},
                                {"owner", 0, "O", "selects: of workflows of this owner"},
                                {"label", 'l', "K=V", "selects: of workflows with this label"},
                                {"state", 0, "S", "selects: in this state"}};
  if (what == selects::runs_or_instances) {
    made.push_back({"since", 0, "D", "selects: slot not older than a duration, as 12h"});
    made.push_back({"from", 0, "T", "selects: slot from this time on"});
    made.push_back({"to", 0, "T", "selects: slot up to this time"});
    made.push_back({"run", 0, "R", "selects: instances of this run"});
    made.push_back({"task", 0, "T", "selects: instances of the task of this name"});
    made.push_back({"instances", 0, "", "selects: instances, where runs would be meant"});
  }
  made.push_back({"yes", 'y', "", "do not ask"});
  return made;
}

targets targets_of(session& now, selects what) {
  const auto& args = now.args;
  const bool some = selects_something(args);
  if (some && !args.words.empty())
    throw usage_failure("Either name things or select them: '" + args.words.front() +
                        "' stands beside a selection");
  if (!some && args.words.empty())
    throw usage_failure("Name what is meant, or select it",
                        "A REF, several, '-' for standard input, or for example --state failed");
  return some ? selected(now, what) : named(args.words);
}

void confirm(session& now, const std::string& question) {
  if (now.args.has("yes"))
    return;
  if (::isatty(STDIN_FILENO) != 1)
    throw fail_with(exit_code::refused, {errc::refused, question + ", and there is nobody to ask",
                                         "Give -y if it is meant; nothing was done"});
  std::fprintf(stderr, "%s. Go on? [y/N] ", question.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "Y" && answer != "yes")
    throw fail_with(exit_code::refused, {errc::refused, "Nothing was done", {}});
}

void confirm(session& now, const std::string& verb, const targets& what) {
  if (what.single || now.args.has("yes"))
    return;
  show(now.out, what);
  confirm(now, verb + ": " + count_of(what.refs.size()) + " would change");
}

exit_code change_each(session& now, const targets& what, const item_change& how) {
  auto& out = now.out;
  const bool document = out.chosen() == format::as_json || out.chosen() == format::yaml;
  if (what.single) {
    const auto answer = how.make(what.refs.front());
    document ? out.document(answer) : how.tell(answer);
    return exit_code::done;
  }
  json items = json::array();
  std::size_t done = 0;
  auto code = exit_code::done;
  for (const auto& ref : what.refs) {
    json item{{"ref", ref}};
    try {
      auto answer = how.make(ref);
      ++done;
      if (!document)
        how.tell(answer);
      item.update(answer);
    } catch (const failure& failed) {
      if (code == exit_code::done)
        code = failed.code;
      out.note(escaped(how.verb + ": " + ref + ": " + text_of(failed.error, "message")));
      item["error"] = failed.error;
      if (failed.code == exit_code::no_engine) {
        items.push_back(std::move(item));
        break;
      }
    }
    items.push_back(std::move(item));
  }
  const auto failed = items.size() - done;
  const auto untried = what.refs.size() - items.size();
  const auto ended = now.args.has("dry-run") ? " looked at, " : " done, ";
  out.note(how.verb + ": " + std::to_string(done) + ended + std::to_string(failed) + " failed" +
           (untried == 0 ? "" : ", " + std::to_string(untried) + " not tried"));
  if (document)
    out.document({{"items", std::move(items)},
                  {"done", done},
                  {"failed", failed},
                  {"not_tried", untried},
                  {"next", nullptr}});
  return code;
}

exit_code nothing_to_do(session& now) {
  if (now.out.chosen() == format::as_json || now.out.chosen() == format::yaml)
    now.out.document({{"items", json::array()},
                      {"done", 0},
                      {"failed", 0},
                      {"not_tried", 0},
                      {"next", nullptr}});
  now.out.note("Nothing is selected: nothing was done");
  return exit_code::done;
}

} // namespace pinion::ctl
