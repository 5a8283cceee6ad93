#include "mass.hpp"
#include "pinion/api/router.hpp"
#include "runs.hpp"
#include "show.hpp"

namespace pinion::ctl {
namespace {

std::string path_of(const arguments& args) {
  return "/api/v1/workflows/" + percent_encode(args.words.front());
}

/// What goes, line by line.
void print_preview(console& out, const json& preview) {
  const auto more = preview.value("complete", true) ? "" : " at least";
  out.line("would delete " + escaped(text_of(preview, "workflow")) + ", at v" +
           text_of(preview, "version") + more + ':');
  for (const auto& [name, count] : preview["counts"].items())
    out.line("  " + name + ": " + text_of(preview["counts"], name.c_str()));
  out.line("  log_bytes: " + text_of(preview, "log_bytes"));
  out.line("audit records stay");
  for (const auto& why : preview["refused"])
    out.line(escaped("refused: " + text_of(why, "message") + ". " + text_of(why, "suggestion")));
}

/// A preview that is refused tells so by its exit code, too.
exit_code ended(const json& preview) {
  return preview["refused"].empty() ? exit_code::done : exit_code::refused;
}

} // namespace

exit_code run_delete(session& now) {
  auto& out = now.out;
  const bool document = out.chosen() == format::as_json || out.chosen() == format::yaml;
  if (now.args.has("dry-run") || !now.args.has("yes")) {
    const auto preview = now.engine.remove(path_of(now.args), {{"dry_run", "true"}});
    if (now.args.has("dry-run") && document) {
      out.document(preview);
      return ended(preview);
    }
    if (!document)
      print_preview(out, preview);
    if (now.args.has("dry-run") || !preview["refused"].empty()) {
      out.note("nothing was done");
      return ended(preview);
    }
    out.flush();
    confirm(now, "delete " + text_of(preview, "workflow") + " with all this");
  }
  const auto answer = now.engine.remove(path_of(now.args), {{"reason", now.args.text("reason")}});
  if (document)
    out.document(answer);
  else if (out.chosen() == format::name)
    out.line(text_of(answer, "workflow"));
  else
    out.say("deleted: " + escaped(text_of(answer, "workflow")) + ", " +
            text_of(answer["counts"], "runs") + " runs");
  return exit_code::done;
}

} // namespace pinion::ctl
