#include "timing/cron_reader.hpp"
#include "timing/day_names.hpp"

#include <algorithm>
#include <pinion/timing/near_names.hpp>
#include <vector>

namespace pinion {

namespace {

/// The rules of the fields in a dialect.
struct dialect_rules {
  explicit constexpr dialect_rules(cron_dialect d) noexcept
      : second{"second", 0, 59, d}, minute{"minute", 0, 59, d}, hour{"hour", 0, 23, d},
        day{"day-of-month", 1, 31, d, field_kind::day_of_month},
        month{"month", 1, 12, d, field_kind::plain, month_names, 1},
        weekday{"day-of-week", sunday(d), 7, d, field_kind::day_of_week, weekday_names, sunday(d)},
        year{"year", first_cron_year, last_cron_year, d, field_kind::year} {}

  static constexpr unsigned sunday(cron_dialect d) noexcept {
    return d == cron_dialect::quartz ? 1 : 0;
  }

  field_rule second, minute, hour, day, month, weekday, year;
};

constexpr dialect_rules unix_rules{cron_dialect::unix_cron};
constexpr dialect_rules quartz_rules{cron_dialect::quartz};

constexpr std::uint32_t bit(unsigned n) noexcept { return std::uint32_t{1} << n; }

struct located_field {
  std::string_view text;
  std::size_t column;

  field_reader reader(const field_rule& rule) const noexcept { return {rule, text, column}; }

  /// Does it say which days there are, in the sense in which two such fields are joined?
  bool restricts() const noexcept { return !text.starts_with('*') && !text.starts_with('?'); }
};

result<value_set> read_plain_field(const field_rule& rule, located_field field) {
  auto in = field.reader(rule);
  value_set out;
  BOOST_OUTCOME_TRY(in.list([&]() -> result<void> {
    BOOST_OUTCOME_TRY(values, in.values());
    out |= values;
    return ok();
  }));
  return out;
}

/// An element that begins with L, which has been read: `L`, `LW`, `L-n`, in Quartz `L-nW`.
result<void> read_from_end(field_reader& in, cron_fields& out) {
  unsigned before_last = 0;
  bool may_be_nearest = true;
  if (in.accept('-')) {
    BOOST_OUTCOME_TRY(written, in.number("a number of days", 0, 30));
    before_last = written;
    may_be_nearest = in.rule().quartz();
  }
  const bool nearest = may_be_nearest && in.accept('W');
  (nearest ? out.nearest_from_end : out.days_from_end) |= bit(before_last);
  return ok();
}

result<void> read_days(const field_rule& rule, located_field field, cron_fields& out) {
  auto in = field.reader(rule);
  return in.list([&]() -> result<void> {
    if (in.accept('L'))
      return read_from_end(in, out);
    const auto begin = in.position();
    BOOST_OUTCOME_TRY(values, in.values());
    const auto days = static_cast<std::uint32_t>(values.to_ullong());
    if (!in.is_next('W')) {
      out.days |= days;
      return ok();
    }
    if (in.since(begin).find_first_not_of("0123456789") != std::string_view::npos)
      return in.error("W goes with a single day", "write 15W, or LW for the last weekday");
    in.accept('W');
    out.nearest_weekdays |= days;
    return ok();
  });
}

/// Bit 0 for Sunday, which is 0 or 7 in unix and 1 in Quartz.
std::uint8_t from_sunday(const field_rule& rule, const value_set& weekdays) noexcept {
  const auto bits = static_cast<std::uint32_t>(weekdays.to_ullong());
  return static_cast<std::uint8_t>(rule.quartz() ? bits >> 1 : (bits & 0x7f) | bits >> 7);
}

/// One element of the weekdays: values, `d#k`, and in Quartz `L` and `dL`.
result<void> read_weekday_item(field_reader& in, cron_fields& out) {
  const auto& rule = in.rule();
  if (in.is_next('L')) {
    if (!rule.quartz())
      return in.error("L has no meaning here", "write L in the day-of-month field, or *");
    in.accept('L');
    out.weekdays |= std::uint8_t{1} << 6; // Saturday, each week.
    return ok();
  }
  const auto begin = in.position();
  BOOST_OUTCOME_TRY(values, in.values());
  const auto weekdays = from_sunday(rule, values);
  const bool last = rule.quartz() && in.is_next('L');
  if (in.peek() != '#' && !last) {
    out.weekdays |= weekdays;
    return ok();
  }
  if (in.since(begin).find_first_of("*?-/") != std::string_view::npos)
    return last ? in.error("L goes with a single weekday", "write 6L for the last Friday")
                : in.error("# goes with a single weekday", rule.quartz()
                                                               ? "write 6#2 for the second Friday"
                                                               : "write 5#2 for the second Friday");
  if (in.accept('L')) {
    out.last_weekdays |= weekdays;
    return ok();
  }
  in.accept('#');
  BOOST_OUTCOME_TRY(k, in.number("a number of the week", 1, 5));
  out.nth_weekdays[k - 1] |= weekdays;
  return ok();
}

/// Does a weekday field of Quartz hold an element that must stand alone?
bool holds_lonely_item(const cron_fields& fields, std::string_view field) noexcept {
  const bool nth = std::any_of(fields.nth_weekdays.begin(), fields.nth_weekdays.end(),
                               [](auto weekdays) { return weekdays != 0; });
  return nth || fields.last_weekdays != 0 || field.starts_with("L,") || field.starts_with("l,") ||
         field.find(",L") != std::string_view::npos || field.find(",l") != std::string_view::npos;
}

result<void> read_weekdays(const field_rule& rule, located_field field, cron_fields& out) {
  auto in = field.reader(rule);
  BOOST_OUTCOME_TRY(in.list([&] { return read_weekday_item(in, out); }));
  const bool is_list = field.text.find(',') != std::string_view::npos;
  if (rule.quartz() && is_list && holds_lonely_item(out, field.text))
    return in.error_at(0, "# and L go with a single weekday, not with a list",
                       "write one trigger for each, or dialect: unix, which has lists of d#k");
  return ok();
}

/// The day fields of Quartz: one of them is `?`.
result<void> read_quartz_days(located_field day, located_field weekday, cron_fields& out) {
  const auto& rules = quartz_rules;
  const bool no_day = day.text == "?";
  const bool no_weekday = weekday.text == "?";
  if (no_day && no_weekday)
    return weekday.reader(rules.weekday)
        .error("both day fields are ?", "write * in one of them for every day");
  if (!no_day && !no_weekday)
    return weekday.reader(rules.weekday)
        .error("one of the two day fields must be ?",
               day.text == "*"       ? "write ? in the day-of-month field"
               : weekday.text == "*" ? "write ? in the day-of-week field"
                                     : "write ? in one of them; dialect: unix can join both");
  if (no_day) {
    out.days = 0xfffffffe;
    return read_weekdays(rules.weekday, weekday, out);
  }
  out.weekdays = 0x7f;
  return read_days(rules.day, day, out);
}

result<void> read_unix_days(located_field day, located_field weekday, day_join two_fields,
                            cron_fields& out) {
  BOOST_OUTCOME_TRY(read_days(unix_rules.day, day, out));
  BOOST_OUTCOME_TRY(read_weekdays(unix_rules.weekday, weekday, out));
  out.join = day.restricts() && weekday.restricts() ? two_fields : day_join::both;
  return ok();
}

struct writing {
  cron_dialect dialect;
  day_join two_fields;
};

/// The meaning of 5, 6 or 7 fields.
result<cron_fields> read_fields(std::span<const located_field> fields, writing how) {
  const auto& rules = how.dialect == cron_dialect::quartz ? quartz_rules : unix_rules;
  cron_fields out;
  if (fields.size() == 7) {
    BOOST_OUTCOME_TRY(years, read_plain_field(rules.year, fields[6]));
    if (!years.all())
      out.years = years;
  }
  if (fields.size() >= 6) {
    BOOST_OUTCOME_TRY(seconds, read_plain_field(rules.second, fields[0]));
    out.seconds = seconds.to_ullong();
    fields = fields.subspan(1);
  }
  BOOST_OUTCOME_TRY(minutes, read_plain_field(rules.minute, fields[0]));
  BOOST_OUTCOME_TRY(hours, read_plain_field(rules.hour, fields[1]));
  if (how.dialect == cron_dialect::quartz) {
    BOOST_OUTCOME_TRY(read_quartz_days(fields[2], fields[4], out));
  } else {
    BOOST_OUTCOME_TRY(read_unix_days(fields[2], fields[4], how.two_fields, out));
  }
  BOOST_OUTCOME_TRY(months, read_plain_field(rules.month, fields[3]));
  out.minutes = minutes.to_ullong();
  out.hours = static_cast<std::uint32_t>(hours.to_ullong());
  out.months = static_cast<std::uint16_t>(months.to_ullong());
  return out;
}

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

/// The expression, in unix, that a word stands for.
result<std::string_view> expand_word(std::string_view word) {
  struct row {
    std::string_view word;
    std::string_view expression;
  };
  static constexpr row rows[] = {
      {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},     {"@monthly", "0 0 1 * *"},
      {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},        {"@midnight", "0 0 * * *"},
      {"@hourly", "0 * * * *"}, {"@every_minute", "* * * * *"}, {"@every_second", "* * * * * *"}};
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

problem wrong_count(std::size_t count, cron_dialect dialect) {
  return {errc::invalid, "it has " + std::to_string(count) + (count == 1 ? " field" : " fields"),
          dialect == cron_dialect::quartz
              ? "write 6 (second minute hour day-of-month month day-of-week), or 7 with the year "
                "behind them"
              : "write 5 (minute hour day-of-month month day-of-week), 6 with the second before "
                "them, or 7 with the year behind them too"};
}

result<cron_fields> read_expression(std::string_view text, writing how) {
  auto fields = split_fields(text);
  const bool quartz = how.dialect == cron_dialect::quartz;
  if (fields.empty())
    return problem{errc::invalid, "it is empty",
                   quartz ? "write six fields, such as 0 0 2 * * ?"
                          : "write five fields, such as 0 2 * * *"};
  if (fields[0].text.starts_with('@')) {
    BOOST_OUTCOME_TRY(expression, expand_word(fields[0].text));
    if (fields.size() > 1)
      return problem{errc::invalid, "column " + std::to_string(fields[1].column) +
                                        ": nothing may follow " + std::string{fields[0].text}};
    return read_fields(split_fields(expression), {cron_dialect::unix_cron, day_join::either});
  }
  if (fields.size() < (quartz ? 6u : 5u) || fields.size() > 7)
    return wrong_count(fields.size(), how.dialect);
  return read_fields(fields, how);
}

/// Is there any such time? 400 years are all that the calendar can show.
bool ever_comes(const cron_fields& fields) noexcept {
  const auto years = [](int from, int to) {
    return std::pair{make_civil(from, 1, 1), make_civil(to, 1, 1)};
  };
  const auto [from, to] =
      fields.years ? years(first_cron_year, last_cron_year + 1) : years(2000, 2400);
  return fields.next(from, to).has_value();
}

} // namespace

result<cron_expression> cron_expression::parse(std::string_view text, cron_dialect dialect,
                                               day_join two_fields) {
  constexpr std::size_t longest = 512;
  if (text.size() > longest)
    return problem{errc::limit, "cron expression of " + std::to_string(text.size()) +
                                    " characters: at most " + std::to_string(longest)};
  const auto quoted = "cron \"" + std::string{text} + "\": ";
  auto fields = read_expression(text, {dialect, two_fields});
  if (!fields)
    return problem{errc::invalid, quoted + fields.error().message, fields.error().suggestion};
  if (!ever_comes(fields.value()))
    return problem{errc::invalid,
                   quoted + "it never comes: no month named has such a day" +
                       (fields.value().years ? " in these years" : ""),
                   "write L for the last day of a month"};
  return cron_expression{fields.value(), std::string{text}, dialect, two_fields};
}

} // namespace pinion
