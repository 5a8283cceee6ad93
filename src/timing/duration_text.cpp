#include <cstdint>
#include <limits>
#include <pinion/timing/duration_text.hpp>

#include <pinion/timing/near_names.hpp>

namespace pinion {

namespace {

struct unit {
  std::string_view name;
  std::int64_t us;
};

/// From large to small, as they must follow each other.
constexpr unit units[] = {{"w", 604'800'000'000},
                          {"d", 86'400'000'000},
                          {"h", 3'600'000'000},
                          {"m", 60'000'000},
                          {"s", 1'000'000},
                          {"ms", 1'000},
                          {"us", 1}};

/// What people write for them.
std::string_view meant_unit(std::string_view written) {
  struct row {
    std::string_view written, meant;
  };
  static constexpr row rows[] = {{"sec", "s"},   {"secs", "s"},   {"second", "s"}, {"seconds", "s"},
                                 {"min", "m"},   {"mins", "m"},   {"minute", "m"}, {"minutes", "m"},
                                 {"hr", "h"},    {"hrs", "h"},    {"hour", "h"},   {"hours", "h"},
                                 {"day", "d"},   {"days", "d"},   {"week", "w"},   {"weeks", "w"},
                                 {"msec", "ms"}, {"millis", "ms"}};
  const auto plain = lower(written);
  for (const auto& u : units)
    if (plain == u.name)
      return u.name;
  for (const auto& r : rows)
    if (plain == r.written)
      return r.meant;
  return {};
}

problem unreadable(std::string_view text, std::string why, std::string mend) {
  return {errc::invalid, "duration \"" + std::string{text.substr(0, 80)} + "\": " + std::move(why),
          std::move(mend)};
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Takes what satisfies `is` from the front of `rest`.
template <class Predicate>
std::string_view take(std::string_view& rest, Predicate is) {
  std::size_t n = 0;
  while (n < rest.size() && is(rest[n]))
    ++n;
  const auto taken = rest.substr(0, n);
  rest.remove_prefix(n);
  return taken;
}

/// digits x us, or nothing when it does not fit.
bool multiply(std::string_view digits, std::int64_t us, std::int64_t& out) noexcept {
  std::int64_t count = 0;
  for (const char c : digits)
    if (__builtin_mul_overflow(count, 10, &count) || __builtin_add_overflow(count, c - '0', &count))
      return false;
  return !__builtin_mul_overflow(count, us, &out);
}

problem bad_unit(std::string_view text, std::string_view digits, std::string_view written) {
  if (written.empty())
    return unreadable(text, std::string{digits} + " has no unit",
                      "write " + std::string{digits} + "s, " + std::string{digits} + "m or " +
                          std::string{digits} + "h");
  if (written.starts_with('.') || written.starts_with(','))
    return unreadable(text, "numbers are whole", "write 1h30m for one and a half hours");
  if (const auto meant = meant_unit(written); !meant.empty())
    return unreadable(text, "\"" + std::string{written} + "\" is not a unit",
                      "write " + std::string{digits} + std::string{meant});
  return unreadable(text, "\"" + std::string{written} + "\" is not a unit",
                    "the units are w, d, h, m, s, ms, us");
}

} // namespace

result<duration> parse_duration(std::string_view text, duration_range allowed) {
  const auto out_of_range = [&] {
    return unreadable(text,
                      "it is not in the range " + print_duration(allowed.least) + " to " +
                          print_duration(allowed.most),
                      {});
  };
  if (text.empty())
    return unreadable(text, "it is empty", "write a number and a unit, such as 30s");
  std::int64_t total = 0;
  const unit* least_unit = nullptr;
  for (auto rest = text; !rest.empty();) {
    const auto digits = take(rest, is_digit);
    if (digits.empty())
      return unreadable(text, "a number is missing",
                        rest.starts_with('-') ? "a duration is not negative"
                                              : "write it as 1h30m, without blanks");
    const auto name = take(rest, [](char c) { return !is_digit(c); });
    const unit* found = nullptr;
    for (const auto& u : units)
      if (u.name == name)
        found = &u;
    if (found == nullptr)
      return bad_unit(text, digits, name);
    if (least_unit != nullptr && found <= least_unit)
      return unreadable(text, "units go from large to small, each once", "write it as 1h30m");
    least_unit = found;
    std::int64_t part = 0;
    if (!multiply(digits, found->us, part) || __builtin_add_overflow(total, part, &total))
      return out_of_range();
  }
  if (const duration d{total}; d >= allowed.least && d <= allowed.most)
    return d;
  return out_of_range();
}

std::string print_duration(duration d) {
  std::string out;
  // Unsigned: the magnitude of the least value does not fit the signed type.
  auto rest = static_cast<std::uint64_t>(d.count());
  if (d < duration::zero()) {
    out = "-";
    rest = 0 - rest;
  }
  if (rest == 0)
    return "0s";
  for (const auto& u : units) {
    if (u.name == "w") // Nobody counts in weeks what is counted in days elsewhere.
      continue;
    const auto size = static_cast<std::uint64_t>(u.us);
    if (rest >= size) {
      out += std::to_string(rest / size);
      out += u.name;
      rest %= size;
    }
  }
  return out;
}

} // namespace pinion
