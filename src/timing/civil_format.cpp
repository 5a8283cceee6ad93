#include <cstdio>
#include <cstdlib>
#include <optional>
#include <pinion/timing/civil_format.hpp>

namespace pinion {

namespace {

constexpr const char* month_names[] = {"January",   "February", "March",    "April",
                                       "May",       "June",     "July",     "August",
                                       "September", "October",  "November", "December"};
constexpr const char* weekday_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday"};

/// What a pattern is filled with.
struct moment {
  civil_time at;
  std::optional<std::chrono::seconds> offset;
};

std::string padded(int value, std::size_t width) {
  char out[16];
  const auto n = std::snprintf(out, sizeof out, "%0*d", static_cast<int>(width), value);
  return {out, static_cast<std::size_t>(n)};
}

std::string padded(unsigned value, std::size_t width) {
  return padded(static_cast<int>(value), width);
}

unsigned day_of_year(civil_time at) noexcept {
  const auto days = day_of(at) - day_of(begin_of(at, calendar_unit::year));
  return static_cast<unsigned>(days.count()) + 1;
}

std::string offset_text(std::chrono::seconds offset, char letter) {
  if (letter == 'X' && offset == std::chrono::seconds::zero())
    return "Z";
  const auto minutes = static_cast<int>(std::abs(offset.count()) / 60);
  return (offset.count() < 0 ? "-" : "+") + padded(minutes / 60, 2) + (letter == 'X' ? ":" : "") +
         padded(minutes % 60, 2);
}

/// The text for `count` times `letter`; nothing if the pattern language has no such thing.
std::optional<std::string> fill(char letter, std::size_t count, const moment& m) {
  const auto p = parts_of(m.at);
  const auto plain = [count](unsigned value) {
    return count <= 2 ? std::optional{padded(value, count)} : std::nullopt;
  };
  switch (letter) {
  case 'y':
    if (count == 2)
      return padded(p.year % 100, 2);
    return count == 4 ? std::optional{padded(p.year, 4)} : std::nullopt;
  case 'M':
    if (count == 3)
      return std::string{month_names[p.month - 1]}.substr(0, 3);
    return count == 4 ? std::optional<std::string>{month_names[p.month - 1]} : plain(p.month);
  case 'd':
    return plain(p.day);
  case 'H':
    return plain(p.hour);
  case 'm':
    return plain(p.minute);
  case 's':
    return plain(p.second);
  case 'S':
    return count <= 6 ? std::optional{padded(p.microsecond, 6).substr(0, count)} : std::nullopt;
  case 'D':
    return count == 1 || count == 3 ? std::optional{padded(day_of_year(m.at), count)}
                                    : std::nullopt;
  case 'E': {
    const std::string name = weekday_names[p.weekday];
    return count <= 3 ? std::optional{name.substr(0, 3)}
                      : (count == 4 ? std::optional{name} : std::nullopt);
  }
  case 'X':
  case 'Z':
    if (!m.offset || count != (letter == 'X' ? 3u : 1u))
      return std::nullopt;
    return offset_text(*m.offset, letter);
  default:
    return std::nullopt;
  }
}

problem bad(std::string_view pattern, std::string why, std::string mend) {
  return {errc::invalid,
          "date pattern \"" + std::string{pattern.substr(0, 80)} + "\": " + std::move(why),
          std::move(mend)};
}

/// The pattern that a strftime format means, as far as it goes.
std::string from_strftime(std::string_view format) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    switch (format[++i]) {
    case 'Y':
      out += "yyyy";
      break;
    case 'y':
      out += "yy";
      break;
    case 'm':
      out += "MM";
      break;
    case 'd':
      out += "dd";
      break;
    case 'H':
      out += "HH";
      break;
    case 'M':
      out += "mm";
      break;
    case 'S':
      out += "ss";
      break;
    case 'j':
      out += "DDD";
      break;
    case 'b':
      out += "MMM";
      break;
    case 'B':
      out += "MMMM";
      break;
    case 'a':
      out += "E";
      break;
    case 'A':
      out += "EEEE";
      break;
    case 'f':
      out += "SSSSSS";
      break;
    case 'z':
      out += "Z";
      break;
    case 'F':
      out += "yyyy-MM-dd";
      break;
    case 'T':
      out += "HH:mm:ss";
      break;
    default:
      return "yyyy-MM-dd HH:mm:ss";
    }
  }
  return out;
}

problem unknown_letters(std::string_view pattern, std::string_view run) {
  std::string mend = "put text in quotes: '" + std::string{run} + "'";
  switch (run.front()) {
  case 'Y':
    mend = "write yyyy: Y is the year of the week in other systems";
    break;
  case 'h':
  case 'k':
  case 'K':
    mend = "write HH";
    break;
  case 'y':
    mend = "write yyyy or yy";
    break;
  case 'X':
    mend = "write XXX";
    break;
  case 'Z':
    mend = "write Z";
    break;
  default:
    break;
  }
  return bad(pattern, "\"" + std::string{run} + "\" has no meaning here", std::move(mend));
}

/// The text within quotes that begin at `at`, which moves behind them; '' is a quote.
result<std::string> quoted(std::string_view pattern, std::size_t& at) {
  if (pattern.substr(at).starts_with("''")) {
    at += 2;
    return "'";
  }
  std::string out;
  for (++at; at < pattern.size(); ++at) {
    if (pattern[at] != '\'') {
      out += pattern[at];
    } else if (pattern.substr(at).starts_with("''")) {
      out += '\'';
      ++at;
    } else {
      ++at;
      return out;
    }
  }
  return bad(pattern, "a quote is not closed", "write '' for a quote itself");
}

result<std::string> format(std::string_view pattern, const moment& m) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '\'') {
      BOOST_OUTCOME_TRY(text, quoted(pattern, at));
      out += text;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      const auto end = std::min(pattern.find_first_not_of(c, at), pattern.size());
      const auto filled = fill(c, end - at, m);
      if (!filled)
        return unknown_letters(pattern, pattern.substr(at, end - at));
      out += *filled;
      at = end;
    } else if (c == '%') {
      return bad(pattern, "% belongs to strftime", "write " + from_strftime(pattern));
    } else {
      out += c;
      ++at;
    }
  }
  return out;
}

} // namespace

result<std::string> format_civil(std::string_view pattern, instant at, zone in) {
  return format(pattern, {in.local(at), in.offset_at(at)});
}

result<std::string> format_civil(std::string_view pattern, civil_time at) {
  return format(pattern, {at, std::nullopt});
}

result<void> check_civil_pattern(std::string_view pattern) {
  BOOST_OUTCOME_TRY(format_civil(pattern, instant{}));
  return ok();
}

} // namespace pinion
