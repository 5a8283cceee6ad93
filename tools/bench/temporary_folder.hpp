#pragma once

#include <filesystem>

namespace pinion::bench {

/// A folder of its own under `parent`; removed with all it holds at the end. Throws
/// std::filesystem::filesystem_error if it cannot be made.
class temporary_folder {
public:
  explicit temporary_folder(const std::filesystem::path& parent);
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder();

  const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};

} // namespace pinion::bench
