#include "temporary_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace pinion::bench {

namespace fs = std::filesystem;

temporary_folder::temporary_folder(const fs::path& parent) {
  auto name = (parent / "pinion-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw fs::filesystem_error{"cannot make a folder", parent,
                               std::error_code{errno, std::generic_category()}};
  path_ = name;
}

temporary_folder::~temporary_folder() {
  // A launcher that ends at this moment may still write: what is left then is of no use to anybody.
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

} // namespace pinion::bench
