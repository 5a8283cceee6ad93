#include "runs.hpp"
#include "show.hpp"

namespace pinion::ctl {
namespace {

/// The scalar fields of an object, in its own order.
std::vector<field> plain_fields(const json& object) {
  std::vector<field> fields;
  for (const auto& [name, value] : object.items()) {
    const bool shown_below = name == "timeline" || name == "instances" || name == "attempts" ||
                             name == "runs" || name == "graph" || name == "definition" ||
                             name == "rendered" || name == "triggers" || name == "kind" ||
                             name == "needs" || name == "items" || name == "switched_tasks" ||
                             name == "more_tasks" || name == "more_changes";
    if (!shown_below)
      fields.push_back({name, name, false, name == "state"});
  }
  return fields;
}

void print_part(console& out, const json& object, const char* key, const char* kind) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array() || found->empty())
    return;
  out.line("");
  print_items(out, *found, fields_of(kind));
}

/// The command of an attempt as it was run.
void print_rendered(console& out, const json& rendered) {
  if (!rendered.is_object() || rendered.empty())
    return;
  out.line("\n" + out.bold("command"));
  if (const auto script = text_of(rendered, "script"); !script.empty())
    out.line(escaped(script));
  else if (rendered.contains("argv"))
    out.line(escaped(dump(rendered["argv"])));
}

} // namespace

exit_code run_describe(session& now) {
  const auto object = now.engine.get("/api/v1/describe", {{"ref", now.args.words.front()}});
  auto& out = now.out;
  print_object(out, object, plain_fields(object));
  if (!out.for_people())
    return exit_code::done;
  print_part(out, object, "triggers", "triggers");
  print_part(out, object, "runs", "runs");
  print_part(out, object, "instances", "instances");
  print_part(out, object, "attempts", "attempts");
  print_part(out, object, "needs", "needs");
  print_part(out, object, "switched_tasks", "switched_tasks");
  print_part(out, object, "items", "backfill_items");
  if (object.value("more_items", false))
    out.line(out.dim("there are more: -o json, or GET /api/v1/backfills/" + text_of(object, "id") +
                     "/items"));
  print_rendered(out, object.value("rendered", json::object()));
  const auto events = object.value("timeline", json::array());
  if (!events.empty()) {
    out.line("");
    print_timeline(out, events);
  }
  if (object.value("more_changes", false))
    out.line(out.dim("people may have changed it before: pinionctl get audit " +
                     now.args.words.front()));
  return exit_code::done;
}

} // namespace pinion::ctl
