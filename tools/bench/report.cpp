#include "report.hpp"

#include "quantities.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

namespace pinion::bench {

namespace {

/// 12,345.6 as people read it: four significant digits, thousands apart.
std::string number(double value) {
  const int decimals = value >= 1'000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  std::string out{text.data()};
  auto end = out.find('.');
  if (end == std::string::npos)
    end = out.size();
  for (auto at = end; at > 3; at -= 3)
    out.insert(at - 3, ",");
  return out;
}

struct judged {
  double middle = 0;
  double least = 0;
  double most = 0;
  std::optional<double> floor;
  std::optional<double> ratio;
  std::string expectation;
  bool met = true;
};

judged judge(const quantity& what, const std::vector<double>& values, const samples& measured) {
  judged out;
  out.middle = median(values);
  out.least = *std::min_element(values.begin(), values.end());
  out.most = *std::max_element(values.begin(), values.end());
  if (const auto found = measured.find(what.floor); found != measured.end()) {
    out.floor = median(found->second) / what.per_unit;
    out.ratio = out.middle / *out.floor;
  }
  if (what.expect == aim::none || (what.limit_on_ratio && !out.ratio))
    return out;
  const auto value = what.limit_on_ratio ? *out.ratio : out.middle;
  out.met = what.expect == aim::at_least ? value >= what.limit : value <= what.limit;
  out.expectation = std::string{what.expect == aim::at_least ? ">= " : "<= "} + number(what.limit) +
                    (what.limit_on_ratio ? " x floor" : "") + (out.met ? "  met" : "  NOT MET");
  return out;
}

std::string utc_now() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

} // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::string table_of(const samples& measured) {
  std::vector<std::array<std::string, 5>> rows{
      {"quantity", "median (min..max)", "floor", "ratio", "expected"}};
  for (const auto& what : all_quantities()) {
    const auto found = measured.find(what.key);
    if (found == measured.end())
      continue;
    const auto at = judge(what, found->second, measured);
    rows.push_back({std::string{what.title},
                    number(at.middle) + ' ' + std::string{what.unit} + " (" + number(at.least) +
                        ".." + number(at.most) + ")",
                    at.floor ? number(*at.floor) : "", at.ratio ? number(*at.ratio) : "",
                    at.expectation});
  }
  std::array<std::size_t, 5> width{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      width[i] = std::max(width[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += row[i] + std::string(width[i] - row[i].size() + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string json_of(const samples& measured, const std::string& machine, bool quick) {
  nlohmann::ordered_json all;
  all["measured_at"] = utc_now();
  all["machine"] = machine;
  all["quick"] = quick;
  auto& items = all["items"] = nlohmann::ordered_json::array();
  for (const auto& what : all_quantities()) {
    const auto found = measured.find(what.key);
    if (found == measured.end())
      continue;
    const auto at = judge(what, found->second, measured);
    nlohmann::ordered_json item;
    item["quantity"] = what.key;
    item["unit"] = what.unit;
    item["median"] = at.middle;
    item["min"] = at.least;
    item["max"] = at.most;
    item["values"] = found->second;
    item["floor"] = at.floor ? nlohmann::ordered_json(*at.floor) : nullptr;
    item["ratio"] = at.ratio ? nlohmann::ordered_json(*at.ratio) : nullptr;
    item["expectation_met"] = at.expectation.empty() ? nullptr : nlohmann::ordered_json(at.met);
    items.push_back(std::move(item));
  }
  return all.dump(2) + '\n';
}

} // namespace pinion::bench
