#include "api/query.hpp"

#include "pinion/timing/duration_text.hpp"
#include "pinion/timing/instant_text.hpp"
#include "pinion/timing/near_names.hpp"

#include <algorithm>
#include <charconv>

namespace pinion {
namespace {

/// "Known: a, b": what tests hold the API's description against.
std::string all_of(std::initializer_list<std::string_view> known) {
  std::string listed;
  for (const auto name : known)
    listed += (listed.empty() ? "Known: " : ", ") + std::string{name};
  return listed.empty() ? "None is known here" : listed;
}

problem unknown_name(const std::string& what, const std::string& name,
                     std::initializer_list<std::string_view> known) {
  const std::vector<std::string> names{known.begin(), known.end()};
  const auto near = nearest_name(name, names);
  return problem{errc::invalid, "Unknown " + what + " '" + name + "'",
                 near.empty() ? all_of(known) : "Did you mean '" + near + "'?"};
}

bool is_known(const std::string& name, std::initializer_list<std::string_view> known) {
  return std::find(known.begin(), known.end(), name) != known.end();
}

} // namespace

result<void> check_query(const http_request& request,
                         std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query)
    if (!is_known(name, known))
      return unknown_name("parameter", name, known);
  return ok();
}

std::string query_text(const http_request& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string{} : found->second;
}

result<std::uint64_t> query_number(const http_request& request, const std::string& name,
                                   std::uint64_t least, std::uint64_t most, std::uint64_t absent) {
  const auto text = query_text(request, name);
  if (text.empty())
    return absent;
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return problem{errc::invalid, "'" + name + "' must be a whole number from " +
                                      std::to_string(least) + " to " + std::to_string(most) +
                                      ", not '" + text + "'"};
  return value;
}

bool time_range::contains(instant at) const noexcept {
  return (from == instant{} || at >= from) && (to == instant{} || at <= to);
}

result<time_range> query_times(const http_request& request, instant now, zone in) {
  time_range range;
  if (const auto text = query_text(request, "from"); !text.empty()) {
    BOOST_OUTCOME_TRY(from, parse_instant(text, in));
    range.from = from;
  }
  if (const auto text = query_text(request, "since"); !text.empty()) {
    BOOST_OUTCOME_TRY(back, parse_duration(text));
    range.from = std::max(range.from, now - back);
  }
  if (const auto text = query_text(request, "to"); !text.empty()) {
    BOOST_OUTCOME_TRY(to, parse_instant(text, in));
    range.to = to;
  }
  return range;
}

result<std::vector<std::pair<std::string, std::string>>> query_labels(const http_request& request) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto given = query_text(request, "labels");
  for (std::string_view rest = given; !rest.empty();) {
    const auto pair = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return problem{errc::invalid,
                     "A label is written 'name=value', not '" + std::string{pair} + "'"};
    pairs.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return pairs;
}

result<json> body_object(const http_request& request,
                         std::initializer_list<std::string_view> known) {
  if (request.body.empty())
    return json::object();
  auto body = json::parse(request.body, nullptr, false);
  if (body.is_discarded())
    return problem{errc::invalid, "The body of the request is not JSON"};
  if (!body.is_object())
    return problem{errc::invalid, "The body of the request must be a JSON object"};
  for (const auto& [name, value] : body.items())
    if (!is_known(name, known))
      return unknown_name("key", name, known);
  return body;
}

result<std::string> body_text(const json& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null())
    return std::string{};
  if (!found->is_string())
    return problem{errc::invalid, "'" + std::string{name} + "' must be text"};
  auto text = found->get<std::string>();
  if (text.find('\0') != std::string::npos)
    return problem{errc::invalid, "'" + std::string{name} + "' holds a 0 byte"};
  return text;
}

result<bool> body_flag(const json& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null())
    return false;
  if (!found->is_boolean())
    return problem{errc::invalid, "'" + std::string{name} + "' must be true or false"};
  return found->get<bool>();
}

} // namespace pinion
