#include <cstdio>
#include <optional>
#include <pinion/timing/instant_text.hpp>

namespace pinion {

namespace {

std::string print_offset(std::chrono::seconds offset) {
  const auto seconds = offset.count() < 0 ? -offset.count() : offset.count();
  char out[16];
  auto n = std::snprintf(out, sizeof out, "%c%02d:%02d", offset.count() < 0 ? '-' : '+',
                         static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60));
  if (seconds % 60 != 0)
    n += std::snprintf(out + n, sizeof out - static_cast<std::size_t>(n), ":%02d",
                       static_cast<int>(seconds % 60));
  return {out, static_cast<std::size_t>(n)};
}

/// `2026-11-20T02:00:00`.
std::string print_seconds(const civil_parts& p) {
  char out[48];
  const auto n = std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02u:%02u:%02u", p.year, p.month,
                               p.day, p.hour, p.minute, p.second);
  return {out, static_cast<std::size_t>(n)};
}

std::string print_fraction(const civil_parts& p) {
  char out[16];
  const auto n = std::snprintf(out, sizeof out, ".%06u", p.microsecond);
  return {out, static_cast<std::size_t>(n)};
}

/// Reads from left to right; a step that does not fit leaves the reader where it was.
class text_reader {
public:
  explicit text_reader(std::string_view rest) : rest_{rest} {}

  bool done() const noexcept { return rest_.empty(); }
  bool accept(char c) noexcept {
    if (!rest_.starts_with(c))
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// Exactly `count` digits.
  std::optional<unsigned> digits(std::size_t count) noexcept {
    if (rest_.size() < count)
      return std::nullopt;
    unsigned value = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9')
        return std::nullopt;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  /// One to six digits after a decimal point, as microseconds.
  std::optional<unsigned> fraction() noexcept {
    unsigned value = 0;
    unsigned scale = 1'000'000;
    while (scale > 1) {
      const auto digit = digits(1);
      if (!digit)
        break;
      scale /= 10;
      value += *digit * scale;
    }
    return scale == 1'000'000 ? std::nullopt : std::optional{value};
  }

private:
  std::string_view rest_;
};

problem unreadable(std::string_view text, std::string why, std::string mend = {}) {
  return {errc::invalid, "time \"" + std::string{text.substr(0, 80)} + "\": " + std::move(why),
          std::move(mend)};
}

constexpr const char* form_of_time = "write it as 2026-11-20T02:00, with Z or an offset behind it";
constexpr const char* form_of_day = "write it as 2026-11-20";

result<civil_day> read_day(std::string_view text, text_reader& in, const char* form) {
  const auto year = in.digits(4);
  const bool first = in.accept('-');
  const auto month = in.digits(2);
  const bool second = in.accept('-');
  const auto day = in.digits(2);
  if (!year || !first || !month || !second || !day)
    return unreadable(text, "it does not begin with a date", form);
  if (*month < 1 || *month > 12)
    return unreadable(text, "there is no month " + std::to_string(*month), form);
  const auto last = days_in_month(static_cast<int>(*year), *month);
  if (*day < 1 || *day > last)
    return unreadable(text, "that month has no day " + std::to_string(*day),
                      "its days are 1 to " + std::to_string(last));
  return day_of(make_civil(static_cast<int>(*year), *month, *day));
}

/// HH:MM[:SS[.f]]
result<duration> read_time(std::string_view text, text_reader& in) {
  const auto hour = in.digits(2);
  const bool colon = in.accept(':');
  const auto minute = in.digits(2);
  if (!hour || !colon || !minute)
    return unreadable(text, "it has no time of day", form_of_time);
  unsigned second = 0;
  unsigned microsecond = 0;
  if (in.accept(':')) {
    const auto written = in.digits(2);
    if (!written)
      return unreadable(text, "the seconds are missing", form_of_time);
    second = *written;
    if (in.accept('.')) {
      const auto fraction = in.fraction();
      if (!fraction)
        return unreadable(text, "the fraction is missing",
                          "write one to six digits after the point");
      microsecond = *fraction;
      if (in.digits(1))
        return unreadable(text, "the fraction has more than six digits",
                          "microseconds are the finest grain");
    }
  }
  if (*hour > 23)
    return unreadable(text, "hours count 0-23", "24:00 is 00:00 of the next day");
  if (*minute > 59 || second > 59)
    return unreadable(text, "minutes and seconds count 0-59");
  return std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{second} +
         duration{microsecond};
}

/// +08:00, +0800, +08
result<std::chrono::seconds> read_offset(std::string_view text, text_reader& in) {
  const int sign = in.accept('-') ? -1 : 1;
  if (sign == 1 && !in.accept('+'))
    return unreadable(text, "something follows that is no offset", form_of_time);
  const auto hours = in.digits(2);
  const bool colon = in.accept(':');
  const auto minutes = in.digits(2);
  if (!hours || (colon && !minutes))
    return unreadable(text, "the offset is incomplete", "write it as +08:00");
  if (*hours > 23 || minutes.value_or(0) > 59)
    return unreadable(text, "there is no such offset", "offsets lie between -23:59 and +23:59");
  return sign * (std::chrono::hours{*hours} + std::chrono::minutes{minutes.value_or(0)});
}

result<instant> instant_in(std::string_view text, civil_time at, zone in) {
  const auto found = in.instants_of(at);
  switch (found.kind) {
  case civil_kind::unique:
    break;
  case civil_kind::skipped:
    return unreadable(text, "the clocks of " + in.name() + " jump over that time",
                      "the next instant is " + print_local(found.first, in));
  case civil_kind::repeated:
    return unreadable(text, "the clocks of " + in.name() + " show that time twice",
                      "write " + print_local(found.first, in) + " or " +
                          print_local(found.second, in));
  }
  return found.first;
}

} // namespace

std::string print_utc(instant at) {
  const auto p = parts_of(civil_time{at.time_since_epoch()});
  return print_seconds(p) + print_fraction(p) + "Z";
}

std::string print_local(instant at, zone in) {
  const auto p = parts_of(in.local(at));
  return print_seconds(p) + (p.microsecond == 0 ? std::string{} : print_fraction(p)) +
         print_offset(in.offset_at(at));
}

std::string print_day(civil_day day) { return print_seconds(parts_of(day)).substr(0, 10); }

result<written_time> parse_time(std::string_view text) {
  text_reader reader{text};
  BOOST_OUTCOME_TRY(day, read_day(text, reader, form_of_time));
  if (reader.done())
    return written_time{day, std::nullopt};
  if (!reader.accept('T'))
    return unreadable(text, "a T is missing behind the date", form_of_time);
  BOOST_OUTCOME_TRY(time, read_time(text, reader));
  const civil_time at = day + time;
  if (reader.done())
    return written_time{at, std::nullopt};
  if (reader.accept('Z')) {
    if (!reader.done())
      return unreadable(text, "something follows the Z");
    return written_time{at, std::chrono::seconds{0}};
  }
  BOOST_OUTCOME_TRY(offset, read_offset(text, reader));
  if (!reader.done())
    return unreadable(text, "something follows the offset");
  return written_time{at, offset};
}

result<instant> parse_instant(std::string_view text, zone in) {
  BOOST_OUTCOME_TRY(time, parse_time(text));
  if (time.offset)
    return instant{time.at.time_since_epoch() - *time.offset};
  // A date alone is a day, which begins also where its midnight is jumped over.
  if (text.find('T') == std::string_view::npos)
    return begin_of(day_of(time.at), in);
  return instant_in(text, time.at, in);
}

result<civil_day> parse_day(std::string_view text) {
  text_reader reader{text};
  BOOST_OUTCOME_TRY(day, read_day(text, reader, form_of_day));
  if (!reader.done())
    return unreadable(text, "something follows the date", form_of_day);
  return day;
}

} // namespace pinion
