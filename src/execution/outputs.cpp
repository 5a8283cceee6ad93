#include "execution/outputs.hpp"

#include <nlohmann/json.hpp>

namespace pinion {

namespace {

using nlohmann::json;

constexpr int deepest = 64;

/// The value of `text` if it is JSON, else a discarded value. `too_deep` is set if it is, but is
/// nested too far: writing it out again would recurse as deeply.
json parse_value(std::string_view text, bool& too_deep) {
  const auto check_depth = [&too_deep](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > deepest;
    return depth <= deepest;
  };
  return json::parse(text.begin(), text.end(), check_depth, false);
}

problem value_problem(const std::string& key, std::string_view what) {
  return {errc::limit, "output \"" + key + "\" " + std::string{what}};
}

result<void> check_size(const std::string& key, std::size_t bytes) {
  if (bytes <= max_output_value_bytes)
    return ok();
  return problem{errc::limit,
                 "output \"" + key + "\" has " + std::to_string(bytes) +
                     " bytes, more than 65536 (64 KiB)",
                 "write the data to a file in $PINION_WORKSPACE and its path as the output"};
}

/// Whether the text is UTF-8: the library checks it when it writes a string.
bool is_utf8(std::string_view text) {
  try {
    static_cast<void>(json(text).dump());
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

result<void> take_pair(json& to, std::string_view line, std::size_t equals) {
  const auto text = line.substr(equals + 1);
  std::string key{line.substr(0, equals)};
  if (!is_utf8(key))
    return problem{errc::invalid, "the key of an output is not UTF-8"};
  BOOST_OUTCOME_TRY(check_size(key, text.size()));
  bool too_deep = false;
  auto value = parse_value(text, too_deep);
  if (too_deep)
    return value_problem(key, "is nested deeper than 64");
  if (value.is_discarded()) {
    if (!is_utf8(text))
      return problem{errc::invalid, "output \"" + key + "\" is not UTF-8"};
    value = text;
  }
  to[key] = std::move(value);
  return ok();
}

result<void> take_object(json& to, std::string_view line, const std::string& where) {
  bool too_deep = false;
  auto object = parse_value(line, too_deep);
  if (too_deep)
    return problem{errc::limit, where + " is nested deeper than 64"};
  if (!object.is_object())
    return problem{errc::invalid, where + " begins with { but is not a JSON object in UTF-8"};
  for (auto& [key, value] : object.items()) {
    if (key.empty())
      return problem{errc::invalid, where + " has an output without a key"};
    BOOST_OUTCOME_TRY(check_size(key, value.is_string() ? value.get_ref<const std::string&>().size()
                                                        : value.dump().size()));
    to[key] = std::move(value);
  }
  return ok();
}

result<void> take_line(json& to, std::string_view line, std::size_t number) {
  const auto where = "line " + std::to_string(number) + " of the output file";
  if (line.front() == '{')
    return take_object(to, line, where);
  const auto equals = line.find('=');
  if (equals == std::string_view::npos)
    return problem{errc::invalid, where + " is neither key=value nor a JSON object"};
  if (equals == 0)
    return problem{errc::invalid, where + " has no key before the ="};
  return take_pair(to, line, equals);
}

} // namespace

result<std::string> parse_outputs(std::string_view text) {
  if (text.size() > max_outputs_bytes)
    return problem{errc::limit, "the output file has more than 1048576 bytes (1 MiB)",
                   "write the data to a file in $PINION_WORKSPACE and its path as the output"};
  auto out = json::object();
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    if (line.empty())
      continue;
    BOOST_OUTCOME_TRY(take_line(out, line, number));
  }
  return out.dump();
}

} // namespace pinion
