#include "timing/day_names.hpp"

#include <algorithm>
#include <pinion/timing/calendar.hpp>
#include <pinion/timing/instant_text.hpp>
#include <pinion/timing/near_names.hpp>

namespace pinion {

namespace {

using std::chrono::days;

/// The range in which `day` lies.
const day_range* range_of(const std::vector<day_range>& sorted, civil_day day) noexcept {
  const auto after = std::upper_bound(sorted.begin(), sorted.end(), day,
                                      [](civil_day d, const auto& r) { return d < r.first; });
  return after != sorted.begin() && (after - 1)->last >= day ? &*(after - 1) : nullptr;
}

/// The first date in the ranges that is `from` or later.
std::optional<civil_day> first_in(const std::vector<day_range>& sorted, civil_day from) noexcept {
  const auto found =
      std::lower_bound(sorted.begin(), sorted.end(), from,
                       [](const auto& range, civil_day day) { return range.last < day; });
  return found == sorted.end() ? std::nullopt : std::optional{std::max(from, found->first)};
}

/// The last date in the ranges that is `from` or earlier.
std::optional<civil_day> last_in(const std::vector<day_range>& sorted, civil_day from) noexcept {
  const auto after = std::upper_bound(sorted.begin(), sorted.end(), from,
                                      [](civil_day d, const auto& r) { return d < r.first; });
  return after == sorted.begin() ? std::nullopt : std::optional{std::min(from, (after - 1)->last)};
}

result<day_range> parse_range(std::string_view text) {
  constexpr std::string_view form = "write 2026-10-01, or 2026-10-01..2026-10-07";
  const auto dots = text.find("..");
  const auto first = parse_day(text.substr(0, dots));
  if (!first)
    return problem{errc::invalid, first.error().message, std::string{form}};
  if (dots == std::string_view::npos)
    return day_range{first.value(), first.value()};
  const auto last = parse_day(text.substr(dots + 2));
  if (!last)
    return problem{errc::invalid, last.error().message, std::string{form}};
  if (last.value() < first.value())
    return problem{errc::invalid, "\"" + std::string{text} + "\" ends before it begins",
                   "write " + print_day(last.value()) + ".." + print_day(first.value())};
  return day_range{first.value(), last.value()};
}

result<std::vector<day_range>> parse_ranges(const std::vector<std::string>& texts,
                                            std::string_view key) {
  std::vector<day_range> out;
  for (const auto& text : texts) {
    auto range = parse_range(text);
    if (!range)
      return problem{errc::invalid, std::string{key} + ": " + range.error().message,
                     range.error().suggestion};
    out.push_back(range.value());
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<day_range> merged;
  for (const auto& range : out) {
    if (!merged.empty() && range.first <= merged.back().last + days{1})
      merged.back().last = std::max(merged.back().last, range.last);
    else
      merged.push_back(range);
  }
  return merged;
}

result<std::uint8_t> parse_mask(const std::vector<std::string>& texts) {
  if (texts.empty())
    return std::uint8_t{0x7f};
  if (texts.size() == 1 && lower(texts.front()) == "none")
    return std::uint8_t{0};
  std::uint8_t out = 0;
  for (const auto& text : texts) {
    auto weekdays = parse_weekdays(text);
    if (!weekdays)
      return problem{errc::invalid, "weekdays: " + weekdays.error().message,
                     weekdays.error().suggestion};
    out |= weekdays.value();
  }
  return out;
}

} // namespace

result<calendar> calendar::parse(calendar_text text, std::shared_ptr<const calendar> on) {
  calendar out;
  BOOST_OUTCOME_TRY(weekdays, parse_mask(text.weekdays));
  out.weekdays_ = weekdays;
  BOOST_OUTCOME_TRY(except, parse_ranges(text.except, "except"));
  BOOST_OUTCOME_TRY(also, parse_ranges(text.also, "also"));
  if (on)
    out.named_ = on->named_;
  for (const auto* ranges : {&except, &also}) {
    if (ranges->empty())
      continue;
    out.named_.first = std::min(out.named_.first, ranges->front().first);
    out.named_.last = std::max(out.named_.last, ranges->back().last);
  }
  out.except_ = std::move(except);
  out.also_ = std::move(also);
  out.text_ = std::move(text);
  out.on_ = std::move(on);
  return out;
}

bool calendar::contains(civil_day day) const noexcept {
  for (const auto* here = this; here != nullptr; here = here->on_.get()) {
    if (range_of(here->also_, day) != nullptr)
      return true;
    if ((here->weekdays_ >> std::chrono::weekday{day}.c_encoding() & 1) == 0 ||
        range_of(here->except_, day) != nullptr)
      return false;
  }
  return true;
}

std::optional<civil_day> calendar::next_day(civil_day from) const noexcept {
  // Beyond the dates that are named each week is like the other.
  const auto last = std::max(from, named_.last) + days{7};
  for (auto day = from; day <= last;) {
    if (contains(day))
      return day;
    const auto* out = range_of(except_, day);
    auto next = out == nullptr ? day + days{1} : out->last + days{1};
    if (out != nullptr)
      if (const auto also = first_in(also_, day); also && *also < next)
        next = *also;
    day = next;
  }
  return std::nullopt;
}

std::optional<civil_day> calendar::previous_day(civil_day from) const noexcept {
  const auto first = std::min(from, named_.first) - days{7};
  for (auto day = from; day >= first;) {
    if (contains(day))
      return day;
    const auto* out = range_of(except_, day);
    auto before = out == nullptr ? day - days{1} : out->first - days{1};
    if (out != nullptr)
      if (const auto also = last_in(also_, day); also && *also > before)
        before = *also;
    day = before;
  }
  return std::nullopt;
}

std::optional<civil_day> calendar::last_explicit_day() const noexcept {
  return named_.first > named_.last ? std::nullopt : std::optional{named_.last};
}

std::optional<civil_day> calendar::first_explicit_day() const noexcept {
  return named_.first > named_.last ? std::nullopt : std::optional{named_.first};
}

bool operator==(const calendar& a, const calendar& b) noexcept {
  if (a.weekdays_ != b.weekdays_ || a.except_ != b.except_ || a.also_ != b.also_)
    return false;
  return a.on_ == b.on_ || (a.on_ && b.on_ && *a.on_ == *b.on_);
}

} // namespace pinion
