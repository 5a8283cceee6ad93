#include "event_source.hpp"
#include "log_printer.hpp"
#include "pinion/api/reference.hpp"
#include "runs.hpp"

#include <algorithm>
#include <chrono>
#include <map>

namespace pinion::ctl {
namespace {

constexpr auto patience = std::chrono::seconds{60};

std::uint64_t number_of(const response& answer, const char* header) {
  const auto found = answer.headers.find(header);
  return found == answer.headers.end() ? 0 : std::stoull(found->second);
}

bool is_terminal_state(const std::string& state) {
  return state == "success" || state == "failed" || state == "cancelled" || state == "skipped" ||
         state == "upstream_failed";
}

/// Logs that were written and are there no more.
struct gone_logs {
  std::uint64_t logs = 0;
  std::uint64_t bytes = 0;

  void add(const json& attempt) {
    const auto written = attempt.value("log_bytes", std::uint64_t{0});
    logs += written > 0 ? 1 : 0;
    bytes += written;
  }
};

/// Returns whether there was something to tell.
bool tell_gone(session& now, const gone_logs& gone) {
  if (gone.logs == 0)
    return false;
  const auto bytes = " (" + std::to_string(gone.bytes) + " bytes) ";
  const auto whose = gone.logs == 1 ? "The log" + bytes + "is gone"
                                    : std::to_string(gone.logs) + " logs" + bytes + "are gone";
  now.out.note(whose + ": removed by age or size (--keep-logs, --keep-log-bytes), or not "
                       "copied along with a backup that was restored");
  return true;
}

/// One attempt's log, read as it grows. An attempt that nobody has named need not exist: `empty`
/// tasks and sub-workflows run no process.
class attempt_log {
public:
  attempt_log(session& now, const log_style& style, std::string ref, const std::string& prefix,
              bool named)
      : now_{now}, ref_{std::move(ref)}, named_{named}, printer_{now.out, style, prefix,
                                                                 [this](const auto& offsets) {
                                                                   return times(offsets);
                                                                 }} {}

  bool wrote() const { return offset_ > 0; }
  /// Its attempt has ended, and there is no byte of it.
  bool nothing_there() const { return done_ && offset_ == 0; }

  /// Prints what is new. Returns whether something was.
  bool read() {
    bool any = false;
    while (!done_) {
      const auto chunk = next();
      if (!chunk.body.empty()) {
        any = true;
        if (const auto cut = number_of(chunk, "pinion-cut-bytes"); cut > 0)
          printer_.add_cut(cut);
        printer_.add(number_of(chunk, "pinion-offset"), chunk.body);
      }
      offset_ = number_of(chunk, "pinion-next-offset");
      first_ = false;
      if (offset_ < number_of(chunk, "pinion-size"))
        continue;
      done_ = chunk.headers.at("pinion-ended") == "true";
      break;
    }
    if (done_)
      printer_.end();
    return any;
  }

  void end() { printer_.end(); }

private:
  response next() {
    query values{{"ref", ref_}, {"offset", std::to_string(offset_)}};
    if (first_) {
      values["tail"] = now_.args.text("tail");
      values["since"] = now_.args.text("since");
    }
    auto answer = now_.engine.send("GET", "/api/v1/logs", values, {}, patience);
    if (answer.status == 404 && !named_)
      return {200, {{"pinion-ended", "true"}}, {}};
    if (answer.status >= 400)
      throw failure_of(answer);
    return answer;
  }

  std::vector<std::string> times(const std::vector<std::uint64_t>& offsets) {
    std::string list;
    for (const auto offset : offsets)
      list += (list.empty() ? "" : ",") + std::to_string(offset);
    const auto answer = now_.engine.get("/api/v1/logs/times", {{"ref", ref_}, {"offsets", list}});
    std::vector<std::string> found;
    for (const auto& item : answer["items"])
      found.push_back(text_of(item, "at"));
    return found;
  }

  session& now_;
  std::string ref_;
  bool named_;
  log_printer printer_;
  std::uint64_t offset_ = 0;
  bool first_ = true;
  bool done_ = false;
};

/// The logs of one or many instances, found anew on each look: attempts come while we follow.
class log_session {
public:
  log_session(session& now, log_style style, const reference& ref)
      : now_{now}, style_{std::move(style)}, ref_{ref} {}

  exit_code run() {
    check_attempt();
    bool ended = true;
    if (now_.args.has("follow"))
      follow();
    else
      ended = look();
    for (auto& [name, log] : logs_)
      log->end();
    const bool silent = std::none_of(logs_.begin(), logs_.end(),
                                     [](const auto& each) { return each.second->wrote(); });
    if (!tell_gone(now_, look_for_gone()) && silent)
      now_.out.note(ended ? "Nothing was written" : "Nothing has been written yet");
    return exit_code::done;
  }

private:
  /// Of the logs without a byte those whose attempts know that they wrote some.
  gone_logs look_for_gone() {
    gone_logs gone;
    const bool any = std::any_of(logs_.begin(), logs_.end(),
                                 [](const auto& each) { return each.second->nothing_there(); });
    query values{{"ref", without_attempt()}, {"limit", "1000"}};
    for (bool more = any; more; more = !values["cursor"].empty()) {
      const auto page = now_.engine.get("/api/v1/attempts", values);
      for (const auto& attempt : page["items"])
        if (const auto log = logs_.find(text_of(attempt, "id"));
            log != logs_.end() && log->second->nothing_there())
          gone.add(attempt);
      values["cursor"] = text_of(page, "next");
    }
    return gone;
  }

  void check_attempt() const {
    if (now_.args.has("attempt") && now_.args.text("attempt") != "all")
      (void)now_.args.number("attempt", 1, 0xffff'ffffU);
  }

  /// The engine tells which logs have grown, and when there is nothing more to come.
  void follow() {
    event_source events{
        now_.engine.socket_path(), "/api/v1/logs/follow", {{"ref", without_attempt()}}};
    bool over = false;
    while (!over) {
      const auto event = events.next();
      over = !event || event->name == "end";
      // Whatever was missed, also what ended before: all of it is looked at.
      if (over || event->name == "ready" || event->name == "reset")
        look();
      else if (event->name == "log")
        grown(text_of(event->data, "attempt"));
      if (!events.has_next())
        now_.out.flush();
    }
  }

  /// Prints what is new in all logs. Returns whether all that the reference means has ended.
  bool look() {
    bool ended = true;
    const auto instances = find();
    prefixed_ = ref_.task.empty() || instances.size() > 1;
    for (const auto& instance : instances) {
      ended = is_terminal_state(text_of(instance, "state")) && ended;
      for (const auto attempt : attempts_of(instance))
        open(text_of(instance, "id"), attempt);
    }
    for (auto& [name, log] : logs_)
      log->read();
    return ended;
  }

  /// One attempt's log, "r1/load#2", has more.
  void grown(const std::string& ref) {
    const auto mark = ref.rfind('#');
    const auto number = std::stoull(ref.substr(mark + 1));
    const auto asked = now_.args.text("attempt");
    const bool wanted = ref_.attempt                      ? number == *ref_.attempt
                        : asked.empty() || asked == "all" ? true
                                                          : number == std::stoull(asked);
    // A fan-out that has expanded since the first look.
    prefixed_ = prefixed_ || (!ref_.index && ref.find(':') != std::string::npos);
    if (wanted)
      open(ref.substr(0, mark), number).read();
  }

  /// The instances that the reference names, asked for anew on every look: a fan-out expands while
  /// we follow.
  std::vector<json> find() {
    if (ref_.index)
      return {now_.engine.get("/api/v1/describe", {{"ref", without_attempt()}})};
    const auto whole = without_attempt();
    query values{{"run", ref_.task.empty() ? whole : whole.substr(0, whole.rfind('/'))},
                 {"task", ref_.task},
                 {"limit", "1000"}};
    std::vector<json> found;
    do {
      const auto page = now_.engine.get("/api/v1/instances", values);
      for (const auto& one : page["items"])
        found.push_back(one);
      values["cursor"] = text_of(page, "next");
    } while (!values["cursor"].empty());
    if (found.empty()) // A task that is not there: the engine says so, with what is near.
      found.push_back(now_.engine.get("/api/v1/describe", {{"ref", whole}}));
    return found;
  }

  std::string without_attempt() const {
    return ref_.attempt ? ref_.text.substr(0, ref_.text.rfind('#')) : ref_.text;
  }

  std::vector<std::uint64_t> attempts_of(const json& instance) const {
    const auto newest = instance.value("attempt", std::uint64_t{0});
    if (ref_.attempt)
      return {*ref_.attempt};
    if (now_.args.has("attempt") && now_.args.text("attempt") != "all")
      return {*now_.args.number("attempt", 1, 0xffff'ffffU)};
    std::vector<std::uint64_t> numbers;
    const bool all = now_.args.has("attempt");
    for (auto number = all ? 1 : newest; number <= newest && number > 0; ++number)
      numbers.push_back(number);
    return numbers;
  }

  attempt_log& open(const std::string& id, std::uint64_t attempt) {
    const auto ref = id + '#' + std::to_string(attempt);
    if (const auto known = logs_.find(ref); known != logs_.end())
      return *known->second;
    const bool numbered = now_.args.text("attempt") == "all" || now_.args.has("follow");
    auto prefix = id.substr(id.find('/') + 1) +
                  (numbered && attempt > 1 ? '#' + std::to_string(attempt) : "");
    const auto asked = now_.args.text("attempt");
    const bool named = ref_.attempt || (!asked.empty() && asked != "all");
    return *logs_
                .emplace(ref, std::make_unique<attempt_log>(now_, style_, ref,
                                                            prefixed_ ? prefix + " | " : "", named))
                .first->second;
  }

  session& now_;
  log_style style_;
  reference ref_;
  bool prefixed_ = false;
  std::map<std::string, std::unique_ptr<attempt_log>> logs_;
};

/// With -o json: one document with the text of every attempt.
exit_code document_logs(session& now, const reference& ref) {
  json items = json::array();
  gone_logs gone;
  const auto attempts = now.engine.get("/api/v1/attempts", {{"ref", ref.text}, {"limit", "1000"}});
  for (const auto& attempt : attempts["items"]) {
    const auto id = text_of(attempt, "id");
    std::string text;
    std::uint64_t size = 1;
    for (std::uint64_t offset = 0; offset < size;) {
      query values{{"ref", id}, {"offset", std::to_string(offset)}};
      if (offset == 0) {
        values["tail"] = now.args.text("tail");
        values["since"] = now.args.text("since");
      }
      const auto chunk = now.engine.send("GET", "/api/v1/logs", values, {}, patience);
      if (chunk.status >= 400)
        throw failure_of(chunk);
      text += chunk.body;
      size = number_of(chunk, "pinion-size");
      offset = number_of(chunk, "pinion-next-offset");
      if (chunk.body.empty())
        break;
    }
    if (size == 0)
      gone.add(attempt);
    items.push_back({{"id", id}, {"text", text}});
  }
  tell_gone(now, gone);
  now.out.document({{"items", std::move(items)}, {"next", nullptr}});
  return exit_code::done;
}

} // namespace

exit_code run_logs(session& now) {
  const auto ref = value_or_fail(parse_reference(now.args.words.front()));
  (void)now.args.number("tail", 0, 1'000'000'000);
  if (now.out.chosen() == format::as_json || now.out.chosen() == format::yaml)
    return document_logs(now, ref);
  log_style style;
  style.timestamps = now.args.has("timestamps");
  if (now.args.has("grep"))
    style.filter = std::make_shared<line_filter>(now.args.text("grep"));
  return log_session{now, std::move(style), ref}.run();
}

} // namespace pinion::ctl
