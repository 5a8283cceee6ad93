#include "definitions/calendar_reader.hpp"

#include "definitions/graph.hpp"
#include "definitions/key_rules.hpp"
#include "pinion/definitions/limits.hpp"

#include <optional>

namespace pinion::definitions {

namespace {

struct calendar_draft {
  const node* name = nullptr;
  calendar_text text;
  const node* on = nullptr;
  std::optional<std::uint32_t> below = {}; ///< Position of the one that `on:` names.
};

/// A list of texts, or one. Each is tried alone, so that an error stands where it was written.
template <auto Member>
void pieces_into(const reporter& report, const node& at, calendar_draft& into) {
  const auto add = [&](const node& item) {
    if (!item.is_scalar())
      return report_kind(report, item, "text");
    calendar_text alone;
    (alone.*Member).push_back(item.text);
    if (const auto made = calendar::parse(std::move(alone)); !made)
      return report.error(item, made.error().message, made.error().suggestion);
    (into.text.*Member).push_back(item.text);
  };
  if (at.is_list())
    for (const auto& item : at.items)
      add(item);
  else
    add(at);
}

constexpr key_rule<calendar_draft> calendar_rules[] = {
    {"weekdays", pieces_into<&calendar_text::weekdays>},
    {"except", pieces_into<&calendar_text::except>},
    {"also", pieces_into<&calendar_text::also>},
    {"on", [](const reporter&, const node& at, calendar_draft& into) { into.on = &at; }},
};

class calendar_reader {
public:
  explicit calendar_reader(const reporter& report) : report_{report} {}

  calendar_table read(const node& at) {
    const auto errors = report_.sink.error_count();
    for (std::size_t i = 0; i < at.pairs(); ++i)
      read_one(at.key(i), at.value(i));
    for (auto& draft : drafts_)
      resolve(draft);
    check_circles();
    if (report_.sink.error_count() == errors)
      make_all();
    return std::move(out_);
  }

private:
  void read_one(const node& name, const node& body) {
    if (!is_name(name.text))
      report_.error(name, shown(name.text) + " is no legal name of a calendar",
                    std::string{name_rule});
    auto& draft = drafts_.emplace_back();
    draft.name = &name;
    read_keys<calendar_draft>(report_, body, calendar_rules, "a calendar", draft);
    if (body.is_map() && body.pairs() == 0)
      report_.error(name, "the calendar " + shown(name.text) + " says nothing",
                    "write at least `weekdays`, `except` or `also`");
    out_[name.text].at = report_.file.place_of(name.offset);
  }

  void resolve(calendar_draft& draft) {
    if (draft.on == nullptr)
      return;
    if (!draft.on->is_scalar())
      return report_kind(report_, *draft.on, "the name of a calendar");
    std::vector<std::string_view> names;
    for (std::uint32_t i = 0; i < drafts_.size(); ++i) {
      names.emplace_back(drafts_[i].name->text);
      if (drafts_[i].name->text == draft.on->text)
        draft.below = i;
    }
    if (draft.below)
      out_[draft.on->text].below_another = true;
    else
      report_.error(*draft.on, "there is no calendar " + shown(draft.on->text),
                    did_you_mean(draft.on->text, names));
  }

  void check_circles() {
    std::vector<std::vector<std::uint32_t>> below(drafts_.size());
    for (std::uint32_t i = 0; i < drafts_.size(); ++i)
      if (drafts_[i].below)
        below[i].push_back(*drafts_[i].below);
    const auto circle = find_cycle(below);
    if (circle.empty())
      return;
    std::vector<std::string_view> names;
    for (const auto at : circle)
      names.emplace_back(drafts_[at].name->text);
    report_.error(*drafts_[circle.front()].on,
                  "the calendars stand on each other in a circle: " + print_cycle(names));
  }

  /// Each stands on one at most: from the lowest of a chain upwards.
  void make_all() {
    for (const auto& draft : drafts_) {
      std::vector<const calendar_draft*> chain;
      for (const auto* at = &draft; at != nullptr && !made(*at);
           at = at->below ? &drafts_[*at->below] : nullptr)
        chain.push_back(at);
      for (; !chain.empty(); chain.pop_back())
        make(*chain.back());
    }
  }

  std::shared_ptr<const calendar>& made(const calendar_draft& draft) {
    return out_[draft.name->text].value;
  }

  void make(const calendar_draft& draft) {
    auto parsed = calendar::parse(draft.text, draft.below ? made(drafts_[*draft.below]) : nullptr);
    if (!parsed)
      return report_.error(*draft.name, parsed.error().message, parsed.error().suggestion);
    made(draft) = std::make_shared<const calendar>(std::move(parsed).value());
    if (!made(draft)->next_day(day_of(civil_time{earliest_instant.time_since_epoch()})))
      report_.error(*draft.name, "the calendar " + shown(draft.name->text) + " has no day at all");
  }

  const reporter& report_;
  std::vector<calendar_draft> drafts_;
  calendar_table out_;
};

} // namespace

calendar_table read_calendars(const reporter& report, const node& at) {
  if (!at.is_map()) {
    report_kind(report, at, "a map from names to calendars");
    return {};
  }
  if (at.pairs() > definition_limits::calendars) {
    report.error(at, "more than 1,000 calendars");
    return {};
  }
  return calendar_reader{report}.read(at);
}

std::vector<std::string_view> calendar_keys() { return keys_of<calendar_draft>(calendar_rules); }

} // namespace pinion::definitions
