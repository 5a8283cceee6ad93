// What the loader says of many sets of definition files: for schema_agreement.py.
//
// Each line of standard input is a JSON object from paths to texts, read as one set; for each a
// line with its errors is printed, a JSON list of messages. With `--keys` the tables of keys are
// printed instead, as an object from constructs to lists.
#include "definitions/key_rules.hpp"
#include "pinion/definitions/loader.hpp"
#include "pinion/timing/instant_text.hpp"

#include <iostream>
#include <nlohmann/json.hpp>
#include <string_view>

namespace {

using nlohmann::json;
using namespace pinion;

/// The same day for all, so that what a seed showed it shows again.
load_options on_a_day() {
  load_options options;
  options.now = parse_instant("2026-11-30T12:00Z").value();
  return options;
}

json messages_of(const json& files) {
  std::vector<source_text> sources;
  for (const auto& [path, text] : files.items())
    sources.push_back({path, text.get<std::string>()});
  auto messages = json::array();
  for (const auto& error : load_texts(sources, on_a_day()).errors)
    messages.push_back(error.message);
  return messages;
}

void print_keys() {
  auto tables = json::object();
  for (const auto& table : definitions::all_key_tables())
    tables[std::string{table.construct}] =
        std::vector<std::string>{table.keys.begin(), table.keys.end()};
  std::cout << tables.dump() << '\n';
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view{argv[1]} == "--keys") {
    print_keys();
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);)
    std::cout << messages_of(json::parse(line)).dump(-1, ' ', false, json::error_handler_t::replace)
              << '\n';
  return std::cout.flush() ? 0 : 1;
}
