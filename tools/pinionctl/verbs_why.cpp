#include "runs.hpp"
#include "show.hpp"

namespace pinion::ctl {

exit_code run_why(session& now) {
  const auto answer = now.engine.get("/api/v1/why", {{"ref", now.args.words.front()}});
  auto& out = now.out;
  if (!out.for_people()) {
    out.chosen() == format::name ? out.line(text_of(answer, "ref")) : out.document(answer);
    return exit_code::done;
  }
  out.line(text_of(answer, "ref") + " is " + out.state(text_of(answer, "state")) + ": " +
           escaped(text_of(answer, "message")));
  for (const auto& cause : answer.value("blocked_by", json::array())) {
    const auto since = text_of(cause, "since");
    const auto ref = text_of(cause, "ref");
    out.line("  " + out.bold(text_of(cause, "kind")) + (ref.empty() ? "" : ' ' + escaped(ref)) +
             ": " + escaped(text_of(cause, "message")) +
             (since.empty() ? "" : " (since " + cell_of(cause, "since") + ')') +
             (text_of(cause, "until").empty() ? "" : ", until about " + cell_of(cause, "until")));
  }
  for (const auto& fact : answer.value("because", json::array()))
    out.line("  " + out.dim("because ") + text_of(fact, "kind") + ": " +
             escaped(text_of(fact, "message")) +
             (text_of(fact, "at").empty() ? "" : " (" + cell_of(fact, "at") + ')'));
  for (const auto* moment : {"expected_start", "expected_end"})
    if (!text_of(answer, moment).empty())
      out.line("  " + std::string{moment} + ": " + cell_of(answer, moment));
  if (const auto path = answer.value("critical_path", json::array()); !path.empty())
    out.line("  critical path: " + cell_of(answer, "critical_path"));
  return exit_code::done;
}

} // namespace pinion::ctl
