#include "pinion/timing/zone.hpp"
#include "runs.hpp"
#include "show.hpp"

namespace pinion::ctl {

exit_code run_wheel(session& now) {
  const auto answer = now.engine.get("/api/v1/wheel");
  print_object(now.out, answer,
               {{"", "wall_entries"},
                {"", "steady_entries"},
                {"", "next_wall"},
                {"", "next_steady_s"},
                {"", "fired"},
                {"", "cancelled"},
                {"", "slots_fired"},
                {"", "worst_lag_s"},
                {"", "mean_lag_s"}});
  if (now.out.for_people() && !answer["minutes"].empty()) {
    now.out.line("");
    print_items(now.out, answer["minutes"], {{"MINUTE", "minute"}, {"SLOTS", "count"}});
  }
  return exit_code::done;
}

exit_code run_health(session& now) {
  // 503 and 507 carry the same body: not ready yet, or no room on the disk.
  const auto reply = now.engine.send("GET", "/api/v1/health", {}, {}, std::chrono::seconds{30});
  const auto answer = json::parse(reply.body, nullptr, false);
  if (!answer.is_object() || !answer.contains("ready"))
    throw failure_of(reply);
  const bool ready = answer["ready"].get<bool>();
  const bool full = answer.value("disk_full", false);
  const bool troubled = !answer.value("problems", json::array()).empty();
  if (now.out.chosen() == format::name)
    now.out.line(full ? "disk_full" : !ready ? "starting" : troubled ? "problems" : "ready");
  else
    print_object(now.out, answer,
                 {{"", "ready"},
                  {"", "held"},
                  {"", "disk_full"},
                  {"", "epoch"},
                  {"", "live_runs"},
                  {"", "slots"},
                  {"", "busy"},
                  {"", "started_at"},
                  {"", "recovery_s"},
                  {"", "problems"}});
  return ready && !full && !troubled ? exit_code::done : exit_code::failed;
}

/// Works without an engine, or with one that does not admit this user: then `engine` is null.
exit_code run_version(session& now) {
  std::string why = "no engine at " + now.engine.socket_path();
  json answer{{"version", PINION_VERSION}, {"tzdata", tzdata_version()}, {"engine", nullptr}};
  try {
    answer["engine"] = now.engine.get("/api/v1/version");
  } catch (const failure& none) {
    if (none.code != exit_code::no_engine && none.code != exit_code::refused)
      throw;
    if (none.code == exit_code::refused)
      why = escaped(text_of(none.error, "message"));
  }
  if (!now.out.for_people()) {
    now.out.chosen() == format::name ? now.out.line(PINION_VERSION) : now.out.document(answer);
    return exit_code::done;
  }
  now.out.line("pinionctl " PINION_VERSION " (tzdata " + text_of(answer, "tzdata") + ")");
  const auto& engine = answer["engine"];
  now.out.line(engine.is_null()
                   ? why
                   : "engine " + text_of(engine, "version") + " (tzdata " +
                         text_of(engine, "tzdata") + ") at " + now.engine.socket_path());
  return exit_code::done;
}

} // namespace pinion::ctl
