#include "runs.hpp"

#include <csignal>
#include <cstdio>
#include <exception>

namespace {

using namespace pinion::ctl;

/// The format that was asked for, also when the rest of the command line is wrong: a script that
/// asks for JSON gets its error as JSON.
format asked_format(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool next = (words[i] == "-o" || words[i] == "--output") && i + 1 < words.size();
    if ((next && words[i + 1] == "json") || words[i] == "-ojson" || words[i] == "--output=json")
      return format::as_json;
  }
  return format::table;
}

void report(console& out, const failure& failed) {
  if (out.chosen() == format::as_json)
    out.document(json{{"error", failed.error}});
  for (const auto& detail : failed.error.value("details", json::array())) {
    const auto place = text_of(detail, "file") + ':' + text_of(detail, "line") + ':' +
                       text_of(detail, "column") + ": ";
    const auto mend = text_of(detail, "suggestion");
    out.note(escaped(place + text_of(detail, "message") + (mend.empty() ? "" : " (" + mend + ")")));
  }
  out.note(escaped("pinionctl: " + text_of(failed.error, "message")));
  if (const auto mend = text_of(failed.error, "suggestion"); !mend.empty())
    out.note(escaped("  " + mend));
}

exit_code run(const std::vector<std::string>& words) {
  console errors{asked_format(words), false};
  try {
    const auto line = parse_command_line(words);
    if (line.help || line.verb == nullptr) {
      console{format::table, false}.raw(line.verb == nullptr ? help_text() : help_text(*line.verb));
      return exit_code::done;
    }
    const auto chosen = format_named(line.args.text("output"));
    if (chosen == format::dot && line.verb->name != "graph")
      throw usage_failure("Only 'graph' draws -o dot");
    console out{chosen, !line.args.has("no-color")};
    client engine{socket_path_from(line.args.text("server"))};
    session now{line.args, out, engine};
    const auto ended = line.verb->run(now);
    out.flush();
    return ended;
  } catch (const failure& failed) {
    report(errors, failed);
    return failed.code;
  } catch (const std::exception& broken) {
    report(errors, fail_with(exit_code::failed, {pinion::errc::internal, broken.what()}));
    return exit_code::failed;
  }
}

} // namespace

int main(int argc, char** argv) {
  // A reader that leaves (`| head`) ends us as it ends other programs.
  std::signal(SIGPIPE, SIG_DFL);
  return static_cast<int>(run({argv + 1, argv + argc}));
}
