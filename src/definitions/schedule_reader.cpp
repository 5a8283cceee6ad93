#include "definitions/schedule_reader.hpp"

#include "definitions/value_reader.hpp"
#include "pinion/timing/instant_text.hpp"

#include <utility>

namespace pinion::definitions {

namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts)
    out += (out.empty() ? "" : ", ") + text;
  return out;
}

/// Reads one schedule. Each step returns whether it went well; what did not has been reported.
class schedule_reader {
public:
  schedule_reader(const reporter& report, const slot_nodes& nodes, zone in,
                  std::optional<instant> start)
      : report_{report}, nodes_{nodes}, in_{in}, start_{start} {}

  std::optional<read_schedule_result> read(trigger_kind kind) {
    const bool read = read_kind(kind);
    return read ? std::optional{std::move(out_)} : std::nullopt;
  }

private:
  bool read_kind(trigger_kind kind) {
    switch (kind) {
    case trigger_kind::cron:
      return read_cron();
    case trigger_kind::period:
      return read_period();
    case trigger_kind::every:
      return read_every();
    case trigger_kind::dates:
      return read_dates();
    case trigger_kind::after:
      break;
    }
    return false;
  }

  bool read_cron() {
    const auto text = read_filled_text(report_, *nodes_.cron);
    static const std::vector<std::string_view> dialects{"unix", "quartz"};
    static const std::vector<std::string_view> joins{"and", "or"};
    auto dialect = cron_dialect::unix_cron;
    auto join = day_join::either;
    if (nodes_.dialect != nullptr) {
      const auto word = read_word(report_, *nodes_.dialect, dialects);
      if (!word)
        return false;
      dialect = static_cast<cron_dialect>(*word);
    }
    if (nodes_.dom_dow != nullptr) {
      const auto word = read_word(report_, *nodes_.dom_dow, joins);
      if (!word)
        return false;
      join = *word == 0 ? day_join::both : day_join::either;
      if (dialect == cron_dialect::quartz) {
        report_.error(*nodes_.dom_dow, "`dom_dow` belongs to `dialect: unix`",
                      "in quartz one day field is always `?`");
        return false;
      }
    }
    if (!text)
      return false;
    auto parsed = cron_expression::parse(*text, dialect, join);
    if (!parsed) {
      refuse(report_, *nodes_.cron, parsed.error());
      return false;
    }
    out_.when = cron_schedule{std::move(parsed).value(), in_};
    out_.text = *text;
    return true;
  }

  std::optional<std::vector<std::string>> texts_of(const node* at) {
    if (at == nullptr)
      return std::vector<std::string>{};
    return read_texts(report_, *at, single_text::accepted);
  }

  /// The anchor of steps: the day on which the window begins.
  civil_day anchor_day() const { return start_ ? day_of(*start_, in_) : civil_day{}; }

  bool read_period() {
    period_text text;
    const auto word = read_text(report_, *nodes_.period);
    auto at = texts_of(nodes_.at);
    auto days = texts_of(nodes_.days);
    if (!word || !at || !days)
      return false;
    text.period = *word;
    text.at = *std::move(at);
    text.days = *std::move(days);
    if (nodes_.step != nullptr) {
      const auto step = read_integer(report_, *nodes_.step, 1, 3660);
      if (!step)
        return false;
      text.step = *step;
    }
    auto parsed = parse_period(text, in_, anchor_day());
    if (!parsed) {
      refuse(report_, *wrong_piece(text), parsed.error());
      return false;
    }
    out_.when = std::move(parsed).value();
    out_.text = text.period + (text.days.empty() ? "" : " on " + joined(text.days)) +
                (text.at.empty() ? "" : " at " + joined(text.at)) +
                (text.step == 1 ? "" : ", every " + std::to_string(text.step));
    return true;
  }

  bool parses(period_text text) const { return parse_period(std::move(text), {}).has_value(); }

  /// Where the piece stands without which the period would be legal: each is tried without its
  /// neighbours, beside days that the unit is content with.
  const node* wrong_piece(const period_text& whole) const {
    period_text bare{whole.period, {}, {}, 1};
    for (const auto* days : {"", "mon", "1", "12-24"}) {
      bare.days = *days == '\0' ? std::vector<std::string>{} : std::vector<std::string>{days};
      if (parses(bare))
        break;
    }
    if (!parses(bare))
      return nodes_.period;
    const auto find = [&](const node* list, auto member) -> const node* {
      for (std::size_t i = 0; list != nullptr && i < (whole.*member).size(); ++i) {
        auto alone = bare;
        alone.*member = {(whole.*member)[i]};
        if (!parses(alone))
          return list->is_list() ? &list->items[i] : list;
      }
      return nullptr;
    };
    if (const auto* at = find(nodes_.at, &period_text::at))
      return at;
    if (const auto* at = find(nodes_.days, &period_text::days))
      return at;
    bare.step = whole.step;
    return !parses(bare) && nodes_.step != nullptr ? nodes_.step : nodes_.period;
  }

  bool read_every() {
    const auto period = read_duration(report_, *nodes_.every, every_range);
    if (!period)
      return false;
    instant anchor{};
    if (nodes_.anchor != nullptr) {
      const auto time = read_time(report_, *nodes_.anchor, in_, false);
      if (!time)
        return false;
      anchor = *time;
    }
    if (nodes_.timezone != nullptr && nodes_.anchor == nullptr && nodes_.start == nullptr &&
        nodes_.end == nullptr && nodes_.calendar == nullptr) {
      report_.error(*nodes_.timezone, "`every` counts physical time: it has no timezone",
                    "it has one for `anchor`, `start`, `end` and `calendar`");
      return false;
    }
    auto made = make_every(*period, anchor);
    if (!made) {
      refuse(report_, *nodes_.every, made.error());
      return false;
    }
    out_.when = made.value();
    out_.text = "every " + print_duration(*period);
    return true;
  }

  bool read_dates() {
    const auto texts = read_texts(report_, *nodes_.dates, single_text::accepted);
    if (!texts)
      return false;
    auto parsed = parse_dates(*texts, in_);
    if (!parsed) {
      const auto* at = nodes_.dates;
      for (std::size_t i = 0; at->is_list() && i < texts->size(); ++i)
        if (!parse_dates({(*texts)[i]}, in_)) {
          at = &at->items[i];
          break;
        }
      refuse(report_, *at, parsed.error());
      return false;
    }
    out_.when = std::move(parsed).value();
    out_.text = "dates " + texts->front() +
                (texts->size() == 1 ? "" : " and " + std::to_string(texts->size() - 1) + " more");
    return true;
  }

  const reporter& report_;
  const slot_nodes& nodes_;
  zone in_;
  std::optional<instant> start_;
  read_schedule_result out_;
};

} // namespace

void refuse(const reporter& report, const node& at, const problem& why) {
  report.error(at, why.message, why.suggestion);
}

std::optional<instant> read_time(const reporter& report, const node& at, zone in, bool whole_day) {
  const auto text = read_text(report, at);
  if (!text)
    return std::nullopt;
  if (const auto day = parse_day(*text); whole_day && day)
    return begin_of(day.value() + std::chrono::days{1}, in) - duration{1};
  const auto time = parse_instant(*text, in);
  if (time)
    return time.value();
  refuse(report, at, time.error());
  return std::nullopt;
}

std::optional<read_schedule_result> read_schedule(const reporter& report, trigger_kind kind,
                                                  const slot_nodes& nodes, zone in,
                                                  std::optional<instant> start) {
  return schedule_reader{report, nodes, in, start}.read(kind);
}

} // namespace pinion::definitions
