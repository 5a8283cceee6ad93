#pragma once

#include "definitions/source_file.hpp"
#include "definitions/yaml_node.hpp"
#include "pinion/definitions/diagnostic.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace pinion::definitions {

/// Gathers what is wrong with a set of files, up to `definition_limits::errors` errors and as many
/// warnings; the rest is only counted.
class diagnostic_sink {
public:
  void add(diagnostic what);
  std::size_t error_count() const noexcept { return error_count_; }

  /// The errors or warnings in order of file, line and column; `finish` adds a line that says how
  /// many were left out. To be called once.
  struct sorted {
    std::vector<diagnostic> errors;
    std::vector<diagnostic> warnings;
  };
  sorted finish();

private:
  sorted found_;
  std::size_t error_count_ = 0;
};

/// A sink and the file that is being read.
struct reporter {
  const source_file& file;
  diagnostic_sink& sink;

  void error(std::size_t offset, std::string message, std::string suggestion = {}) const;
  void error(const node& at, std::string message, std::string suggestion = {}) const {
    error(at.offset, std::move(message), std::move(suggestion));
  }
  void warning(std::size_t offset, std::string message, std::string suggestion = {}) const;
};

} // namespace pinion::definitions
