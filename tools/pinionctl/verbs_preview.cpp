#include "definition_files.hpp"
#include "pinion/api/reference.hpp"
#include "pinion/definitions/preview.hpp"
#include "pinion/timing/instant_text.hpp"
#include "runs.hpp"
#include "show.hpp"

#include <algorithm>
#include <chrono>

namespace pinion::ctl {
namespace {

constexpr std::uint64_t usual_count = 5;

instant after_of(const arguments& args, zone in) {
  if (args.has("from"))
    return value_or_fail(parse_instant(args.text("from"), in));
  return std::chrono::time_point_cast<duration>(std::chrono::system_clock::now());
}

json items_of(const std::vector<fire_time>& times) {
  json items = json::array();
  for (const auto& time : times)
    items.push_back({{"slot", time.slot}, {"utc", time.utc}});
  return items;
}

json of_cron(const arguments& args, std::size_t count) {
  if (!args.words.empty())
    throw usage_failure("--cron stands alone, without '" + args.words.front() + "'");
  const auto in = args.has("timezone") ? value_or_fail(zone::load(args.text("timezone"))) : zone{};
  const auto expression = value_or_fail(cron_expression::parse(args.text("cron")));
  cron_schedule when{expression, in};
  return items_of(preview(schedule{when}, after_of(args, in), count));
}

json of_files(const arguments& args, std::size_t count) {
  const auto loaded = load_paths(args.words, args.text("env"));
  if (!loaded.ok()) {
    auto failed = fail_with(exit_code::failed, {errc::invalid, "The files have errors"});
    failed.error["details"] = to_details(loaded.errors);
    throw failed;
  }
  json items = json::array();
  for (const auto& one : loaded.workflows) {
    const auto in = value_or_fail(zone::load(one.definition.timezone));
    for (const auto& trigger : preview(one.definition, after_of(args, in), count))
      for (auto& time : items_of(trigger.times)) {
        time["trigger"] = one.definition.id() + '/' + trigger.trigger;
        items.push_back(std::move(time));
      }
  }
  return items;
}

json of_workflow(session& now, std::size_t count) {
  if (now.args.words.size() != 1)
    throw usage_failure("Name one workflow, or give --cron");
  const auto ref = value_or_fail(parse_reference(now.args.words.front()));
  auto answer = now.engine.get("/api/v1/preview", {{"workflow", ref.workflow},
                                                   {"trigger", ref.trigger},
                                                   {"from", now.args.text("from")},
                                                   {"count", std::to_string(count)}});
  return answer["items"];
}

} // namespace

exit_code run_preview(session& now) {
  const auto& args = now.args;
  const auto count = args.number("count", 1, 10'000).value_or(usual_count);
  if (args.has("timezone") && !args.has("cron"))
    throw usage_failure("--timezone belongs to --cron: a workflow has its own");
  const bool files =
      !args.words.empty() && std::all_of(args.words.begin(), args.words.end(), is_path);
  auto items = args.has("cron") ? of_cron(args, count)
               : files          ? of_files(args, count)
                                : of_workflow(now, count);
  auto& out = now.out;
  if (out.chosen() == format::as_json || out.chosen() == format::yaml) {
    out.document({{"items", std::move(items)}, {"next", nullptr}});
    return exit_code::done;
  }
  std::vector<field> fields{{"SLOT", "slot"}, {"UTC", "utc"}};
  if (!items.empty() && items.front().contains("trigger"))
    fields.push_back({"TRIGGER", "trigger"});
  print_items(out, items, fields, "slot");
  return exit_code::done;
}

} // namespace pinion::ctl
