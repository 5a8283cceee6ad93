#include "input_file.hpp"
#include "pinion/api/reference.hpp"
#include "runs.hpp"
#include "show.hpp"

namespace pinion::ctl {
namespace {

/// "a,b" and repeated options as one list.
json list_of(const std::vector<std::string>& given) {
  json list = json::array();
  for (const auto& text : given)
    for (std::string_view rest = text; !rest.empty();) {
      const auto part = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), part.size() + 1));
      if (!part.empty())
        list.push_back(std::string{part});
    }
  return list;
}

/// One slot a line; empty lines and what follows a `#` do not count.
json slots_in(const std::string& path) {
  json slots = json::array();
  const auto text = input_file(path);
  for (std::string_view rest = text; !rest.empty();) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    line = line.substr(0, line.find('#'));
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos)
      continue;
    const auto last = line.find_last_not_of(" \t\r");
    slots.push_back(std::string{line.substr(first, last - first + 1)});
  }
  if (slots.empty())
    throw usage_failure("'" + path + "' holds no slots", "Write one a line, as 2026-11-20T02:00");
  return slots;
}

json body_of(const arguments& args) {
  json body{{"target", args.words.front()}, {"reason", args.text("reason")}};
  for (const auto& [option, key] :
       {std::pair{"from", "from"}, std::pair{"to", "to"}, std::pair{"biz-date", "biz_dates"},
        std::pair{"rest", "rest"}, std::pair{"downstream", "downstream"},
        std::pair{"order", "order"}, std::pair{"reprocess", "reprocess"},
        std::pair{"hours", "hours"}, std::pair{"on-failure", "on_failure"},
        std::pair{"version", "version"}})
    if (args.has(option))
      body[key] = args.text(option);
  if (args.has("slots"))
    body["slots"] = slots_in(args.text("slots"));
  if (args.has("tasks"))
    body["tasks"] = list_of(args.all("tasks"));
  if (const auto parallel = args.number("parallel", 1, 1000))
    body["parallel"] = *parallel;
  if (args.has("isolated"))
    body["isolated"] = true;
  if (args.has("dry-run"))
    body["dry_run"] = true;
  if (args.has("param"))
    body["params"] = params_of(args);
  return body;
}

void print_preview(console& out, const json& answer) {
  print_items(out, answer["items"],
              {{"WORKFLOW", "workflow"},
               {"TRIGGER", "trigger"},
               {"SLOT", "slot"},
               {"BUSINESS DATE", "biz_date"},
               {"RUN", "run"},
               {"WOULD", "action"}},
              "slot");
  if (out.for_people())
    out.note(cell_of(answer, "total") + " slots (" + cell_of(answer, "counts") +
             "); nothing was done");
}

} // namespace

exit_code run_backfill(session& now) {
  const auto answer = now.engine.post("/api/v1/backfills", body_of(now.args));
  auto& out = now.out;
  if (out.chosen() == format::as_json || out.chosen() == format::yaml) {
    out.document(answer);
    return exit_code::done;
  }
  if (now.args.has("dry-run")) {
    print_preview(out, answer);
    return exit_code::done;
  }
  print_items(out, json::array({answer}), fields_of("backfills"));
  if (out.for_people())
    out.note("'pinionctl describe " + text_of(answer, "id") + "' shows its slots");
  return exit_code::done;
}

bool names_backfill(const std::string& word) { return backfill_number(word).has_value(); }

} // namespace pinion::ctl
