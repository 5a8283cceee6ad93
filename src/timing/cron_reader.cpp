#include "timing/cron_reader.hpp"

#include "timing/day_names.hpp"

#include <algorithm>
#include <pinion/timing/near_names.hpp>

namespace pinion {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Every `step`-th value from `first` to `last`; past the field's end where first > last.
value_set values_between(const field_rule& rule, unsigned first, unsigned last,
                         unsigned step) noexcept {
  const auto base = rule.kind == field_kind::year ? rule.least : 0;
  const auto cycle = rule.cycle();
  // Both 0 and 7 are Sunday in unix.
  if (first > last && first == 7 && rule.kind == field_kind::day_of_week && !rule.quartz())
    first = 0;
  const bool wraps = first > last;
  const auto length = wraps ? last + cycle - first : last - first;
  value_set out;
  for (unsigned n = 0; n <= length; n += step) {
    const auto value = first + n;
    out.set((wraps ? rule.least + (value - rule.least) % cycle : value) - base);
  }
  return out;
}

} // namespace

bool field_reader::accept(char c) noexcept {
  if (is_letter(c) ? !is_next(c) : peek() != c)
    return false;
  ++at_;
  return true;
}

problem field_reader::error_at(std::size_t at, std::string message, std::string mend) const {
  return {errc::invalid,
          std::string{rule_.name} + " field, column " + std::to_string(column_ + at) + ": " +
              std::move(message),
          std::move(mend)};
}

std::string field_reader::rest() const {
  const auto end = std::min(field_.find(',', at_), field_.size());
  return "\"" + std::string{field_.substr(at_, end - at_)} + "\"";
}

std::string field_reader::mend_of(unsigned value, std::string_view what) const {
  if (what != "a value")
    return {};
  if (rule_.kind == field_kind::day_of_week)
    return rule_.quartz() && value == 0 ? "write 1: Quartz counts from Sunday, 1" : "";
  if (value == rule_.most + 1 && rule_.least == 0)
    return "write 0: the field counts from 0";
  if (value == 0)
    return "write 1: the field counts from 1";
  return {};
}

result<unsigned> field_reader::number(std::string_view what, unsigned least, unsigned most) {
  const auto begin = at_;
  unsigned value = 0;
  while (is_digit(peek())) {
    value = std::min(value * 10 + static_cast<unsigned>(peek() - '0'), huge);
    ++at_;
  }
  const auto range = std::to_string(least) + "-" + std::to_string(most);
  if (begin == at_)
    return done() || peek() == ','
               ? error(std::string{what} + " is missing", "write a number in " + range)
               : error(rest() + " is not a number", "write a number in " + range);
  if (value < least || value > most)
    return error_at(begin, std::string{since(begin)} + " is not in " + range, mend_of(value, what));
  return value;
}

result<unsigned> field_reader::value() {
  if (!is_letter(peek()) || rule_.names.empty())
    return number("a value", rule_.least, rule_.most);
  const auto begin = at_;
  while (is_letter(peek()))
    ++at_;
  auto written = since(begin);
  auto index = name_index(written, rule_.names);
  // friL: the last Friday. No name ends with an L.
  if (!index && rule_.quartz() && rule_.kind == field_kind::day_of_week &&
      (written.back() | 0x20) == 'l') {
    index = name_index(written.substr(0, written.size() - 1), rule_.names);
    if (index)
      --at_;
  }
  if (index)
    return rule_.first_named + *index;
  return error_at(begin,
                  "\"" + lower(written) + "\" is not the name of a " +
                      (rule_.names.size() == 12 ? "month" : "weekday"),
                  name_mend(written, rule_.names));
}

result<unsigned> field_reader::step() {
  if (!accept('/'))
    return 1u;
  constexpr const char* mend = "write a step of at least 1";
  if (!is_digit(peek()))
    return error(done() || peek() == ',' ? "a step is missing" : rest() + " is not a number", mend);
  const auto begin = at_;
  BOOST_OUTCOME_TRY(written, number("a step", 0, huge));
  if (written == 0)
    return error_at(begin, "a step of 0 never moves on", mend);
  const auto most = rule_.kind == field_kind::year ? rule_.most - rule_.least : rule_.most;
  if (rule_.quartz() && written > most)
    return error_at(begin, "a step of " + std::to_string(written) + " is beyond the field's range",
                    "write a step of at most " + std::to_string(most));
  return written;
}

/// The rest of `a-b` and `a-b/n`, behind the dash; `begin` is where `a` stands.
result<value_set> field_reader::range_from(unsigned first, std::size_t begin) {
  // The end of a month's days is its last day, whichever that is.
  unsigned last = rule_.most;
  if (rule_.kind != field_kind::day_of_month || rule_.quartz() || !accept('L')) {
    BOOST_OUTCOME_TRY(written, value());
    last = written;
  }
  if (rule_.kind == field_kind::year && first > last)
    return error_at(begin, "a range of years does not wrap",
                    "write " + std::to_string(last) + "-" + std::to_string(first));
  BOOST_OUTCOME_TRY(n, step());
  return values_between(rule_, first, last, n);
}

result<value_set> field_reader::values() {
  if (peek() == '?' && !rule_.is_day())
    return error("\"?\" may stand in the day fields only", "write *");
  if (peek() == '?' && (rule_.quartz() || field_.find(',') != std::string_view::npos))
    return error("\"?\" goes alone", "write ? and nothing else, or the values without it");
  // Quartz takes /n for */n.
  if (accept('*') || accept('?') || (rule_.quartz() && peek() == '/')) {
    const bool both_sundays = rule_.kind == field_kind::day_of_week && !rule_.quartz();
    BOOST_OUTCOME_TRY(n, step());
    return values_between(rule_, rule_.least, both_sundays ? 6 : rule_.most, n);
  }
  const auto begin = at_;
  BOOST_OUTCOME_TRY(first, value());
  if (accept('-'))
    return range_from(first, begin);
  const bool to_the_end = peek() == '/';
  BOOST_OUTCOME_TRY(n, step());
  return values_between(rule_, first, to_the_end ? rule_.most : first, n);
}

} // namespace pinion
