#include "input_file.hpp"
#include "pinion/timing/duration_text.hpp"
#include "runs.hpp"
#include "show.hpp"
#include "waiting.hpp"

#include <chrono>

namespace pinion::ctl {
namespace {

using milliseconds = std::chrono::milliseconds;

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
