#include "watch_list.hpp"

#include "event_source.hpp"

#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <utility>

namespace pinion::ctl {
namespace {

/// Objects whose last row is remembered, so that a change which no column shows prints nothing.
constexpr std::size_t most_remembered = 20'000;
/// A list is fetched again no sooner than that.
constexpr std::chrono::milliseconds between_lists{500};

class watched_list {
public:
  watched_list(session& now, const watched_kind& what)
      : now_{now}, fields_{fields_of(what.name)}, name_key_{what.name_key},
        shares_names_{what.shares_names} {}

  void list(const json& items) {
    json fresh = json::array();
    for (const auto& item : items)
      if (is_new(item))
        fresh.push_back(item);
    print(fresh);
    now_.out.flush();
  }

  /// The list anew: what it no longer has is gone, if it was shown to its end.
  void list_again(const json& answer) {
    const auto& items = answer["items"];
    std::set<std::string> present;
    for (const auto& item : items)
      present.insert(name_of(item));
    for (auto at = shown_.begin(); at != shown_.end();) {
      if (!answer["next"].is_null() || present.contains(at->first)) {
        ++at;
        continue;
      }
      tell_gone(json{{"id", at->second.id}});
      at = shown_.erase(at);
    }
    list(items);
  }

  void changed(const json& item) {
    if (is_new(item))
      print(json::array({item}));
  }

  void gone(const json& what) {
    shown_.erase(text_of(what, "id"));
    tell_gone(what);
  }

private:
  struct row {
    std::string id;
    std::string text;
  };

  void tell_gone(const json& what) {
    if (now_.out.chosen() == format::as_json)
      now_.out.raw(dump(json{{"event", "gone"}, {"object", what}}) + '\n');
    else if (now_.out.for_people())
      now_.out.note("gone: " + text_of(what, "id"));
  }

  bool is_new(const json& item) {
    if (shown_.size() > most_remembered)
      shown_.clear();
    auto text = row_text(item);
    auto& known = shown_[name_of(item)];
    if (known.text == text)
      return false;
    known = {text_of(item, name_key_.c_str()), std::move(text)};
    return true;
  }

  std::string name_of(const json& item) const {
    return shares_names_ ? dump(item) : text_of(item, name_key_.c_str()) + text_of(item, "trigger");
  }

  std::string row_text(const json& item) const {
    if (!now_.out.for_people())
      return dump(item);
    std::string text;
    for (const auto& one : fields_)
      text += cell_of(item, one.path) + '\n';
    return text;
  }

  void print(const json& items) {
    if (now_.out.chosen() == format::as_json)
      for (const auto& item : items)
        now_.out.raw(dump(json{{"event", "item"}, {"object", item}}) + '\n');
    else if (now_.out.chosen() == format::name)
      print_items(now_.out, items, fields_, name_key_);
    else
      now_.out.print(rows_of(now_.out, items, fields_), widths_);
  }

  session& now_;
  const std::vector<field>& fields_;
  std::string name_key_;
  bool shares_names_;
  std::vector<std::size_t> widths_;
  std::map<std::string, row> shown_;
};

} // namespace

exit_code watch_list(session& now, watched_kind what) {
  if (now.out.chosen() == format::yaml)
    throw usage_failure("--watch prints a table, names, or with -o json one object a line");
  what.values["kind"] = what.name;
  event_source events{now.engine.socket_path(), "/api/v1/watch", what.values};
  watched_list shown{now, what};
  bool begun = false;
  bool stale = false;
  std::chrono::steady_clock::time_point listed;
  while (const auto event = events.next()) {
    if (event->name == "reset" || (event->name == "ready" && !std::exchange(begun, true))) {
      if (event->name == "reset")
        now.out.note("Much has changed meanwhile: listed again");
      begun = true;
      shown.list(what.list()["items"]);
      listed = std::chrono::steady_clock::now();
    } else if (event->name == "item" && what.passes(event->data)) {
      shown.changed(event->data);
    } else if (event->name == "gone") {
      shown.gone(event->data);
    }
    stale = stale || event->name == "changed";
    if (events.has_next())
      continue;
    if (std::exchange(stale, false)) {
      std::this_thread::sleep_until(listed + between_lists);
      shown.list_again(what.list());
      listed = std::chrono::steady_clock::now();
    }
    now.out.flush();
  }
  return exit_code::done;
}

} // namespace pinion::ctl
