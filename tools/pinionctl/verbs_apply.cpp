#include "definition_files.hpp"
#include "runs.hpp"
#include "show.hpp"

#include <filesystem>

namespace pinion::ctl {

namespace {

std::string absolute_path(const std::string& path) {
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(path, failed);
  return failed ? path : absolute.lexically_normal().string();
}

} // namespace

json files_of(const std::vector<std::string>& paths) {
  load_options options;
  for (const auto& path : paths)
    options.roots.push_back(absolute_path(path));
  auto collected = collect_sources(options);
  if (!collected.problems.empty()) {
    auto failed = fail_with(exit_code::failed, {errc::invalid, "Some files cannot be read"});
    failed.error["details"] = to_details(collected.problems);
    throw failed;
  }
  json files = json::array();
  for (auto& source : collected.sources)
    files.push_back({{"path", std::move(source.path)}, {"text", std::move(source.text)}});
  return files;
}

json post_definitions(client& engine, const std::string& path, const json& body,
                      const headers& more) {
  try {
    return engine.post(path, body, more);
  } catch (failure& failed) {
    // Wrong definitions are what was asked about, not wrong usage.
    if (failed.code == exit_code::usage && body.contains("files"))
      failed.code = exit_code::failed;
    throw;
  }
}

namespace {

/// The condition of --if-version.
headers condition_of(const session& now) {
  const auto version = now.args.text("if-version");
  if (version.empty())
    return {};
  if (version == "none")
    return {{"If-None-Match", "*"}};
  return {{"If-Match", '"' + version + '"'}};
}

/// An older version that becomes the newest, in place of files.
json restored(session& now) {
  if (!now.args.words.empty() || now.args.has("prune"))
    throw usage_failure("--restore goes without files and --prune");
  return now.engine.post("/api/v1/restore",
                         {{"version", now.args.text("restore")},
                          {"dry_run", now.args.has("dry-run")},
                          {"reason", now.args.text("reason")}},
                         condition_of(now));
}

json applied(session& now) {
  if (now.args.words.empty())
    throw usage_failure("'apply' needs a file or a folder", "Or a version: --restore W:v7");
  json roots = json::array();
  for (const auto& path : now.args.words)
    roots.push_back(absolute_path(path));
  return post_definitions(now.engine, "/api/v1/apply",
                          {{"files", files_of(now.args.words)},
                           {"roots", std::move(roots)},
                           {"prune", now.args.has("prune")},
                           {"dry_run", now.args.has("dry-run")},
                           {"reason", now.args.text("reason")}},
                          condition_of(now));
}

/// Which triggers come at other times, and at which.
void print_fire_times(console& out, const json& items) {
  for (const auto& item : items)
    for (const auto& change : item.value("fire_times", json::array()))
      out.line(escaped(text_of(change, "trigger")) + ": " + cell_of(change, "before") + " -> " +
               cell_of(change, "after"));
}

} // namespace

exit_code run_apply(session& now) {
  const auto answer = now.args.has("restore") ? restored(now) : applied(now);
  auto& out = now.out;
  if (out.chosen() == format::as_json || out.chosen() == format::yaml) {
    out.document(answer);
    return exit_code::done;
  }
  for (const auto& warning : answer.value("warnings", json::array()))
    out.note(escaped("warning: " + text_of(warning, "file") + ':' + text_of(warning, "line") +
                     ": " + text_of(warning, "message")));
  print_items(out, answer["items"],
              {{"WORKFLOW", "workflow"},
               {"VERSION", "version"},
               {"CHANGE", "change"},
               {"MESSAGE", "message"}},
              "workflow");
  if (now.args.has("dry-run")) {
    if (out.for_people())
      print_fire_times(out, answer["items"]);
    out.note("nothing was applied");
  }
  return exit_code::done;
}

} // namespace pinion::ctl
