#include <algorithm>
#include <pinion/timing/dates.hpp>
#include <pinion/timing/instant_text.hpp>

namespace pinion {

namespace {

template <class Time>
void sort_unique(std::vector<Time>& times) {
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
}

} // namespace

result<date_schedule> parse_dates(std::vector<std::string> text, zone in) {
  constexpr std::size_t most = 10'000;
  if (text.empty())
    return problem{errc::invalid, "the list of dates is empty",
                   "write times such as 2026-12-24T02:00"};
  if (text.size() > most)
    return problem{errc::limit, std::to_string(text.size()) + " dates: at most " +
                                    std::to_string(most) + " in a list"};
  date_schedule out;
  for (const auto& written : text) {
    BOOST_OUTCOME_TRY(time, parse_time(written));
    if (time.offset)
      out.instants.emplace_back(time.at.time_since_epoch() - *time.offset);
    else
      out.times.push_back(time.at);
  }
  sort_unique(out.times);
  sort_unique(out.instants);
  out.text = std::move(text);
  out.in = in;
  return out;
}

} // namespace pinion
