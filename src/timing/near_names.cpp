#include <pinion/timing/near_names.hpp>

#include <algorithm>

namespace pinion {

namespace {

/// Optimal string alignment: the number of insertions, deletions, replacements and swaps of
/// neighbours that turn `a` into `b`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

} // namespace

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string nearest_name(std::string_view written, const std::vector<std::string>& names) {
  // What is far longer than any name is noise, and would cost a quadratic comparison.
  constexpr std::size_t longest = 64;
  if (written.size() > longest)
    return {};
  const auto wanted = lower(written);
  auto least = std::clamp<std::size_t>(written.size() / 3, 1, 3) + 1;
  const std::string* best = nullptr;
  for (const auto& name : names) {
    const auto apart = distance(wanted, lower(name));
    if (apart < least) {
      least = apart;
      best = &name;
    }
  }
  return best == nullptr ? std::string{} : *best;
}

} // namespace pinion
