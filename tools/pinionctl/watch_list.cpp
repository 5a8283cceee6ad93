#include "watch_list.hpp"

#include "event_source.hpp"

#include <map>

namespace pinion::ctl {
namespace {

/// Objects whose last row is remembered, so that a change which no column shows prints nothing.
constexpr std::size_t most_remembered = 20'000;

class watched_list {
public:
  watched_list(session& now, const std::string& kind, const std::string& name_key)
      : now_{now}, fields_{fields_of(kind)}, name_key_{name_key} {}

  void list(const json& items) {
    json fresh = json::array();
    for (const auto& item : items)
      if (is_new(item))
        fresh.push_back(item);
    print(fresh);
    now_.out.flush();
  }

  void changed(const json& item) {
    if (is_new(item))
      print(json::array({item}));
  }

  void gone(const json& what) {
    shown_.erase(text_of(what, "id"));
    if (now_.out.chosen() == format::as_json)
      now_.out.raw(dump(json{{"event", "gone"}, {"object", what}}) + '\n');
  }

private:
  bool is_new(const json& item) {
    if (shown_.size() > most_remembered)
      shown_.clear();
    auto row = row_text(item);
    auto& known = shown_[text_of(item, name_key_.c_str()) + text_of(item, "trigger")];
    if (known == row)
      return false;
    known = std::move(row);
    return true;
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
  std::vector<std::size_t> widths_;
  std::map<std::string, std::string> shown_;
};

} // namespace

exit_code watch_list(session& now, const std::string& kind, const std::string& name_key,
                     query values, const std::function<json()>& list) {
  if (now.out.chosen() == format::yaml)
    throw usage_failure("--watch prints a table, names, or with -o json one object a line");
  values["kind"] = kind;
  event_source events{now.engine.socket_path(), "/api/v1/watch", std::move(values)};
  watched_list shown{now, kind, name_key};
  bool begun = false;
  while (const auto event = events.next()) {
    if (event->name == "reset" || (event->name == "ready" && !std::exchange(begun, true))) {
      if (event->name == "reset")
        now.out.note("Much has changed meanwhile: listed again");
      begun = true;
      shown.list(list());
    } else if (event->name == "item") {
      shown.changed(event->data);
    } else if (event->name == "gone") {
      shown.gone(event->data);
    }
    if (!events.has_next())
      now.out.flush();
  }
  return exit_code::done;
}

} // namespace pinion::ctl
