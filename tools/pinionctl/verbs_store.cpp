#include "api/store_objects.hpp"
#include "permission.hpp"
#include "pinion/storage/backup.hpp"
#include "pinion/storage/data_folder.hpp"
#include "pinion/storage/rocks_kv.hpp"
#include "pinion/storage/stopped_store.hpp"
#include "pinion/storage/store_mend.hpp"
#include "runs.hpp"
#include "show.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <unistd.h>

namespace pinion::ctl {
namespace {

/// A check or a backup of a large store takes its time.
constexpr std::chrono::seconds long_patience{4 * 3600};

json asked(session& now, const char* method, const char* path, const query& values,
           const std::string& body = {}) {
  const auto answer = now.engine.send(method, path, values, body, long_patience);
  auto shown = json::parse(answer.body, nullptr, false);
  if (answer.status >= 400 || shown.is_discarded())
    throw failure_of(answer);
  return shown;
}

/// Asks the running engine; without one, the way to look at a stopped one's folder is named.
template <class Ask>
json asked_or_pointed(Ask ask) {
  try {
    return ask();
  } catch (failure& none) {
    if (none.code == exit_code::no_engine)
      none.error["suggestion"] = "If it is stopped, name its data folder: --data DIR";
    throw;
  }
}

/// Before the store is looked for: in a folder that may not be entered nothing is found.
void need_permission(const std::filesystem::path& path, int rights) {
  if (const auto missing = missing_permission(path, rights))
    throw fail_with(exit_code::refused, *missing);
}

/// The folder of a stopped engine, or empty text. Throws if it is named and may not be entered.
std::string stopped_folder(session& now) {
  auto data = now.args.text("data");
  if (data.empty() && now.args.has("data"))
    throw usage_failure("--data is empty", "Name the data folder of a stopped engine");
  if (!data.empty())
    need_permission(data, R_OK | X_OK);
  return data;
}

std::string absolute_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

/// What the store of a stopped engine says, and what its files say.
result<store_check_report> check_stopped(const stopped_store& store, store_check_limits limits) {
  store_check_report report;
  const auto add = [&](const char* rule, int invariant, const problem& why) {
    report.findings.push_back({invariant, rule, "store", why.message, why.suggestion, false, {}});
  };
  if (auto files = store.check_files(); !files)
    add("file_damaged", 0, files.error());
  if (store.missing())
    add("commits_missing", 5, *store.missing());
  auto checked = check_store(store.rows(), definition_readers(), limits);
  if (!checked) {
    // What cannot be read is a finding where it is about the bytes; the rest is unknown then.
    if (checked.error().code != errc::corrupt)
      return checked;
    if (report.findings.empty())
      add("file_damaged", 0, checked.error());
    report.complete = false;
    return report;
  }
  auto& rest = checked.value();
  rest.findings.insert(rest.findings.begin(), std::make_move_iterator(report.findings.begin()),
                       std::make_move_iterator(report.findings.end()));
  return checked;
}

store_check_limits limits_of(session& now, bool mending) {
  store_check_limits limits;
  if (const auto rows = now.args.number("rows", 1, 1'000'000'000))
    limits.rows = *rows;
  if (mending)
    limits.findings = 1'000'000;
  return limits;
}

json verify_stopped(session& now, const std::string& data) {
  const bool mending = now.args.has("mend");
  const auto begin = std::chrono::steady_clock::now();
  store_check_report report;
  std::string notice;
  {
    const auto store = value_or_fail(stopped_store::open(data));
    notice = store->notice(); // Gone from the store once it is mended.
    report = value_or_fail(check_stopped(*store, limits_of(now, mending)));
  }
  std::size_t mended = 0;
  if (mending) {
    const auto at = std::chrono::time_point_cast<duration>(std::chrono::system_clock::now());
    mended = value_or_fail(mend_store(data, report.findings, user_name(::geteuid()), at));
    // What is left is what the exit code speaks of.
    if (mended != 0) {
      const auto store = value_or_fail(stopped_store::open(data));
      report = value_or_fail(check_stopped(*store, limits_of(now, false)));
    }
  }
  if (!notice.empty())
    report.findings.insert(report.findings.begin(),
                           {5,
                            "commits_lost",
                            "store",
                            notice,
                            "nothing: the start leaves out epochs and run numbers, so that nothing "
                            "is mistaken for what is lost",
                            true,
                            {}});
  auto shown = objects::store_check(
      report, std::chrono::duration_cast<duration>(std::chrono::steady_clock::now() - begin));
  if (mending)
    shown["mended"] = mended;
  return shown;
}

void print_check(console& out, const json& report) {
  for (const auto& each : report["findings"]) {
    const auto invariant = each["invariant"].is_null() ? std::string{"lists"}
                                                       : "invariant " + text_of(each, "invariant");
    out.line((each["note"] == true ? "note: " : "") + invariant + ", " + text_of(each, "rule") +
             ": " + escaped(text_of(each, "message")));
    out.line("  at   " + text_of(each, "key"));
    out.line("  mend " + text_of(each, "mend"));
  }
  if (report["more_findings"] != 0)
    out.line("and " + text_of(report, "more_findings") + " more");
  if (report.contains("mended"))
    out.line(text_of(report, "mended") + " findings mended");
  const auto of = report.contains("data")
                      ? " of the stopped engine's folder " + text_of(report, "data")
                      : " of the engine at " + text_of(report, "server");
  out.line(std::string{report["ok"] == true ? "ok" : "NOT ok"} + ": " + text_of(report, "rows") +
           " rows checked in " + cell_of(report, "duration_s") + escaped(of) +
           (report["complete"] == true ? "" : ", not all: --rows allows more"));
}

exit_code verify(session& now) {
  const auto data = stopped_folder(now);
  if (data.empty() && now.args.has("mend"))
    throw usage_failure("--mend works on a stopped engine's folder",
                        "Stop the engine and add --data DIR");
  auto report = data.empty() ? asked_or_pointed([&] {
    return asked(now, "GET", "/api/v1/store/verify", {{"rows", now.args.text("rows")}});
  })
                             : verify_stopped(now, data);
  if (data.empty())
    report["server"] = now.engine.socket_path();
  else
    report["data"] = absolute_path(data);
  if (now.out.chosen() == format::name)
    for (const auto& each : report["findings"])
      now.out.line(text_of(each, "rule"));
  else if (now.out.for_people())
    print_check(now.out, report);
  else
    now.out.document(report);
  return report["ok"] == true ? exit_code::done : exit_code::failed;
}

void print_stats(console& out, const json& stats) {
  print_fields(out, stats,
               {{"format", "format"},
                {"commits", "commits"},
                {"epoch", "epoch"},
                {"bytes", "bytes"},
                {"log bytes", "log.bytes"},
                {"live runs", "live.runs"},
                {"live instances", "live.instances"},
                {"ended runs", "history.runs"},
                {"oldest run", "history.oldest"},
                {"newest run", "history.newest"},
                {"planned slots", "plan.slots"},
                {"audit records", "audit.records"}});
  out.line("");
  print_items(out, stats["kinds"],
              {{"KIND", "kind"},
               {"ROWS", "rows"},
               {"BYTES", "bytes"},
               {"UNFLUSHED", "unflushed_bytes"},
               {"TO COMPACT", "compaction_bytes"}},
              "kind");
  out.line("");
  print_items(out, stats["levels"], {{"LEVEL", "level"}, {"FILES", "files"}, {"BYTES", "bytes"}},
              "level");
}

exit_code stats(session& now) {
  const auto data = stopped_folder(now);
  json shown;
  if (data.empty()) {
    shown = asked_or_pointed([&] { return now.engine.get("/api/v1/store/stats"); });
  } else {
    const auto store = value_or_fail(stopped_store::open(data));
    shown = objects::store_stats(store->figures(), value_or_fail(summarize_store(store->rows())));
  }
  if (now.out.for_people())
    print_stats(now.out, shown);
  else
    now.out.document(shown);
  return exit_code::done;
}

/// The word behind `store backup` and `store restore`.
std::string backups_folder(session& now) {
  const auto& words = now.args.words;
  if (words.size() < 2 || words[1].empty())
    throw usage_failure("'store " + words.front() + "' needs the folder of the backups",
                        "'pinionctl store --help' shows how");
  return absolute_path(words[1]);
}

const std::vector<field>& backup_fields() {
  static const std::vector<field> fields{
      {"ID", "id"}, {"AT", "at"}, {"COMMITS", "commits"}, {"BYTES", "bytes"}, {"FILES", "files"}};
  return fields;
}

exit_code show_backups(session& now, const std::string& folder) {
  need_permission(folder, R_OK | X_OK);
  json items = json::array();
  for (const auto& each : value_or_fail(list_backups(folder)))
    items.push_back(objects::backup(each, folder));
  if (now.out.for_people() || now.out.chosen() == format::name)
    print_items(now.out, items, backup_fields());
  else
    now.out.document(json{{"items", std::move(items)}, {"next", nullptr}});
  return exit_code::done;
}

json back_up_stopped(const std::string& data, const std::string& folder, std::uint32_t keep) {
  need_permission(folder, R_OK | W_OK | X_OK);
  const auto locked = value_or_fail(data_folder::open_existing(data));
  const auto kv =
      value_or_fail(rocks_kv::open({locked.database(), locked.mirror(), durability::sync}));
  const auto made = value_or_fail(kv->back_up(folder, keep));
  if (const auto closed = kv->close(); !closed)
    throw fail_with(exit_code::failed, closed.error());
  auto shown = objects::backup(made, folder);
  // The next start of the engine does not tell it again.
  if (!kv->notice().empty())
    shown["notice"] = kv->notice();
  return shown;
}

exit_code backup(session& now) {
  const auto folder = backups_folder(now);
  if (now.args.has("list"))
    return show_backups(now, folder);
  const auto keep = static_cast<std::uint32_t>(now.args.number("keep", 1, 10'000).value_or(0));
  const auto data = stopped_folder(now);
  const json body{{"folder", folder}, {"keep", keep}};
  const auto made = data.empty() ? asked_or_pointed([&] {
    return asked(now, "POST", "/api/v1/store/backup", {}, dump(body));
  })
                                 : back_up_stopped(data, folder, keep);
  if (now.out.for_people() && made.contains("notice"))
    now.out.line("note: " + escaped(text_of(made, "notice")));
  if (now.out.for_people())
    now.out.line("backup " + text_of(made, "id") + " in " + folder + ": " + text_of(made, "bytes") +
                 " bytes, commit " + text_of(made, "commits"));
  else if (now.out.chosen() == format::name)
    now.out.line(text_of(made, "id"));
  else
    now.out.document(made);
  return exit_code::done;
}

exit_code restore(session& now) {
  restore_request ask;
  ask.backups = backups_folder(now);
  ask.data = now.args.text("data");
  if (ask.data.empty())
    throw usage_failure("'store restore' needs --data, the new data folder",
                        "It must be absent or empty");
  need_permission(ask.backups, R_OK | X_OK);
  need_permission(ask.data, R_OK | W_OK | X_OK);
  ask.id = static_cast<std::uint32_t>(now.args.number("backup", 1, 0xffff'ffffU).value_or(0));
  ask.hold = now.args.has("hold");
  ask.who = user_name(::geteuid());
  ask.now = std::chrono::time_point_cast<duration>(std::chrono::system_clock::now());
  const auto done = value_or_fail(restore_backup(ask));
  json shown = objects::backup(done.from, ask.backups.string());
  shown["data"] = absolute_path(ask.data);
  shown["epoch"] = done.epoch;
  shown["lost_attempts"] = done.lost_attempts;
  if (now.out.for_people()) {
    now.out.line("backup " + text_of(shown, "id") + " of " + cell_of(shown, "at") +
                 " is restored into " + text_of(shown, "data"));
    now.out.line(text_of(shown, "lost_attempts") +
                 " attempts that ran then are lost: their instances get new ones");
    if (ask.hold)
      now.out.line("the engine will be on hold: pinionctl unhold lets it go on");
  } else if (now.out.chosen() == format::name) {
    now.out.line(text_of(shown, "data"));
  } else {
    now.out.document(shown);
  }
  return exit_code::done;
}

/// What `store` can do: its word, how many more there may be, and its options among the verb's.
struct part {
  std::string word;
  std::size_t more_words;
  std::vector<std::string> options;
  exit_code (*run)(session&);
};

const std::vector<part>& parts() {
  static const std::vector<part> all{{"verify", 0, {"data", "rows", "mend"}, verify},
                                     {"stats", 0, {"data"}, stats},
                                     {"backup", 1, {"data", "keep", "list"}, backup},
                                     {"restore", 1, {"data", "backup", "hold"}, restore}};
  return all;
}

void check_usage(const part& what, const arguments& args) {
  if (args.words.size() > what.more_words + 1)
    throw usage_failure("'" + args.words[what.more_words + 1] +
                            "' is one word too many for 'store " + what.word + "'",
                        "The folder of a stopped engine is named by --data DIR");
  for (const auto& one : parts())
    for (const auto& name : one.options)
      if (args.has(name) &&
          std::find(what.options.begin(), what.options.end(), name) == what.options.end())
        throw usage_failure("'store " + what.word + "' takes no --" + name,
                            "'pinionctl store --help' shows how");
  if (args.has("list") && (args.has("keep") || args.has("data")))
    throw usage_failure("--list only shows what is there: it goes with neither --keep nor --data");
}

} // namespace

exit_code run_store(session& now) {
  const auto& asked = now.args.words.front();
  const auto what = std::find_if(parts().begin(), parts().end(),
                                 [&](const part& one) { return one.word == asked; });
  if (what == parts().end())
    throw usage_failure("'store' does not know '" + asked + "'",
                        "It is verify, stats, backup or restore");
  check_usage(*what, now.args);
  return what->run(now);
}

} // namespace pinion::ctl
