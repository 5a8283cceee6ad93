#include "pinion/simulator/process_model.hpp"
#include "pinion/timing/duration_text.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace pinion {
namespace {

using nlohmann::json;

constexpr double longest_s = 366.0 * 86'400;
constexpr std::uint32_t most_elements = 10'000;
constexpr std::int64_t most_looks = 100'000;

problem wrong(const std::string& entry, const std::string& what, std::string mend) {
  return {errc::invalid, "durations: " + entry + ": " + what, std::move(mend)};
}

result<duration> read_time(const std::string& entry, const std::string& key, const json& value) {
  constexpr auto mend = "give seconds as a number, or a duration as \"2m\"";
  if (value.is_number()) {
    const auto seconds = value.get<double>();
    if (!(seconds >= 0 && seconds <= longest_s))
      return wrong(entry, key + " is not from 0 to 366 days", mend);
    return duration{std::llround(seconds * 1e6)};
  }
  if (value.is_string()) {
    auto read = parse_duration(value.get<std::string>());
    if (read)
      return read.value();
    return wrong(entry, key + ": " + read.error().message, mend);
  }
  return wrong(entry, key + " is neither a number nor a text", mend);
}

result<void> read_exits(const std::string& entry, const json& value, given_process& into) {
  const problem why =
      wrong(entry, "exits is no list of exit codes", "write [1, 0]: of the attempts in order");
  if (!value.is_array())
    return why;
  for (const auto& code : value) {
    if (!code.is_number_integer() || code.get<std::int64_t>() < 0 || code.get<std::int64_t>() > 255)
      return why;
    into.exits.push_back(code.get<int>());
  }
  return boost::outcome_v2::success();
}

result<void> read_key(const std::string& entry, const std::string& key, const json& value,
                      given_process& into) {
  if (key == "mean" || key == "default") {
    BOOST_OUTCOME_TRY(mean, read_time(entry, key, value));
    into.mean = mean;
  } else if (key == "spread") {
    BOOST_OUTCOME_TRY(spread, read_time(entry, key, value));
    into.spread = spread;
  } else if (key == "checks") {
    BOOST_OUTCOME_TRY(check, read_time(entry, key, value));
    into.check = check;
  } else if (key == "fails") {
    if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= 1))
      return wrong(entry, "fails is no share from 0 to 1", "write 0.02 for two of a hundred");
    into.fails = value.get<double>();
  } else if (key == "exits") {
    return read_exits(entry, value, into);
  } else if (key == "outputs") {
    if (!value.is_object())
      return wrong(entry, "outputs is no map", "write {\"rows\": 7}");
    into.outputs = value.dump();
  } else if (key == "elements") {
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0 ||
        value.get<std::int64_t>() > most_elements)
      return wrong(entry, "elements is no number from 0 to 10000", {});
    into.elements = value.get<std::uint32_t>();
  } else if (key == "looks") {
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0 ||
        value.get<std::int64_t>() > most_looks)
      return wrong(entry, "looks is no number from 0 to 100000",
                   "write how many looks of the `poll:` find nothing");
    into.looks = value.get<std::uint32_t>();
  } else {
    return wrong(entry, "there is no key " + key,
                 "the keys are mean, spread, fails, exits, outputs, elements, looks and checks");
  }
  return boost::outcome_v2::success();
}

} // namespace

result<duration_table> parse_durations(std::string_view text, std::uint64_t seed) {
  const auto all = json::parse(text, nullptr, false);
  if (!all.is_object())
    return problem{errc::invalid, "durations: not a map from names to durations",
                   "write {\"dw.orders.load\": 120, \"*\": 30}"};
  duration_table out{seed};
  for (const auto& [name, value] : all.items()) {
    given_process given;
    if (value.is_object()) {
      for (const auto& [key, part] : value.items()) {
        BOOST_OUTCOME_TRY(read_key(name, key, part, given));
      }
    } else {
      BOOST_OUTCOME_TRY(mean, read_time(name, "the duration", value));
      given.mean = mean;
    }
    out.set(name, std::move(given));
  }
  return out;
}

} // namespace pinion
