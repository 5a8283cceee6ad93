#include "input_file.hpp"
#include "pinion/timing/duration_text.hpp"
#include "runs.hpp"
#include "show.hpp"

#include <algorithm>
#include <chrono>

namespace pinion::ctl {
namespace {

using steady = std::chrono::steady_clock;
using milliseconds = std::chrono::milliseconds;

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

/// A run by hand, or with --slot that of a trigger's own slot.
json body_of(const arguments& args) {
  json body{{"workflow", args.words.front()}, {"reason", args.text("reason")}};
  if (args.has("slot")) {
    for (const auto* other : {"param", "params-file", "key", "biz-date", "ignore-overlap"})
      if (args.has(other))
        throw usage_failure(std::string{"--"} + other + " does not go with --slot",
                            "A slot has the parameters of its trigger");
    body["slot"] = args.text("slot");
    return body;
  }
  body["params"] = params_of(args);
  body["key"] = args.text("key");
  body["biz_date"] = args.text("biz-date");
  body["ignore_overlap"] = args.has("ignore-overlap");
  return body;
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
  auto run = now.engine.post("/api/v1/trigger", body_of(args));
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
