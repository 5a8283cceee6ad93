#pragma once

#include "definitions/source_file.hpp"
#include "definitions/yaml_node.hpp"

#include <cstddef>

namespace pinion::definitions {

/// Where in the file the byte `offset` of a scalar's text was written: exact for plain, quoted and
/// literal block texts; a few characters off behind escapes like `\n` in double quotes. Of a text
/// that a template made: where the template has it.
std::size_t offset_in_file(const source_file& file, const node& scalar, std::size_t offset);

} // namespace pinion::definitions
