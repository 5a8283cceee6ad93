#include "pinion/timing/duration_text.hpp"
#include "runs.hpp"
#include "show.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

namespace pinion::ctl {
namespace {

using steady = std::chrono::steady_clock;
using milliseconds = std::chrono::milliseconds;

std::string content_of(const std::string& path) {
  std::ifstream file{path == "-" ? "/dev/stdin" : path};
  if (!file)
    throw usage_failure("Cannot read '" + path + "'");
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Values of --params-file, over them those of --param: JSON where it is JSON is left to the
/// engine, which knows the parameters' types, so here all values are text.
json params_of(const arguments& args) {
  json params = json::object();
  if (args.has("params-file")) {
    params = json::parse(content_of(args.text("params-file")), nullptr, false);
    if (!params.is_object())
      throw usage_failure("'" + args.text("params-file") + "' must hold one JSON object");
  }
  for (const auto& pair : args.all("param")) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      throw usage_failure("--param takes name=value, not '" + pair + "'");
    params[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return params;
}

bool has_ended(const json& run) {
  const auto state = text_of(run, "state");
  return state == "success" || state == "failed" || state == "cancelled" || state == "skipped";
}

/// Tells each change of the run's counts, on standard error.
class progress {
public:
  explicit progress(console& out) : out_{out} {}
  void show(const json& run) {
    const auto text =
        text_of(run, "id") + ' ' + text_of(run, "state") + "  " + cell_of(run, "counts");
    if (text != last_)
      out_.note(text);
    last_ = text;
  }

private:
  console& out_;
  std::string last_;
};

struct waited {
  json run;
  exit_code code;
};

/// Polls the run until it has ended or `patience` is over (negative: no limit). If the engine goes
/// away, what is known of the run is the answer.
waited wait_for(session& now, json run, milliseconds patience) {
  const auto until = steady::now() + patience;
  progress told{now.out};
  while (!has_ended(run)) {
    told.show(run);
    // Short polls while someone watches, so that progress is seen.
    auto ask = milliseconds{2000};
    if (patience.count() >= 0)
      ask = std::min(ask, std::chrono::duration_cast<milliseconds>(until - steady::now()));
    if (ask.count() <= 0)
      return {std::move(run), exit_code::wait_ran_out};
    try {
      run = now.engine.get("/api/v1/runs/" + text_of(run, "id") + "/wait",
                           {{"timeout_ms", std::to_string(ask.count())}});
    } catch (const failure& lost) {
      now.out.note(text_of(lost.error, "message"));
      return {std::move(run), lost.code};
    }
  }
  told.show(run);
  const bool well = text_of(run, "state") == "success" || text_of(run, "state") == "skipped";
  return {std::move(run), well ? exit_code::done : exit_code::failed};
}

} // namespace

exit_code run_trigger(session& now) {
  const auto& args = now.args;
  if (args.has("timeout") && !args.has("wait"))
    throw usage_failure("--timeout needs --wait");
  auto patience = milliseconds{-1};
  if (args.has("timeout"))
    patience = std::chrono::duration_cast<milliseconds>(
        value_or_fail(parse_duration(args.text("timeout"))));
  auto run = now.engine.post("/api/v1/trigger", {{"workflow", args.words.front()},
                                                 {"params", params_of(args)},
                                                 {"key", args.text("key")},
                                                 {"biz_date", args.text("biz-date")},
                                                 {"ignore_overlap", args.has("ignore-overlap")},
                                                 {"reason", args.text("reason")}});
  waited ended{std::move(run), exit_code::done};
  if (args.has("wait"))
    ended = wait_for(now, std::move(ended.run), patience);
  auto& out = now.out;
  if (out.for_people())
    print_items(out, json::array({ended.run}), fields_of("runs"));
  else
    print_object(out, ended.run, {});
  return ended.code;
}

} // namespace pinion::ctl
