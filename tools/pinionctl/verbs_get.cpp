#include "runs.hpp"
#include "show.hpp"
#include "watch_list.hpp"

#include "pinion/api/router.hpp"
#include "pinion/timing/near_names.hpp"

#include <algorithm>

namespace pinion::ctl {
namespace {

constexpr std::uint64_t usual_limit = 100;
constexpr std::uint64_t largest_page = 1000;

/// A kind of things and which of the filters the engine knows for it.
struct kind_spec {
  const char* name;
  const char* name_key; ///< What -o name prints.
  std::vector<const char*> filters;
};

const std::vector<kind_spec>& kinds() {
  static const std::vector<kind_spec> all{
      {"workflows", "id", {"project", "workflow", "state", "label", "owner"}},
      {"versions", "id", {"project", "workflow", "label", "owner"}},
      {"triggers", "id", {"project", "workflow", "state", "label", "owner"}},
      {"runs",
       "id",
       {"project", "workflow", "run", "state", "reason", "label", "owner", "since", "from", "to"}},
      {"instances",
       "id",
       {"project", "workflow", "run", "task", "state", "reason", "label", "owner", "since", "from",
        "to"}},
      {"attempts", "id", {"run"}},
      {"pools", "id", {"project"}},
      {"permits", "holder", {"project", "run"}},
      {"vars", "id", {"project", "workflow", "label", "owner"}},
      {"channels", "id", {"project"}},
      {"slots",
       "slot",
       {"project", "workflow", "state", "reason", "label", "owner", "since", "from", "to"}},
      {"plan", "minute", {"workflow"}},
      {"backfills", "id", {"project", "workflow", "state"}},
      {"audit", "sequence", {"workflow", "run", "since", "from", "to"}},
      {"events", "at", {"run", "workflow"}}};
  return all;
}

const kind_spec& kind_named(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& one : kinds()) {
    if (name == one.name || name + 's' == one.name)
      return one;
    names.emplace_back(one.name);
  }
  const auto near = nearest_name(name, names);
  throw usage_failure("Unknown kind '" + name + "'", near.empty()
                                                         ? "'pinionctl get --help' lists the kinds"
                                                         : "Did you mean '" + near + "'?");
}

query query_of(const arguments& args, const kind_spec& kind) {
  query values;
  for (const auto* name : {"project", "workflow", "run", "task", "state", "reason", "label",
                           "owner", "since", "from", "to"}) {
    if (!args.has(name))
      continue;
    const bool known = std::any_of(kind.filters.begin(), kind.filters.end(),
                                   [&](const char* one) { return std::string{one} == name; });
    if (!known)
      throw usage_failure(std::string{"'get "} + kind.name + "' does not know --" + name);
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

/// Pages until `limit` items are there or the list ends.
json fetch(client& engine, const std::string& path, query values, std::uint64_t limit,
           const std::string& cursor) {
  json answer{{"items", json::array()}, {"next", cursor.empty() ? json() : json(cursor)}};
  auto& items = answer["items"];
  do {
    values["cursor"] = text_of(answer, "next");
    values["limit"] = std::to_string(std::min(largest_page, limit - items.size()));
    auto page = engine.get(path, values);
    items.insert(items.end(), page["items"].begin(), page["items"].end());
    answer["next"] = page["next"];
  } while (items.size() < limit && !answer["next"].is_null());
  return answer;
}

void sort_items(json& items, std::string by) {
  if (by.empty())
    return;
  const bool falling = by.front() == '-';
  by.erase(0, falling ? 1 : 0);
  const auto value = [&](const json& item) { return item.contains(by) ? item.at(by) : json(); };
  if (!items.empty() && !items.front().contains(by))
    throw usage_failure("--sort: there is no field '" + by + "'", "Any key of the JSON will do");
  std::stable_sort(items.begin(), items.end(), [&](const json& a, const json& b) {
    return falling ? value(b) < value(a) : value(a) < value(b);
  });
}

/// `get KIND REF`: the thing itself, not a list, except for kinds that a REF only narrows.
exit_code get_one(session& now, const kind_spec& kind, const std::string& ref) {
  const std::string name = kind.name;
  json object;
  if (name == "workflows")
    object = now.engine.get("/api/v1/workflows/" + percent_encode(ref));
  else if (name == "versions")
    object = now.engine.get("/api/v1/versions/" + percent_encode(ref));
  else if (name == "runs")
    object = now.engine.get("/api/v1/runs", {{"run", ref}})["items"].at(0);
  else
    object = now.engine.get("/api/v1/describe", {{"ref", ref}});
  if (now.out.for_people()) {
    print_items(now.out, json::array({object}), fields_of(name), kind.name_key);
    return exit_code::done;
  }
  print_object(now.out, object, fields_of(name));
  return exit_code::done;
}

/// For these kinds a REF narrows the list.
std::string filter_of_ref(const std::string& kind, const std::string& ref) {
  if (kind == "attempts" || kind == "slots")
    return "ref";
  if (kind == "versions")
    return ref.find(':') == std::string::npos ? "workflow" : "";
  if (kind == "vars" || kind == "plan")
    return "workflow";
  if (kind == "instances" && ref.find('/') == std::string::npos)
    return "run";
  if (kind == "pools" || kind == "channels")
    return "project";
  if (kind == "permits")
    return "run";
  return kind == "audit" ? "object" : "";
}

/// The timeline of one thing, oldest first, as a list.
json events_of(client& engine, const query& values, const std::string& ref) {
  const auto of = [&](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string{} : found->second;
  };
  const auto whose = !ref.empty() ? ref : !of("run").empty() ? of("run") : of("workflow");
  if (whose.empty())
    throw usage_failure("'get events' needs a REF, --run or --workflow",
                        "For example: pinionctl get events r12");
  const auto thing = engine.get("/api/v1/describe", {{"ref", whose}});
  return {{"items", thing.value("timeline", json::array())}, {"next", nullptr}};
}

/// Lists, then tells what changes.
exit_code watch_kind(session& now, const kind_spec& kind, query values, std::uint64_t limit) {
  const std::string name = kind.name;
  if (name != "runs" && name != "instances" && name != "slots" && name != "backfills")
    throw usage_failure("'get " + name + "' cannot be watched",
                        "runs, instances, slots and backfills can; 'top' shows the engine live");
  const auto list = [&now, name, values, limit] {
    auto items = fetch(now.engine, "/api/v1/" + name, values, limit, {})["items"];
    // Newest last, as what follows.
    std::reverse(items.begin(), items.end());
    return items;
  };
  auto watched = values;
  if (const auto ref = watched.find("ref"); ref != watched.end()) {
    const auto slash = ref->second.find('/');
    watched["workflow"] = ref->second.substr(0, slash);
    watched["trigger"] = slash == std::string::npos ? "" : ref->second.substr(slash + 1);
    watched.erase(ref);
  }
  return watch_list(now, name, kind.name_key, std::move(watched), list);
}

} // namespace

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const auto& one : kinds())
    names.emplace_back(one.name);
  return names;
}

exit_code run_get(session& now) {
  const auto& kind = kind_named(now.args.words.front());
  const std::string name = kind.name;
  auto values = query_of(now.args, kind);
  const auto limit = now.args.number("limit", 1, 10'000'000).value_or(usual_limit);
  json answer;
  if (name == "events" && !now.args.has("watch")) {
    answer = events_of(now.engine, values, now.args.words.size() > 1 ? now.args.words[1] : "");
    auto& items = answer["items"];
    if (items.size() > limit)
      items.erase(items.begin(), items.end() - static_cast<std::ptrdiff_t>(limit));
  } else if (now.args.words.size() > 1) {
    const auto& ref = now.args.words[1];
    const auto filter = filter_of_ref(name, ref);
    if (filter.empty() && !now.args.has("watch"))
      return get_one(now, kind, ref);
    values[filter.empty() ? "run" : filter] = ref;
  }
  if (now.args.has("watch"))
    return watch_kind(now, kind, std::move(values), limit);
  if (name != "events")
    answer =
        fetch(now.engine, "/api/v1/" + name, std::move(values), limit, now.args.text("cursor"));
  sort_items(answer["items"], now.args.text("sort"));
  if (now.out.chosen() == format::as_json || now.out.chosen() == format::yaml) {
    now.out.document(answer);
    return exit_code::done;
  }
  print_items(now.out, answer["items"], fields_of(name), kind.name_key);
  if (now.out.for_people() && !answer["next"].is_null())
    now.out.note("There are more: --limit N, or --cursor " + text_of(answer, "next"));
  return exit_code::done;
}

} // namespace pinion::ctl
