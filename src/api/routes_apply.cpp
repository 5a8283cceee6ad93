#include "api/fire_changes.hpp"
#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/posted_files.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "api/version_condition.hpp"
#include "pinion/definitions/loader.hpp"

namespace pinion::routes {
namespace {

result<apply_request> request_of(const json& body, load_result& loaded, const std::string& folder) {
  apply_request request;
  request.origin = folder;
  BOOST_OUTCOME_TRY(prune, body_flag(body, "prune"));
  BOOST_OUTCOME_TRY(dry_run, body_flag(body, "dry_run"));
  request.prune = prune;
  request.dry_run = dry_run;
  request.projects = std::move(loaded.projects);
  for (auto& one : loaded.workflows) {
    // What came over the API belongs to the API, wherever the file lay on the client's side.
    if (folder.empty())
      one.definition.source_file.clear();
    request.workflows.push_back(std::move(one.definition));
  }
  return request;
}

/// A set that was read from files, and who wants it taken.
struct read_set {
  load_result loaded;
  std::string folder; ///< The workflows folder that it is; empty: it was posted.
  json body;
  caller by;
  version_condition condition;
};

void take_set(const api_ptr& state, read_set set, const reply_function& reply) {
  if (!set.loaded.ok())
    return reply(refused_set(set.loaded, "nothing was applied"));
  auto times = fire_changes(store_view{*state}, set.loaded.workflows);
  auto asked = request_of(set.body, set.loaded, set.folder);
  if (!asked)
    return reply(error_reply(asked.error()));
  const auto reason = body_text(set.body, "reason");
  if (!reason)
    return reply(error_reply(reason.error()));
  set.by.reason = reason.value();
  asked.value().condition = std::move(set.condition);
  state->engine().apply(std::move(asked.value()), set.by,
                        applied(state, reply, std::move(times), details_of(set.loaded.warnings)));
}

/// The texts of the request; of a workflows folder what the engine finds there.
void read_and_take(const api_ptr& state, read_set set, const reply_function& reply) {
  if (!set.folder.empty()) {
    set.loaded = load_folder(*state, set.folder);
  } else {
    const auto sources = posted_files(set.body);
    if (!sources)
      return reply(error_reply(sources.error()));
    set.loaded = load_posted(*state, sources.value());
  }
  take_set(state, std::move(set), reply);
}

/// The paths of `roots`, as they lie on the disk.
result<std::vector<std::string>> roots_of(const json& body) {
  std::vector<std::string> roots;
  const auto list = body.find("roots");
  if (list == body.end() || list->is_null())
    return roots;
  if (!list->is_array())
    return problem{errc::invalid, "'roots' must be a list of paths"};
  for (const auto& one : *list) {
    if (!one.is_string())
      return problem{errc::invalid, "'roots' must be a list of paths"};
    roots.push_back(one.get<std::string>());
    while (roots.back().size() > 1 && roots.back().ends_with('/'))
      roots.back().pop_back();
  }
  return roots;
}

/// The workflows folder that all roots are; empty: none of them is one.
result<std::string> folder_of(const std::vector<std::string>& roots,
                              const std::vector<std::string>& folders) {
  std::string found;
  for (const auto& root : roots)
    for (const auto& folder : folders)
      if (root == folder)
        found = folder;
      else if (root.starts_with(folder + '/'))
        return problem{errc::refused, "'" + root + "' is a part of the workflows folder " + folder,
                       "What has vanished is known of the whole: apply --prune " + folder};
  if (!found.empty() && roots.size() > 1)
    return problem{errc::refused, "A workflows folder is pruned by itself",
                   "apply --prune " + found};
  return found;
}

result<void> apply(const api_ptr& state, const http_request& request, const reply_function& reply) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"files", "roots", "prune", "dry_run", "reason"}));
  BOOST_OUTCOME_TRY(roots, roots_of(body));
  BOOST_OUTCOME_TRY(prune, body_flag(body, "prune"));
  BOOST_OUTCOME_TRY(condition, condition_of(request));
  read_set set{{}, {}, std::move(body), caller_of(request, {}), std::move(condition)};
  if (prune) {
    BOOST_OUTCOME_TRY(folder, folder_of(roots, state->handles.folders));
    set.folder = std::move(folder);
  }
  read_and_take(state, std::move(set), reply);
  return ok();
}

} // namespace

void add_apply(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"POST", "/api/v1/apply",
                   "Takes a set of definition files as a whole, or refuses it with every error.",
                   [state](const http_request& request, const reply_function& reply) {
                     if (const auto asked = apply(state, request, reply); !asked)
                       reply(error_reply(asked.error()));
                   }});
}

} // namespace pinion::routes
