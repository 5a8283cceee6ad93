#include "timing/day_names.hpp"
#include "timing/period_set.hpp"

#include <algorithm>
#include <pinion/timing/near_names.hpp>

namespace pinion {

namespace {

using std::chrono::seconds;

problem bad_piece(std::string_view key, std::string_view piece, std::string why, std::string mend) {
  return {errc::invalid,
          std::string{key} + ": \"" + std::string{piece.substr(0, 80)} + "\" " + std::move(why),
          std::move(mend)};
}

/// A whole number of one to `digits` digits and nothing else.
std::optional<unsigned> plain_number(std::string_view text, std::size_t digits) noexcept {
  if (text.empty() || text.size() > digits)
    return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9')
      return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (std::size_t begin = 0;; ++begin) {
    const auto end = std::min(text.find(at, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end;
    if (end == text.size())
      return out;
  }
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  const auto end = text.find_last_not_of(" \t") + 1;
  return begin < end ? text.substr(begin, end - begin) : std::string_view{};
}

// The times of `at:`.

std::string_view form_of_at(calendar_unit unit) noexcept {
  switch (unit) {
  case calendar_unit::minute:
    return "write the second of the minute, such as \":30\"";
  case calendar_unit::hour:
    return "write the minute of the hour, such as \":05\"";
  default:
    return "write the time of day, such as \"02:00\" or \"02:00:30\"";
  }
}

/// ":30" of a minute, ":05" or ":05:30" of an hour, "02:00" or "02:00:30" of a day.
result<seconds> parse_at(std::string_view text, calendar_unit unit) {
  const auto parts = split(text, ':');
  const auto problem_here = [&](std::string why) {
    return bad_piece("at", text, std::move(why), std::string{form_of_at(unit)});
  };
  const auto longest = unit == calendar_unit::minute ? 2u : 3u;
  if (parts.size() < 2 || parts.size() > longest)
    return problem_here("is no time within the period");
  const bool has_hour = unit >= calendar_unit::day;
  const auto hour = has_hour ? plain_number(parts[0], 2) : std::optional{0u};
  if (!hour || (!has_hour && !parts[0].empty()))
    return problem_here("is no time within the period");
  unsigned rest[2]{};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto value = parts[i].size() == 2 ? plain_number(parts[i], 2) : std::nullopt;
    if (!value)
      return problem_here("is no time within the period");
    rest[i - 1] = *value;
  }
  if (*hour > 23 || rest[0] > 59 || rest[1] > 59)
    return problem_here(*hour == 24 ? "is 00:00 of the next day"
                                    : "is out of range: hours count 0-23, the others 0-59");
  if (unit == calendar_unit::minute)
    return seconds{rest[0]};
  return std::chrono::hours{*hour} + std::chrono::minutes{rest[0]} + seconds{rest[1]};
}

result<std::vector<seconds>> parse_times(const std::vector<std::string>& texts,
                                         calendar_unit unit) {
  std::vector<seconds> out;
  for (const auto& text : texts) {
    BOOST_OUTCOME_TRY(at, parse_at(trimmed(text), unit));
    out.push_back(at);
  }
  if (out.empty())
    out.emplace_back(0);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// The days of `days:`.

constexpr std::string_view form_of_month_days =
    "write a day such as 1, 5-10, last, last-2, 15w, lastw, 2nd fri, last fri";
constexpr std::string_view form_of_year_days =
    "write a month and a day, such as 12-24, 2-last, 11 4th thu, nov last fri";

/// "2nd", "second": 1 to 5.
std::optional<unsigned> ordinal(std::string_view word) noexcept {
  static constexpr std::string_view shorts[] = {"1st", "2nd", "3rd", "4th", "5th"};
  static constexpr std::string_view words[] = {"first", "second", "third", "fourth", "fifth"};
  for (unsigned i = 0; i < 5; ++i)
    if (word == shorts[i] || word == words[i])
      return i + 1;
  return std::nullopt;
}

std::optional<unsigned> day_number(std::string_view text) noexcept {
  const auto day = plain_number(text, 2);
  return day && *day >= 1 && *day <= 31 ? day : std::nullopt;
}

constexpr std::uint32_t bit(unsigned n) noexcept { return std::uint32_t{1} << n; }

/// `2nd fri`, `last friday`. Returns whether it is one.
bool add_weekday_of_month(std::string_view which, std::string_view name, month_days& out) {
  const auto weekday = name_index(name, weekday_names);
  if (!weekday)
    return false;
  const auto mask = static_cast<std::uint8_t>(bit(*weekday));
  if (which == "last")
    out.last_weekdays |= mask;
  else if (const auto k = ordinal(which))
    out.nth_weekdays[*k - 1] |= mask;
  else
    return false;
  return true;
}

/// One word: `1`, `5-10`, `last`, `last-2`, `15w`, `lastw`. Returns whether it is one.
bool add_day_word(std::string_view word, month_days& out) {
  const auto dash = word.find('-');
  const auto head = word.substr(0, dash);
  if (head == "last") {
    const auto before = dash == std::string_view::npos ? 0 : plain_number(word.substr(dash + 1), 2);
    if (!before || *before > 30)
      return false;
    out.days_from_end |= bit(*before);
    return true;
  }
  if (word == "lastw") {
    out.nearest_from_end |= 1;
    return true;
  }
  if (word.ends_with('w')) {
    const auto day = day_number(word.substr(0, word.size() - 1));
    if (day)
      out.nearest_weekdays |= bit(*day);
    return day.has_value();
  }
  const auto first = day_number(head);
  const auto last = dash == std::string_view::npos ? first : day_number(word.substr(dash + 1));
  if (!first || !last || *last < *first)
    return false;
  for (auto day = *first; day <= *last; ++day)
    out.days |= bit(day);
  return true;
}

/// A day of a month in lower case. Returns whether it is one.
bool add_month_day(std::string_view text, month_days& out) {
  const auto blank = text.find(' ');
  return blank == std::string_view::npos
             ? add_day_word(text, out)
             : add_weekday_of_month(text.substr(0, blank), trimmed(text.substr(blank)), out);
}

/// The union of the days named.
constexpr month_days no_days() noexcept {
  month_days out;
  out.join = day_join::either;
  return out;
}

result<std::vector<month_days>> parse_month_days(const std::vector<std::string>& texts) {
  std::vector<month_days> out{no_days()};
  for (const auto& text : texts)
    if (!add_month_day(lower(trimmed(text)), out.front()))
      return bad_piece("days", text, "is no day of a month", std::string{form_of_month_days});
  return out;
}

/// `12-24`, `dec 24`, `11 4th thu`: a month and a day of it.
result<std::vector<month_days>> parse_year_days(const std::vector<std::string>& texts) {
  std::vector<month_days> out(12, no_days());
  for (const auto& written : texts) {
    const auto whole = lower(trimmed(written));
    const std::string_view text = whole;
    const auto end = std::min(text.find_first_of(" -"), text.size());
    const auto name = text.substr(0, end);
    auto month = plain_number(name, 2);
    if (const auto index = name_index(name, month_names))
      month = *index + 1;
    if (!month || *month < 1 || *month > 12)
      return bad_piece("days", written, "does not begin with a month",
                       std::string{form_of_year_days});
    const auto day = end == text.size() ? std::string_view{} : trimmed(text.substr(end + 1));
    if (!add_month_day(day, out[*month - 1]))
      return bad_piece("days", written, "is no day of a year", std::string{form_of_year_days});
  }
  return out;
}

result<std::uint8_t> parse_week_days(const std::vector<std::string>& texts) {
  std::uint8_t out = 0;
  for (const auto& text : texts) {
    const auto weekdays = parse_weekdays(trimmed(text));
    if (!weekdays)
      return problem{errc::invalid, "days: " + weekdays.error().message,
                     weekdays.error().suggestion};
    out |= weekdays.value();
  }
  return out;
}

result<void> parse_days(const std::vector<std::string>& texts, period_schedule& out) {
  const auto unit = out.unit;
  if (unit < calendar_unit::week) {
    if (texts.empty())
      return ok();
    return problem{errc::invalid, "days: a period of " + out.text.period + " has no days",
                   "write `period: week` with `days:`, or give the trigger a calendar"};
  }
  if (texts.empty())
    return problem{errc::invalid, "a period of " + out.text.period + " needs `days`",
                   unit == calendar_unit::week    ? "write `days: [mon]`"
                   : unit == calendar_unit::month ? "write `days: [1]`"
                                                  : "write `days: [\"01-01\"]`"};
  if (unit == calendar_unit::week) {
    BOOST_OUTCOME_TRY(weekdays, parse_week_days(texts));
    out.weekdays = weekdays;
  } else if (unit == calendar_unit::month) {
    BOOST_OUTCOME_TRY(months, parse_month_days(texts));
    out.months = std::move(months);
  } else {
    BOOST_OUTCOME_TRY(months, parse_year_days(texts));
    out.months = std::move(months);
  }
  return ok();
}

unsigned most_steps(calendar_unit unit) noexcept {
  switch (unit) {
  case calendar_unit::minute:
    return 59;
  case calendar_unit::hour:
    return 23;
  case calendar_unit::day:
    return 3660;
  case calendar_unit::week:
    return 520;
  case calendar_unit::month:
    return 1200;
  default:
    return 100;
  }
}

} // namespace

result<calendar_unit> parse_period_unit(std::string_view word) {
  struct row {
    std::string_view word;
    calendar_unit unit;
  };
  static constexpr row rows[] = {{"minute", calendar_unit::minute}, {"hour", calendar_unit::hour},
                                 {"day", calendar_unit::day},       {"week", calendar_unit::week},
                                 {"month", calendar_unit::month},   {"year", calendar_unit::year}};
  std::vector<std::string> words;
  for (const auto& r : rows) {
    if (word == r.word)
      return r.unit;
    words.emplace_back(r.word);
  }
  const auto near = nearest_name(word, words);
  return bad_piece("period", word, "is no period",
                   near.empty() ? "write minute, hour, day, week, month or year"
                                : "did you mean " + near + "?");
}

result<period_schedule> parse_period(period_text text, zone in, civil_day anchor) {
  period_schedule out;
  BOOST_OUTCOME_TRY(unit, parse_period_unit(text.period));
  out.unit = unit;
  out.text = std::move(text);
  if (out.text.step < 1 || out.text.step > most_steps(unit))
    return problem{errc::invalid,
                   "step: " + std::to_string(out.text.step) + " is not in 1-" +
                       std::to_string(most_steps(unit)) + " for a period of " + out.text.period,
                   "write `every:` for longer stretches of time, or a larger period"};
  out.step = static_cast<unsigned>(out.text.step);
  BOOST_OUTCOME_TRY(at, parse_times(out.text.at, unit));
  out.at = std::move(at);
  BOOST_OUTCOME_TRY(parse_days(out.text.days, out));
  out.anchor = anchor;
  out.in = in;
  const bool once_a_day = unit >= calendar_unit::day && out.at.size() == 1;
  out.dst.repeated = once_a_day ? repeated_time::first : repeated_time::both;
  const civil_time from = day_of(add(civil_time{anchor}, calendar_unit::year, -401));
  if (!period_set{out}.next(from, day_of(add(civil_time{anchor}, calendar_unit::year, 401))))
    return problem{errc::invalid, "it never comes: no month that counts has such a day",
                   "write last for the last day of a month, or another step"};
  return out;
}

} // namespace pinion
