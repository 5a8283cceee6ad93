#include "runs.hpp"
#include "show.hpp"
#include "watch_list.hpp"

#include "pinion/api/router.hpp"
#include "pinion/timing/near_names.hpp"

#include <algorithm>
#include <set>

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
json object_of(client& engine, const std::string& kind, const std::string& ref) {
  if (kind == "workflows")
    return engine.get("/api/v1/workflows/" + percent_encode(ref));
  if (kind == "versions")
    return engine.get("/api/v1/versions/" + percent_encode(ref));
  if (kind == "runs")
    return engine.get("/api/v1/runs", {{"run", ref}})["items"].at(0);
  return engine.get("/api/v1/describe", {{"ref", ref}});
}

exit_code get_one(session& now, const kind_spec& kind, const std::string& ref) {
  const auto object = object_of(now.engine, kind.name, ref);
  if (now.out.for_people()) {
    print_items(now.out, json::array({object}), fields_of(kind.name), kind.name_key);
    return exit_code::done;
  }
  print_object(now.out, object, fields_of(kind.name));
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

/// What `get events` is about.
std::string subject_of(const query& values, const std::string& ref) {
  if (!ref.empty())
    return ref;
  for (const auto* name : {"run", "workflow"})
    if (const auto found = values.find(name); found != values.end() && !found->second.empty())
      return found->second;
  throw usage_failure("'get events' needs a REF, --run or --workflow",
                      "For example: pinionctl get events r12");
}

/// The timeline of one thing, oldest first, as a list; the newest `limit` of it.
json events_of(client& engine, const std::string& ref, std::uint64_t limit) {
  const auto thing = engine.get("/api/v1/describe", {{"ref", ref}});
  auto items = thing.value("timeline", json::array());
  if (items.size() > limit)
    items.erase(items.begin(), items.end() - static_cast<std::ptrdiff_t>(limit));
  return {{"items", std::move(items)}, {"next", nullptr}};
}

/// The engine tells of each row of these that changes; of others only that something has.
bool is_told_by_row(const std::string& kind) {
  static const std::set<std::string> all{"runs",      "instances", "slots",
                                         "backfills", "attempts",  "audit"};
  return all.contains(kind);
}

/// `get KIND REF --watch` of a kind whose REF names one thing.
watched_kind watched_one(session& now, const kind_spec& kind, const std::string& ref) {
  const std::string name = kind.name;
  watched_kind out{name, kind.name_key, {}, {}};
  if (name == "runs") {
    out.values["run"] = ref;
  } else if (name == "instances") {
    const auto slash = ref.find('/', ref.find('@') == std::string::npos ? 0 : ref.find('@'));
    const auto part = slash == std::string::npos ? std::string{} : ref.substr(slash + 1);
    out.values["run"] = ref.substr(0, slash);
    out.values["task"] = part.substr(0, part.find(':'));
    if (part.find(':') != std::string::npos)
      out.passes = [part](const json& item) { return text_of(item, "id").ends_with('/' + part); };
  } else if (name == "backfills") {
    out.passes = [ref](const json& item) { return text_of(item, "id") == ref; };
  }
  out.list = [&now, name, ref] {
    auto found = object_of(now.engine, name, ref);
    if (name != "instances" || !found.contains("instances"))
      found = json{{"instances", json::array({found})}};
    return json{{"items", std::move(found["instances"])}, {"next", nullptr}};
  };
  return out;
}

/// Lists, then tells what changes.
exit_code watch_kind(session& now, const kind_spec& kind, const query& values, std::uint64_t limit,
                     const std::string& ref) {
  const std::string name = kind.name;
  const auto subject = name == "events" ? subject_of(values, ref) : std::string{};
  watched_kind what{name, kind.name_key, {}, {}};
  if (is_told_by_row(name)) {
    what.values = values;
    if (const auto at = values.find("ref"); name == "slots" && at != values.end()) {
      const auto slash = at->second.find('/');
      what.values["workflow"] = at->second.substr(0, slash);
      what.values["trigger"] = slash == std::string::npos ? "" : at->second.substr(slash + 1);
      what.values.erase("ref");
    }
  }
  what.shares_names = name == "permits" || name == "events";
  what.list = [&now, name, values, limit, subject] {
    if (name == "events") {
      auto answer = events_of(now.engine, subject, limit);
      answer["next"] = "older"; // What has happened is not undone by what follows.
      return answer;
    }
    auto answer = fetch(now.engine, "/api/v1/" + name, values, limit, {});
    // Newest last, as what follows.
    if (is_told_by_row(name) && name != "attempts")
      std::reverse(answer["items"].begin(), answer["items"].end());
    return answer;
  };
  return watch_list(now, std::move(what));
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
  const bool watches = now.args.has("watch");
  const auto ref = now.args.words.size() > 1 ? now.args.words[1] : std::string{};
  if (!ref.empty() && name != "events") {
    const auto filter = filter_of_ref(name, ref);
    if (filter.empty())
      return watches ? watch_list(now, watched_one(now, kind, ref)) : get_one(now, kind, ref);
    values[filter] = ref;
  }
  if (watches)
    return watch_kind(now, kind, values, limit, ref);
  json answer;
  if (name == "events")
    answer = events_of(now.engine, subject_of(values, ref), limit);
  else
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
