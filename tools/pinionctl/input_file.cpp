#include "input_file.hpp"

#include "definitions/yaml_tree.hpp"

#include <fstream>
#include <iterator>

namespace pinion::ctl {
namespace {

/// A plain scalar as JSON reads it, else text.
json value_of(const definitions::node& at) {
  using kind = definitions::node::kind;
  switch (at.is) {
  case kind::null:
    return nullptr;
  case kind::scalar: {
    auto read = at.plain ? json::parse(at.text, nullptr, false) : json(at.text);
    return read.is_primitive() && !read.is_discarded() ? read : json(at.text);
  }
  case kind::list: {
    json out = json::array();
    for (const auto& each : at.items)
      out.push_back(value_of(each));
    return out;
  }
  case kind::map: {
    json out = json::object();
    for (std::size_t i = 0; i < at.pairs(); ++i)
      out[at.key(i).text] = value_of(at.value(i));
    return out;
  }
  }
  return nullptr;
}

} // namespace

std::string input_file(const std::string& path) {
  std::ifstream file{path == "-" ? "/dev/stdin" : path};
  if (!file)
    throw usage_failure("Cannot read '" + path + "'");
  return {std::istreambuf_iterator<char>{file}, {}};
}

json document_in(const std::string& path) {
  const definitions::source_file file{path, input_file(path)};
  definitions::diagnostic_sink sink;
  const auto documents = definitions::read_yaml({file, sink});
  if (const auto found = sink.finish(); !found.errors.empty())
    throw fail_with(exit_code::failed, {errc::invalid, to_text(found.errors.front()), {}});
  auto value = documents.size() == 1 ? value_of(documents.front().root) : json();
  if (!value.is_object())
    throw fail_with(exit_code::failed, {errc::invalid, path + ": must hold one map",
                                        "write {\"name\": value}, or name: value lines"});
  return value;
}

json params_of(const arguments& args) {
  json params = json::object();
  if (args.has("params-file"))
    params = document_in(args.text("params-file"));
  for (const auto& pair : args.all("param")) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      throw usage_failure("--param takes name=value, not '" + pair + "'");
    params[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return params;
}

} // namespace pinion::ctl
