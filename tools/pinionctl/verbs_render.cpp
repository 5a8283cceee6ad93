#include "input_file.hpp"
#include "runs.hpp"

#include <algorithm>

namespace pinion::ctl {
namespace {

/// The lines of one task as it would be run.
void print_task(console& out, const json& item) {
  const auto index = text_of(item, "index");
  const bool named = index.empty() || text_of(item, "id").ends_with(':' + index);
  out.line(out.bold(escaped(text_of(item, "id") + (named ? "" : " for " + index))));
  if (item.contains("error")) {
    out.line("  " + escaped("cannot be rendered: " + text_of(item["error"], "message")));
    return;
  }
  const auto field = [&](const char* title, const std::string& text) {
    if (!text.empty() && text != "{}")
      out.line("  " + out.dim(title) + escaped(text));
  };
  field("cwd: ", text_of(item, "cwd"));
  field("calls: ", text_of(item, "calls"));
  field("params: ", text_of(item, "params"));
  field("pools: ", text_of(item, "pools"));
  const auto env = item.value("env", json::object());
  for (const auto& [name, value] : env.items())
    field("env: ", name + '=' + (value.is_string() ? value.get<std::string>() : value.dump()));
  field("argv: ", text_of(item, "argv"));
  field("args: ", text_of(item, "script_args"));
  field("stdin: ", text_of(item, "stdin"));
  const auto script = text_of(item, "script");
  for (std::string_view rest = script; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    out.line("  | " + escaped(line));
  }
}

} // namespace

exit_code run_render(session& now) {
  query values{{"ref", now.args.words.front()}};
  if (now.args.has("param") || now.args.has("params-file"))
    values["params"] = dump(params_of(now.args));
  const auto answer = now.engine.get("/api/v1/render", values);
  auto& out = now.out;
  if (out.chosen() == format::as_json || out.chosen() == format::yaml) {
    out.document(answer);
    return exit_code::done;
  }
  for (const auto& item : answer["items"])
    out.chosen() == format::name ? out.line(escaped(text_of(item, "id"))) : print_task(out, item);
  return exit_code::done;
}

} // namespace pinion::ctl
