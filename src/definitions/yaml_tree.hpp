#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/yaml_node.hpp"

#include <vector>

namespace pinion::definitions {

/// One document of a file. `root` of a document without content is null.
struct yaml_document {
  std::uint32_t offset = 0; ///< Where its content begins.
  node root;
};

/// The documents of a file. Refused, with an error each: anchors, aliases, tags, merge keys (`<<`),
/// keys that are no text or stand twice in a map, NUL in a text, and what is over the limits of
/// depth, nodes and documents. A syntax error, an alias and a limit end the reading; the result is
/// then empty. Never throws.
std::vector<yaml_document> read_yaml(const reporter& report);

} // namespace pinion::definitions
