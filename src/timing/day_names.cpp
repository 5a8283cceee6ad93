#include "timing/day_names.hpp"

#include <pinion/timing/near_names.hpp>

namespace pinion {

namespace {

result<unsigned> weekday_of(std::string_view written, std::string_view whole) {
  if (const auto found = name_index(written, weekday_names))
    return *found;
  return problem{errc::invalid,
                 "\"" + std::string{whole.substr(0, 80)} + "\" is no weekday and no range of them",
                 name_mend(written, weekday_names)};
}

} // namespace

std::optional<unsigned> name_index(std::string_view written,
                                   std::span<const std::string_view> names) {
  const auto wanted = lower(written);
  for (unsigned i = 0; i < names.size(); ++i)
    if (wanted == names[i] || wanted == names[i].substr(0, 3))
      return i;
  return std::nullopt;
}

std::string name_mend(std::string_view written, std::span<const std::string_view> names) {
  std::vector<std::string> known;
  for (const auto name : names) {
    known.emplace_back(name);
    known.emplace_back(name.substr(0, 3));
  }
  const auto near = nearest_name(written, known);
  return near.empty() ? "write a name such as " + std::string{names[1].substr(0, 3)}
                      : "did you mean " + near.substr(0, 3) + "?";
}

result<std::uint8_t> parse_weekdays(std::string_view text) {
  const auto dash = text.find('-');
  BOOST_OUTCOME_TRY(first, weekday_of(text.substr(0, dash), text));
  auto last = first;
  if (dash != std::string_view::npos) {
    BOOST_OUTCOME_TRY(written, weekday_of(text.substr(dash + 1), text));
    last = written;
  }
  unsigned out = 0;
  for (auto day = first;; day = (day + 1) % 7) {
    out |= 1u << day;
    if (day == last)
      return static_cast<std::uint8_t>(out);
  }
}

} // namespace pinion
