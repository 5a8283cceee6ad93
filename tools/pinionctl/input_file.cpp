#include "input_file.hpp"

#include <fstream>
#include <iterator>

namespace pinion::ctl {

std::string input_file(const std::string& path) {
  std::ifstream file{path == "-" ? "/dev/stdin" : path};
  if (!file)
    throw usage_failure("Cannot read '" + path + "'");
  return {std::istreambuf_iterator<char>{file}, {}};
}

json params_of(const arguments& args) {
  json params = json::object();
  if (args.has("params-file")) {
    params = json::parse(input_file(args.text("params-file")), nullptr, false);
    if (!params.is_object())
      throw usage_failure("'" + args.text("params-file") + "' must hold one JSON object");
  }
  for (const auto& pair : args.all("param")) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      throw usage_failure("--param takes name=value, not '" + pair + "'");
    params[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return params;
}

} // namespace pinion::ctl
