#include "definition_files.hpp"
#include "pinion/api/reference.hpp"
#include "pinion/definitions/preview.hpp"
#include "pinion/timing/instant_text.hpp"
#include "runs.hpp"
#include "show.hpp"

#include <algorithm>
#include <iterator>

namespace pinion::ctl {
namespace {

constexpr std::uint64_t usual_count = 5;

instant after_of(const arguments& args, zone in) {
  return args.has("from") ? value_or_fail(parse_instant(args.text("from"), in)) : wall_now();
}

json items_of(const std::vector<fire_time>& times) {
  json items = json::array();
  for (const auto& time : times)
    items.push_back(to_item(time));
  return items;
}

/// What is asked about will never happen: that is no empty list, but a failure.
failure never(const std::string& what, const arguments& args) {
  return fail_with(exit_code::failed, {errc::invalid, what + " never comes after " +
                                                          (args.has("from") ? args.text("from")
                                                                            : "the present time")});
}

/// One of two words; the first one where the option is not given.
bool is_second(const arguments& args, const char* option, const char* first, const char* second) {
  const auto word = args.has(option) ? args.text(option) : std::string{first};
  if (word != first && word != second)
    throw usage_failure(std::string{"--"} + option + " is " + first + " or " + second + ", not '" +
                        word + "'");
  return word == second;
}

json of_cron(const arguments& args, std::size_t count) {
  if (!args.words.empty())
    throw usage_failure("--cron stands alone, without '" + args.words.front() + "'");
  const bool quartz = is_second(args, "dialect", "unix", "quartz");
  const bool both = is_second(args, "dom-dow", "or", "and");
  if (quartz && args.has("dom-dow"))
    throw usage_failure("--dom-dow belongs to --dialect unix",
                        "in quartz one day field is always ?");
  const auto in = args.has("timezone") ? value_or_fail(zone::load(args.text("timezone"))) : zone{};
  auto expression = value_or_fail(cron_expression::parse(
      args.text("cron"), quartz ? cron_dialect::quartz : cron_dialect::unix_cron,
      both ? day_join::both : day_join::either));
  slot_rule slots;
  slots.when = cron_schedule{std::move(expression), in};
  slots.in = in;
  const auto times = preview(slots, after_of(args, in), count);
  if (times.empty())
    throw never('"' + args.text("cron") + '"', args);
  return items_of(times);
}

/// Does a word that is no path select this trigger? Without such words all are.
bool is_selected(const std::vector<std::string>& words, const std::string& workflow,
                 const std::string& trigger) {
  bool any = false;
  for (const auto& word : words)
    if (!is_path(word)) {
      any = true;
      if (word == workflow || word == trigger)
        return true;
    }
  return !any;
}

json of_files(const arguments& args, std::size_t count) {
  std::vector<std::string> paths;
  std::copy_if(args.words.begin(), args.words.end(), std::back_inserter(paths), is_path);
  const auto loaded = load_paths(paths, args.text("env"));
  if (!loaded.ok()) {
    auto failed = fail_with(exit_code::failed, {errc::invalid, "The files have errors"});
    failed.error["details"] = to_details(loaded.errors);
    throw failed;
  }
  std::vector<const workflow_definition*> set;
  for (const auto& one : loaded.workflows)
    set.push_back(&one.definition);
  const definition_directory all{set};
  json items = json::array();
  bool selected = false;
  for (const auto* one : set) {
    const auto in = value_or_fail(zone::load(one->timezone));
    for (const auto& trigger : preview(*one, after_of(args, in), count, &all)) {
      const auto name = one->id() + '/' + trigger.trigger;
      if (!is_selected(args.words, one->id(), name))
        continue;
      selected = true;
      for (auto& time : items_of(trigger.times)) {
        time["trigger"] = name;
        items.push_back(std::move(time));
      }
    }
  }
  if (!selected && paths.size() < args.words.size())
    throw fail_with(exit_code::not_found,
                    {errc::not_found, "The files have no such workflow or trigger"});
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
  for (const auto* option : {"timezone", "dialect", "dom-dow"})
    if (args.has(option) && !args.has("cron"))
      throw usage_failure(std::string{"--"} + option +
                          " belongs to --cron: a workflow has its own");
  const bool files = std::any_of(args.words.begin(), args.words.end(), is_path);
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
  if (std::any_of(items.begin(), items.end(),
                  [](const json& item) { return item.value("dry", false); }))
    fields.push_back({"DRY", "dry"});
  print_items(out, items, fields, "slot");
  return exit_code::done;
}

} // namespace pinion::ctl
