#include "fuzz_target.hpp"

#include "pinion/timing/calendar.hpp"
#include "pinion/timing/instant_text.hpp"
#include "pinion/timing/schedule.hpp"

using namespace pinion;
using fuzz::require;

namespace {

zone any_zone(std::uint8_t choice) {
  static const std::vector<zone> zones = [] {
    std::vector<zone> out{zone{}};
    for (const auto* name : {"Europe/Brussels", "Australia/Lord_Howe", "Pacific/Apia",
                             "America/Sao_Paulo", "Asia/Kathmandu"})
      out.push_back(zone::load(name).value());
    return out;
  }();
  return zones[choice % zones.size()];
}

/// A slot lies strictly after where one looks from, and is found again from behind it.
void walk(const schedule& of, instant from) {
  for (int n = 0; n < 3; ++n) {
    const auto next = next_slot(of, from);
    if (!next)
      return;
    require(*next > from, "the next slot lies strictly after");
    const auto before = previous_slot(of, *next + std::chrono::microseconds{1});
    require(before == next, "the slot before just after a slot is that slot");
    from = *next;
  }
}

std::vector<std::string> pieces(std::string_view line) {
  std::vector<std::string> out;
  while (!line.empty() && out.size() < 64) {
    const auto end = line.find(';');
    out.emplace_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return out;
}

template <class Result>
void check_problem(const Result& of) {
  require(of.has_value() || !of.error().message.empty(), "a refusal has a sentence");
}

void read_cron(std::string_view text, zone in, instant from) {
  for (const auto dialect : {cron_dialect::unix_cron, cron_dialect::quartz})
    for (const auto join : {day_join::either, day_join::both}) {
      const auto expression = cron_expression::parse(text, dialect, join);
      check_problem(expression);
      if (expression)
        walk(cron_schedule{expression.value(), in}, from);
    }
}

void read_period(std::string_view text, zone in, instant from) {
  period_text written;
  written.period = fuzz::take_line(text);
  written.at = pieces(fuzz::take_line(text));
  written.days = pieces(fuzz::take_line(text));
  written.step = static_cast<std::int64_t>(text.size()) + 1;
  const auto period = parse_period(written, in);
  check_problem(period);
  if (period)
    walk(period.value(), from);
}

void read_calendar(std::string_view text) {
  calendar_text written;
  written.weekdays = pieces(fuzz::take_line(text));
  written.except = pieces(fuzz::take_line(text));
  written.also = pieces(fuzz::take_line(text));
  const auto made = calendar::parse(written);
  check_problem(made);
  if (!made)
    return;
  const auto from = parse_day("2026-11-20").value();
  if (const auto day = made.value().next_day(from))
    require(*day >= from && made.value().contains(*day), "the next day is one of the calendar");
  if (const auto day = made.value().previous_day(from))
    require(*day <= from && made.value().contains(*day), "the former day is one of the calendar");
}

void read_dates(std::string_view text, zone in, instant from) {
  const auto dates = parse_dates(pieces(text), in);
  check_problem(dates);
  if (dates)
    walk(dates.value(), from);
}

void read_single(std::string_view text, zone in) {
  const auto at = parse_instant(text, in);
  check_problem(at);
  if (at)
    require(parse_instant(print_utc(at.value())).value() == at.value(), "an instant prints whole");
  const auto length = parse_duration(text);
  check_problem(length);
  if (length)
    require(parse_duration(print_duration(length.value())).value() == length.value(),
            "a duration prints whole");
  check_problem(parse_interval_rule(text));
}

} // namespace

/// The first byte says what the rest is, the second the zone.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  const auto kind = fuzz::take_byte(text);
  const auto choice = fuzz::take_byte(text);
  const auto in = any_zone(choice);
  const auto from = instant{std::chrono::hours{24 * 365 * 40 + 2000 * choice}};
  switch (kind) {
  case 'c':
    read_cron(text, in, from);
    break;
  case 'p':
    read_period(text, in, from);
    break;
  case 'k':
    read_calendar(text);
    break;
  case 'd':
    read_dates(text, in, from);
    break;
  default:
    read_single(text, in);
  }
  return 0;
}
