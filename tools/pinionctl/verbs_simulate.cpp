#include "definition_files.hpp"
#include "durations_file.hpp"
#include "pinion/simulator/simulation_report.hpp"
#include "pinion/timing/duration_text.hpp"
#include "pinion/timing/instant_text.hpp"
#include "runs.hpp"

namespace pinion::ctl {
namespace {

constexpr std::uint64_t most_slots = 100'000;

simulated_set set_of(const arguments& args) {
  auto loaded = load_paths(args.words, args.text("env"));
  if (!loaded.ok()) {
    auto failed = fail_with(exit_code::failed, {errc::invalid, "The files have errors"});
    failed.error["details"] = to_details(loaded.errors);
    throw failed;
  }
  simulated_set out;
  for (auto& each : loaded.workflows)
    out.workflows.push_back(
        std::make_shared<const workflow_definition>(std::move(each.definition)));
  for (auto& each : loaded.projects)
    out.projects[each.project] = std::move(each);
  return out;
}

/// A time, or for `--to` how long from `--from` on.
simulation_options options_of(const arguments& args) {
  simulation_options out;
  out.from = args.has("from") ? value_or_fail(parse_instant(args.text("from"))) : wall_now();
  out.to = out.from + std::chrono::hours{24};
  if (args.has("to")) {
    const auto length = parse_duration(args.text("to"));
    out.to = length ? out.from + length.value() : value_or_fail(parse_instant(args.text("to")));
  }
  if (out.to <= out.from)
    throw usage_failure("--to is not after --from");
  out.slots = static_cast<std::uint32_t>(args.number("slots", 1, most_slots).value_or(out.slots));
  return out;
}

/// What `--format` and `-o` say together.
std::string form_of(const session& now) {
  const auto chosen = now.out.chosen();
  const bool document = chosen == format::as_json || chosen == format::yaml;
  if (!now.args.has("format"))
    return document ? "json" : "text";
  const auto form = now.args.text("format");
  if (form != "text" && form != "json" && form != "html" && form != "svg")
    throw usage_failure("--format does not know '" + form + "'", "it is text, json, html or svg");
  if (document && form != "json")
    throw usage_failure("--format " + form + " and -o exclude each other");
  return form;
}

void print(session& now, const std::string& form, const simulation_result& result,
           const simulation_report& report) {
  auto& out = now.out;
  if (form == "html")
    out.raw(to_html(result, report));
  else if (form == "svg")
    out.raw(to_svg(result, report));
  else if (form == "text")
    out.raw(escaped(to_text(result, report)));
  else if (out.chosen() == format::yaml)
    out.document(json::parse(to_json(result, report)));
  else
    out.raw(to_json(result, report));
}

} // namespace

exit_code run_simulate(session& now) {
  const auto& args = now.args;
  const auto form = form_of(now);
  const auto options = options_of(args);
  const auto set = set_of(args);
  const auto seed = args.number("seed", 0, UINT64_MAX).value_or(1);
  auto durations = args.has("durations") ? durations_from(args.text("durations"), set, seed)
                                         : duration_table{seed};
  if (args.has("history"))
    add_history(durations, set, now.engine);
  auto result = value_or_fail(simulate(set, options, durations));
  if (durations.empty())
    result.assumptions.insert("every task takes " + print_duration(assumed_duration) +
                              ": give --durations or --history");
  const auto report = report_of(result);
  print(now, form, result, report);
  now.out.flush();
  if (!args.has("check"))
    return exit_code::done;
  if (!report.deadline_missed) {
    now.out.note("All deadlines are met.");
    return exit_code::done;
  }
  now.out.note(std::to_string(report.late.size()) + " tasks miss their deadlines.");
  return exit_code::failed;
}

} // namespace pinion::ctl
