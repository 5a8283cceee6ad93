#pragma once

#include "verb.hpp"

#include <string>

namespace pinion::ctl {

/// The content of a file, or of standard input for "-". Throws a usage failure.
std::string input_file(const std::string& path);

/// A file (or standard input) in YAML, and so in JSON, that holds one map. Throws a failure with
/// the place in the file.
json document_in(const std::string& path);

/// The parameters of --params-file and --param, which win. The engine knows the parameters' types,
/// so those of --param are text. Throws a usage failure.
json params_of(const arguments& args);

} // namespace pinion::ctl
