#include <algorithm>
#include <pinion/timing/cron.hpp>
#include <span>
#include <vector>

#include <pinion/timing/near_names.hpp>

namespace pinion {

namespace {

/// What may stand in one field.
struct field_rule {
  std::string_view name;
  unsigned least;
  unsigned most;
  /// Full names, the first of which is `least`; three letters are enough.
  std::span<const std::string_view> names = {};
};

constexpr std::string_view month_names[] = {"january",   "february", "march",    "april",
                                            "may",       "june",     "july",     "august",
                                            "september", "october",  "november", "december"};
constexpr std::string_view weekday_names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                              "thursday", "friday", "saturday"};

constexpr field_rule second_rule{"second", 0, 59};
constexpr field_rule minute_rule{"minute", 0, 59};
constexpr field_rule hour_rule{"hour", 0, 23};
constexpr field_rule day_rule{"day-of-month", 1, 31};
constexpr field_rule month_rule{"month", 1, 12, month_names};
constexpr field_rule weekday_rule{"day-of-week", 0, 7, weekday_names};

constexpr std::uint64_t bit(unsigned n) noexcept { return std::uint64_t{1} << n; }

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_day_field(const field_rule& rule) noexcept {
  return rule.name.starts_with("day");
}

/// One field of the text, read from left to right.
class field_reader {
public:
  /// `column` is where `field` begins in the whole expression, from 1.
  field_reader(const field_rule& rule, std::string_view field, std::size_t column)
      : rule_{rule}, field_{field}, column_{column} {}

  bool done() const noexcept { return at_ == field_.size(); }
  char peek() const noexcept { return done() ? '\0' : field_[at_]; }

  /// Steps over `c`, in either case, if it is next.
  bool accept(char c) noexcept {
    const auto next = peek();
    if (next != c && !(is_letter(c) && is_letter(next) && (next | 0x20) == (c | 0x20)))
      return false;
    ++at_;
    return true;
  }

  std::size_t position() const noexcept { return at_; }

  problem error(std::string message, std::string mend = {}) const {
    return error_at(at_, std::move(message), std::move(mend));
  }

  problem error_at(std::size_t at, std::string message, std::string mend = {}) const {
    return {errc::invalid,
            std::string{rule_.name} + " field, column " + std::to_string(column_ + at) + ": " +
                std::move(message),
            std::move(mend)};
  }

  /// What stands here, for a message.
  std::string rest() const {
    const auto end = std::min(field_.find(',', at_), field_.size());
    return "\"" + std::string{field_.substr(at_, end - at_)} + "\"";
  }

  /// A whole number between `least` and `most`, called `what` in messages.
  result<unsigned> number(std::string_view what, unsigned least, unsigned most) {
    const auto begin = at_;
    unsigned value = 0;
    while (is_digit(peek())) {
      // Above 9999 all is out of range: stop counting, not reading.
      value = std::min(value * 10 + static_cast<unsigned>(peek() - '0'), 10'000u);
      ++at_;
    }
    const auto written = std::string{field_.substr(begin, at_ - begin)};
    const auto range = std::to_string(least) + "-" + std::to_string(most);
    if (begin == at_)
      return done() || peek() == ','
                 ? error(std::string{what} + " is missing", "write a number in " + range)
                 : error(rest() + " is not a number", "write a number in " + range);
    if (value < least || value > most)
      return error_at(begin, written + " is not in " + range, mend_of(value, what));
    return value;
  }

  /// A value of the field: a number or a name.
  result<unsigned> value() {
    if (!is_letter(peek()) || rule_.names.empty())
      return number("a value", rule_.least, rule_.most);
    const auto begin = at_;
    while (is_letter(peek()))
      ++at_;
    const auto written = lower(field_.substr(begin, at_ - begin));
    for (std::size_t i = 0; i < rule_.names.size(); ++i)
      if (written == rule_.names[i] || written == rule_.names[i].substr(0, 3))
        return rule_.least + static_cast<unsigned>(i);
    const auto near = nearest_name(written, {rule_.names.begin(), rule_.names.end()});
    return error_at(begin,
                    "\"" + written + "\" is not the name of a " +
                        (rule_.names.size() == 12 ? "month" : "weekday"),
                    near.empty() ? "write a number or a name such as " +
                                       std::string{rule_.names[1].substr(0, 3)}
                                 : "did you mean " + near.substr(0, 3) + "?");
  }

  const field_rule& rule() const noexcept { return rule_; }

private:
  std::string mend_of(unsigned value, std::string_view what) const {
    if (what != "a value")
      return {};
    if (value == rule_.most + 1 && rule_.least == 0 && rule_.names.empty())
      return "write 0: the field counts from 0";
    if (value == 0)
      return "write 1: the field counts from 1";
    return {};
  }

  const field_rule& rule_;
  std::string_view field_;
  std::size_t column_;
  std::size_t at_ = 0;
};

/// Every `step`-th value from `first` to `last`; past the field's end where first > last.
std::uint64_t values_between(const field_rule& rule, unsigned first, unsigned last,
                             unsigned step) noexcept {
  // Seven weekdays, although they are numbered 0-7.
  const auto cycle = &rule == &weekday_rule ? 7 : rule.most - rule.least + 1;
  if (first > last && first == 7 && cycle == 7)
    first = 0;
  const auto length = first <= last ? last - first : last + cycle - first;
  std::uint64_t out = 0;
  for (unsigned n = 0; n <= length; n += step) {
    const auto value = first + n;
    out |= bit(first <= last ? value : rule.least + (value - rule.least) % cycle);
  }
  return out;
}

/// `/n` if it is next, else 1.
result<unsigned> read_step(field_reader& in) {
  if (!in.accept('/'))
    return 1u;
  const auto begin = in.position();
  BOOST_OUTCOME_TRY(step, in.number("a step", 0, 9999));
  if (step == 0)
    return in.error_at(begin, "a step of 0 never moves on", "write a step of at least 1");
  return step;
}

/// `*`, `?`, `a`, `a-b`, with or without a step.
result<std::uint64_t> read_values(field_reader& in) {
  const auto& rule = in.rule();
  if (in.peek() == '?' && !is_day_field(rule))
    return in.error("\"?\" may stand in the day fields only", "write *");
  if (in.accept('*') || in.accept('?')) {
    BOOST_OUTCOME_TRY(step, read_step(in));
    return values_between(rule, rule.least, &rule == &weekday_rule ? 6 : rule.most, step);
  }
  BOOST_OUTCOME_TRY(first, in.value());
  if (in.accept('-')) {
    // The end of a month's days is its last day, whichever that is.
    unsigned last = rule.most;
    if (&rule != &day_rule || !in.accept('L')) {
      BOOST_OUTCOME_TRY(written, in.value());
      last = written;
    }
    BOOST_OUTCOME_TRY(step, read_step(in));
    return values_between(rule, first, last, step);
  }
  const bool to_the_end = in.peek() == '/';
  BOOST_OUTCOME_TRY(step, read_step(in));
  return values_between(rule, first, to_the_end ? rule.most : first, step);
}

/// Calls `item` for each element of the comma list.
template <class ReadItem>
result<void> read_list(field_reader& in, ReadItem item) {
  do {
    if (in.done() || in.peek() == ',')
      return in.error("a value is missing", "remove the comma");
    BOOST_OUTCOME_TRY(item());
  } while (in.accept(','));
  if (!in.done())
    return in.error(in.rest() + " is not expected here",
                    "separate values by commas, a range by -, a step by /");
  return ok();
}

result<std::uint64_t> read_plain_field(const field_rule& rule, std::string_view field,
                                       std::size_t column) {
  field_reader in{rule, field, column};
  std::uint64_t out = 0;
  BOOST_OUTCOME_TRY(read_list(in, [&]() -> result<void> {
    BOOST_OUTCOME_TRY(values, read_values(in));
    out |= values;
    return ok();
  }));
  return out;
}

/// An element that begins with L: `L`, `LW`, `L-n`.
result<void> read_from_end(field_reader& in, cron_fields& out) {
  if (in.accept('W')) {
    out.nearest_from_end |= 1;
    return ok();
  }
  unsigned before_last = 0;
  if (in.accept('-')) {
    BOOST_OUTCOME_TRY(written, in.number("a number of days", 0, 30));
    before_last = written;
  }
  out.days_from_end |= static_cast<std::uint32_t>(bit(before_last));
  return ok();
}

result<void> read_days(std::string_view field, std::size_t column, cron_fields& out) {
  field_reader in{day_rule, field, column};
  return read_list(in, [&]() -> result<void> {
    if (in.accept('L'))
      return read_from_end(in, out);
    const auto begin = in.position();
    BOOST_OUTCOME_TRY(values, read_values(in));
    if (in.peek() != 'W' && in.peek() != 'w') {
      out.days |= static_cast<std::uint32_t>(values);
      return ok();
    }
    if (!std::all_of(field.begin() + static_cast<std::ptrdiff_t>(begin),
                     field.begin() + static_cast<std::ptrdiff_t>(in.position()), is_digit))
      return in.error("W goes with a single day", "write 15W, or LW for the last weekday");
    in.accept('W');
    out.nearest_weekdays |= static_cast<std::uint32_t>(values);
    return ok();
  });
}

/// Both 0 and 7 are Sunday.
std::uint8_t fold_sunday(std::uint64_t weekdays) noexcept {
  return static_cast<std::uint8_t>((weekdays & 0x7f) | (weekdays >> 7 & 1));
}

result<void> read_weekdays(std::string_view field, std::size_t column, cron_fields& out) {
  field_reader in{weekday_rule, field, column};
  return read_list(in, [&]() -> result<void> {
    if (in.peek() == 'L' || in.peek() == 'l')
      return in.error("L has no meaning here", "write L in the day-of-month field, or *");
    const auto begin = in.position();
    BOOST_OUTCOME_TRY(values, read_values(in));
    if (in.peek() != '#') {
      out.weekdays |= fold_sunday(values);
      return ok();
    }
    const auto written = field.substr(begin, in.position() - begin);
    if (written.find_first_of("*?-/") != std::string_view::npos)
      return in.error("# goes with a single weekday", "write 5#2 for the second Friday");
    in.accept('#');
    BOOST_OUTCOME_TRY(k, in.number("a number of the week", 1, 5));
    out.nth_weekdays[k - 1] |= fold_sunday(values);
    return ok();
  });
}

struct located_field {
  std::string_view text;
  std::size_t column;
};

std::vector<located_field> split_fields(std::string_view text) {
  constexpr std::string_view blank = " \t";
  std::vector<located_field> out;
  for (auto begin = text.find_first_not_of(blank); begin != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(blank, begin), text.size());
    out.push_back({text.substr(begin, end - begin), begin + 1});
    begin = text.find_first_not_of(blank, end);
  }
  return out;
}

constexpr bool restricts(std::string_view field) noexcept {
  return !field.starts_with('*') && !field.starts_with('?');
}

result<cron_fields> read_fields(std::span<const located_field> fields) {
  cron_fields out;
  if (fields.size() == 6) {
    BOOST_OUTCOME_TRY(seconds, read_plain_field(second_rule, fields[0].text, fields[0].column));
    out.seconds = seconds;
    fields = fields.subspan(1);
  }
  BOOST_OUTCOME_TRY(minutes, read_plain_field(minute_rule, fields[0].text, fields[0].column));
  BOOST_OUTCOME_TRY(hours, read_plain_field(hour_rule, fields[1].text, fields[1].column));
  BOOST_OUTCOME_TRY(read_days(fields[2].text, fields[2].column, out));
  BOOST_OUTCOME_TRY(months, read_plain_field(month_rule, fields[3].text, fields[3].column));
  BOOST_OUTCOME_TRY(read_weekdays(fields[4].text, fields[4].column, out));
  out.minutes = minutes;
  out.hours = static_cast<std::uint32_t>(hours);
  out.months = static_cast<std::uint16_t>(months);
  out.join =
      restricts(fields[2].text) && restricts(fields[4].text) ? day_join::either : day_join::both;
  return out;
}

/// The expression that a word stands for.
result<std::string_view> expand_word(std::string_view word) {
  struct row {
    std::string_view word;
    std::string_view expression;
  };
  static constexpr row rows[] = {{"@yearly", "0 0 1 1 *"},  {"@annually", "0 0 1 1 *"},
                                 {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
                                 {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                                 {"@hourly", "0 * * * *"}};
  std::vector<std::string> words;
  for (const auto& r : rows) {
    if (lower(word) == r.word)
      return r.expression;
    words.emplace_back(r.word);
  }
  const auto near = nearest_name(word, words);
  std::string mend = "write one of @yearly @monthly @weekly @daily @hourly";
  if (lower(word) == "@every")
    mend = "write every: instead of cron:";
  else if (!near.empty())
    mend = "did you mean " + near + "?";
  return problem{errc::invalid, "column 1: \"" + std::string{word} + "\" is not known", mend};
}

result<cron_fields> read_expression(std::string_view text) {
  auto fields = split_fields(text);
  if (fields.empty())
    return problem{errc::invalid, "it is empty", "write five fields, such as 0 2 * * *"};
  if (fields[0].text.starts_with('@')) {
    BOOST_OUTCOME_TRY(expression, expand_word(fields[0].text));
    if (fields.size() > 1)
      return problem{errc::invalid, "column " + std::to_string(fields[1].column) +
                                        ": nothing may follow " + std::string{fields[0].text}};
    fields = split_fields(expression);
  }
  if (fields.size() == 7)
    return problem{errc::invalid, "it has 7 fields", "leave out the seventh, the year"};
  if (fields.size() != 5 && fields.size() != 6)
    return problem{errc::invalid,
                   "it has " + std::to_string(fields.size()) +
                       (fields.size() == 1 ? " field" : " fields"),
                   "write 5 (minute hour day-of-month month day-of-week), or 6 with the second "
                   "before them"};
  return read_fields(fields);
}

} // namespace

result<cron_expression> cron_expression::parse(std::string_view text, cron_dialect dialect,
                                               day_join two_fields) {
  constexpr std::size_t longest = 512;
  if (text.size() > longest)
    return problem{errc::limit, "cron expression of " + std::to_string(text.size()) +
                                    " characters: at most " + std::to_string(longest)};
  const auto quoted = "cron \"" + std::string{text} + "\": ";
  auto fields = read_expression(text);
  if (!fields)
    return problem{errc::invalid, quoted + fields.error().message, fields.error().suggestion};
  // 400 years are all that the calendar can show.
  if (!fields.value().next(make_civil(2000, 1, 1), make_civil(2400, 1, 1)))
    return problem{errc::invalid, quoted + "it never comes: no month named has such a day",
                   "write L for the last day of a month"};
  return cron_expression{fields.value(), std::string{text}, dialect, two_fields};
}

} // namespace pinion
