#include "definition_files.hpp"
#include "input_file.hpp"
#include "runs.hpp"
#include "show.hpp"
#include "waiting.hpp"

#include <filesystem>

namespace pinion::ctl {
namespace {

/// The file with the pinion.yaml beside it; "-" is read as a file of the present folder.
json definition_at(const std::string& word) {
  if (word != "-")
    return files_of({word});
  std::error_code failed;
  const auto here = std::filesystem::current_path(failed);
  json files = json::array({{{"path", (here / "stdin.yaml").string()}, {"text", input_file("-")}}});
  const auto beside = (here / "pinion.yaml").string();
  if (is_path(beside))
    files.push_back({{"path", beside}, {"text", input_file(beside)}});
  return files;
}

/// Prints the logs until the run has ended.
void follow(session& now, const std::string& run) {
  arguments args;
  args.words = {run};
  args.given["follow"] = {};
  session logs{args, now.out, now.engine};
  run_logs(logs);
}

} // namespace

exit_code run_run(session& now) {
  auto run = post_definitions(now.engine, "/api/v1/run",
                              {{"files", definition_at(now.args.words.front())},
                               {"params", params_of(now.args)},
                               {"key", now.args.text("key")},
                               {"reason", now.args.text("reason")}});
  auto& out = now.out;
  const bool document = out.chosen() == format::as_json || out.chosen() == format::yaml;
  if (!now.args.has("follow")) {
    out.for_people() ? print_items(out, json::array({run}), fields_of("runs"))
                     : print_object(out, run, {});
    return exit_code::done;
  }
  if (!document) {
    out.note(text_of(run, "id") + " of " + text_of(run, "workflow"));
    follow(now, text_of(run, "id"));
  }
  auto ended = wait_for(now, std::move(run), std::chrono::milliseconds{-1});
  if (document)
    out.document(ended.run);
  return ended.code;
}

} // namespace pinion::ctl
