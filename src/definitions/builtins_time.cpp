#include "definitions/builtins.hpp"
#include "definitions/expression_operators.hpp"
#include "definitions/suggest.hpp"

#include "pinion/timing/civil_format.hpp"
#include "pinion/timing/instant_text.hpp"

#include <array>
#include <charconv>

namespace pinion {

using nlohmann::json;

namespace {

using outcome = result<expression_value>;

problem invalid(std::string message, std::string suggestion = {}) {
  return {errc::invalid, std::move(message), std::move(suggestion)};
}

/// A time, and whether it was given as a date alone: then days and more keep it one.
struct moment {
  instant at;
  bool date_only = false;
};

result<moment> moment_of(const std::optional<expression_value>& given, const name_scope& scope) {
  expression_value value;
  if (given) {
    value = *given;
  } else {
    BOOST_OUTCOME_TRY(slot, scope.resolve(name_reference{0, {"slot"}, false, false}));
    value = std::move(slot.value);
  }
  if (const auto* at = std::get_if<instant>(&value))
    return moment{*at, false};
  const auto& text = std::get<json>(value);
  if (!text.is_string())
    return invalid("a time is needed, not " + kind_of(value));
  BOOST_OUTCOME_TRY(at, parse_instant(text.get_ref<const std::string&>(), scope.local_zone()));
  return moment{at, text.get_ref<const std::string&>().size() == 10};
}

outcome value_of(const moment& of, zone in) {
  if (of.date_only)
    return expression_value{json(print_day(day_of(of.at, in)))};
  return expression_value{of.at};
}

/// One term of an offset.
struct step {
  calendar_unit unit;
  std::int64_t count;
};

result<calendar_unit> unit_named(std::string_view name, std::int64_t& count) {
  struct spelling {
    std::string_view name;
    calendar_unit unit;
    std::int64_t times = 1;
  };
  static constexpr std::array<spelling, 17> known{{
      {"s", calendar_unit::second},
      {"second", calendar_unit::second},
      {"m", calendar_unit::minute},
      {"min", calendar_unit::minute},
      {"minute", calendar_unit::minute},
      {"h", calendar_unit::hour},
      {"hour", calendar_unit::hour},
      {"d", calendar_unit::day},
      {"day", calendar_unit::day},
      {"w", calendar_unit::week},
      {"week", calendar_unit::week},
      {"month", calendar_unit::month},
      {"mon", calendar_unit::month},
      {"quarter", calendar_unit::month, 3},
      {"q", calendar_unit::month, 3},
      {"y", calendar_unit::year},
      {"year", calendar_unit::year},
  }};
  auto singular = name;
  if (singular.size() > 3 && singular.ends_with('s'))
    singular.remove_suffix(1);
  for (const auto& one : known)
    if (one.name == singular) {
      count *= one.times;
      return one.unit;
    }
  return invalid("unknown unit " + definitions::shown(name) + " in an offset",
                 "known are s, m, h, d, w, month, quarter, year");
}

/// An integer counts days; text is a row of terms such as `-1month`, `+2h`, `-1d+12h`.
result<std::vector<step>> offset_of(const std::optional<expression_value>& given, zone in) {
  std::vector<step> out;
  if (!given)
    return out;
  const auto* data = std::get_if<json>(&*given);
  if (!data || !data->is_string()) {
    BOOST_OUTCOME_TRY(days, integer(*given, "an offset", in));
    out.push_back({calendar_unit::day, days});
  } else {
    const std::string_view text = data->get_ref<const std::string&>();
    std::size_t at = 0;
    while (at < text.size()) {
      const bool minus = text[at] == '-';
      if (minus || text[at] == '+' || text[at] == ' ')
        ++at;
      std::int64_t count = 0;
      const auto read = std::from_chars(text.data() + at, text.data() + text.size(), count);
      if (read.ec != std::errc{} || count < 0 || out.size() == 8)
        return invalid("not an offset: " + shown(*given, in),
                       "write a number of days, or text such as '-1d', '+2h', '-1month'");
      at = static_cast<std::size_t>(read.ptr - text.data());
      const auto name = text.substr(at, text.find_first_of("+- 0123456789", at) - at);
      at += name.size();
      if (name.empty())
        out.push_back({calendar_unit::day, minus ? -count : count});
      else {
        if (count > 1'000'000'000'000)
          return invalid("the offset " + shown(*given, in) + " is too large");
        BOOST_OUTCOME_TRY(unit, unit_named(name, count));
        out.push_back({unit, minus ? -count : count});
      }
    }
  }
  return out;
}

/// Moves a time and checks that it stays within the years that print.
result<moment> moved(moment of, const step& by, zone in) {
  static constexpr std::array<std::int64_t, 7> per_unit{1,       60,        3'600,     86'400,
                                                        604'800, 2'592'000, 31'536'000};
  constexpr std::int64_t most_seconds = 20'000LL * 31'536'000LL;
  const auto size = per_unit[static_cast<std::size_t>(by.unit)];
  if (by.count > most_seconds / size || by.count < -(most_seconds / size))
    return invalid("the time is out of range");
  // 0001-01-01 and 9999-12-31, a day off either end.
  constexpr auto least = from_us(-62'135'510'400'000'000), most = from_us(253'402'128'000'000'000);
  const auto seconds = static_cast<double>(to_us(of.at)) / 1e6 +
                       static_cast<double>(by.count) * static_cast<double>(size);
  if (seconds < -6.3e10 || seconds > 2.56e11)
    return invalid("the time is out of range");
  of.at = add(of.at, by.unit, by.count, in);
  if (of.at < least || of.at > most)
    return invalid("the time is out of range");
  if (by.unit < calendar_unit::day)
    of.date_only = false;
  return of;
}

result<moment> moved(moment of, const std::vector<step>& by, zone in) {
  for (const auto& one : by) {
    BOOST_OUTCOME_TRY(next, moved(of, one, in));
    of = next;
  }
  return of;
}

/// date(format, offset = 0, of = slot)
outcome date(builtin_arguments& given, const name_scope& scope) {
  const auto in = scope.local_zone();
  BOOST_OUTCOME_TRY(base, moment_of(given[2], scope));
  BOOST_OUTCOME_TRY(offset, offset_of(given[1], in));
  BOOST_OUTCOME_TRY(at, moved(base, offset, in));
  BOOST_OUTCOME_TRY(out, format_civil(to_text(*given[0], in), at.at, in));
  return expression_value{json(std::move(out))};
}

/// The same in UTC.
outcome date_utc(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(base, moment_of(given[2], scope));
  BOOST_OUTCOME_TRY(offset, offset_of(given[1], zone{}));
  BOOST_OUTCOME_TRY(at, moved(base, offset, zone{}));
  BOOST_OUTCOME_TRY(out, format_civil(to_text(*given[0], zone{}), at.at, zone{}));
  return expression_value{json(std::move(out))};
}

template <calendar_unit Unit>
outcome add_units(builtin_arguments& given, const name_scope& scope) {
  const auto in = scope.local_zone();
  BOOST_OUTCOME_TRY(base, moment_of(given[1], scope));
  BOOST_OUTCOME_TRY(count, integer(*given[0], "the count", in));
  BOOST_OUTCOME_TRY(at, moved(base, step{Unit, count}, in));
  return value_of(at, in);
}

instant begin_of_unit(instant at, calendar_unit unit, std::int64_t months, zone in) {
  auto out = begin_of(at, unit, in);
  if (months > 1)
    out = add(out, calendar_unit::month,
              -static_cast<std::int64_t>((parts_of(in.local(out)).month - 1) % months), in);
  return out;
}

/// Begin, or the beginning of the last day, of the unit around a time. Months, quarters and years
/// of the offset choose the unit; weeks, days and times count from its begin or end.
template <calendar_unit Unit, int Months, bool End>
outcome unit_edge(builtin_arguments& given, const name_scope& scope) {
  const auto in = scope.local_zone();
  BOOST_OUTCOME_TRY(base, moment_of(given[1], scope));
  BOOST_OUTCOME_TRY(offset, offset_of(given[0], in));
  for (const auto& one : offset)
    if (one.unit >= calendar_unit::month) {
      // From the first of the month, so that the 31st does not matter.
      base.at = begin_of(base.at, calendar_unit::month, in);
      BOOST_OUTCOME_TRY(next, moved(base, one, in));
      base = next;
    }
  auto edge = base;
  edge.at = begin_of_unit(base.at, Unit, Months, in);
  if (End) {
    BOOST_OUTCOME_TRY(after, moved(edge, step{Unit, Months}, in));
    BOOST_OUTCOME_TRY(last, moved(after, step{calendar_unit::day, -1}, in));
    edge = last;
  }
  for (const auto& one : offset)
    if (one.unit < calendar_unit::month) {
      BOOST_OUTCOME_TRY(next, moved(edge, one, in));
      edge = next;
    }
  return value_of(edge, in);
}

/// time('2026-11-20T02:00'): text as a time.
outcome time_of(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(at, moment_of(given[0], scope));
  return expression_value{at.at};
}

/// Whole seconds since 1970.
outcome timestamp(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(at, moment_of(given[0], scope));
  return expression_value{
      json(std::chrono::floor<std::chrono::seconds>(at.at).time_since_epoch().count())};
}

/// 1 is Monday, 7 Sunday.
outcome weekday(builtin_arguments& given, const name_scope& scope) {
  BOOST_OUTCOME_TRY(at, moment_of(given[0], scope));
  const auto day = parts_of(scope.local_zone().local(at.at)).weekday;
  return expression_value{json(day == 0 ? 7 : static_cast<int>(day))};
}

} // namespace

std::span<const builtin> time_builtins() {
  using enum calendar_unit;
  static const std::vector<builtin> table{
      {"date", {"format", "offset", "of"}, 1, 2, date},
      {"date_utc", {"format", "offset", "of"}, 1, 2, date_utc},
      {"add_minutes", {"count", "of"}, 1, 1, add_units<minute>},
      {"add_hours", {"count", "of"}, 1, 1, add_units<hour>},
      {"add_days", {"count", "of"}, 1, 1, add_units<day>},
      {"add_weeks", {"count", "of"}, 1, 1, add_units<week>},
      {"add_months", {"count", "of"}, 1, 1, add_units<month>},
      {"add_years", {"count", "of"}, 1, 1, add_units<year>},
      {"day_begin", {"offset", "of"}, 0, 1, unit_edge<day, 1, false>},
      {"week_begin", {"offset", "of"}, 0, 1, unit_edge<week, 1, false>},
      {"week_end", {"offset", "of"}, 0, 1, unit_edge<week, 1, true>},
      {"month_begin", {"offset", "of"}, 0, 1, unit_edge<month, 1, false>},
      {"month_end", {"offset", "of"}, 0, 1, unit_edge<month, 1, true>},
      {"quarter_begin", {"offset", "of"}, 0, 1, unit_edge<month, 3, false>},
      {"quarter_end", {"offset", "of"}, 0, 1, unit_edge<month, 3, true>},
      {"year_begin", {"offset", "of"}, 0, 1, unit_edge<year, 1, false>},
      {"year_end", {"offset", "of"}, 0, 1, unit_edge<year, 1, true>},
      {"time", {"of"}, 1, 0, time_of},
      {"timestamp", {"of"}, 0, 0, timestamp},
      {"weekday", {"of"}, 0, 0, weekday},
  };
  return table;
}

} // namespace pinion
