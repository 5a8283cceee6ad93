#pragma once

#include "pinion/storage/data_folder.hpp"
#include "pinion/storage/kv.hpp"
#include "pinion/storage/store_figures.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace pinion {

/// The store of a data folder whose engine is stopped, for reading. Changes nothing in it; no
/// engine can start on the folder while this object lives.
class stopped_store {
public:
  /// Fails with `errc::not_found` if there is no store, with `errc::in_use` if an engine has it,
  /// else as data_folder::open and rocks_kv::open do. A store that lacks acknowledged commits is
  /// opened: see `missing`.
  static result<std::unique_ptr<stopped_store>> open(const std::filesystem::path& folder);

  ~stopped_store();

  const kv_reader& rows() const noexcept;
  store_figures figures() const;
  /// Why an engine would refuse to start on it: the mirrored commit counter is ahead, or damaged.
  const std::optional<problem>& missing() const noexcept;
  /// What an engine would accept and tell at its start, see rocks_kv::notice.
  const std::string& notice() const noexcept;
  /// Reads every file of the store and compares its checksums. Fails with `errc::corrupt`; the
  /// message names the file.
  result<void> check_files() const;

private:
  struct parts;
  explicit stopped_store(std::unique_ptr<parts> of) noexcept;
  std::unique_ptr<parts> parts_;
};

} // namespace pinion
