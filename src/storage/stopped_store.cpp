#include "pinion/storage/stopped_store.hpp"

#include "storage/rocks_open.hpp"

namespace pinion {

struct stopped_store::parts {
  data_folder folder;
  std::unique_ptr<rocks_database> database;
  std::unique_ptr<kv_reader> rows;
  std::optional<problem> missing;
  std::string notice;
};

stopped_store::stopped_store(std::unique_ptr<parts> of) noexcept : parts_{std::move(of)} {}
stopped_store::~stopped_store() = default;

result<std::unique_ptr<stopped_store>> stopped_store::open(const std::filesystem::path& folder) {
  BOOST_OUTCOME_TRY(locked, data_folder::open_existing(folder));
  const rocks_options where{locked.database(), locked.mirror(), durability::sync};
  std::optional<problem> missing;
  auto mirror = commit_mirror::open(where.mirror, where.how);
  if (!mirror) {
    if (mirror.error().code != errc::corrupt)
      return std::move(mirror).assume_error();
    missing = mirror.error();
  }
  BOOST_OUTCOME_TRY(database, open_for_reading(where.database));
  std::string notice;
  if (mirror && mirror.assume_value().found()) {
    if (auto counted = check_acknowledged(where.database, mirror.assume_value()); !counted)
      missing = std::move(counted).assume_error();
    else
      notice = std::move(counted.assume_value().notice);
  }
  auto rows = make_reader(*database);
  // NOLINTBEGIN(modernize-make-unique): clang 14 makes no aggregate with parentheses.
  return std::unique_ptr<stopped_store>{new stopped_store{
      std::unique_ptr<parts>{new parts{std::move(locked), std::move(database), std::move(rows),
                                       std::move(missing), std::move(notice)}}}};
  // NOLINTEND(modernize-make-unique)
}

const kv_reader& stopped_store::rows() const noexcept { return *parts_->rows; }

store_figures stopped_store::figures() const { return figures_of(*parts_->database); }

const std::optional<problem>& stopped_store::missing() const noexcept { return parts_->missing; }

const std::string& stopped_store::notice() const noexcept { return parts_->notice; }

result<void> stopped_store::check_files() const { return verify_files(*parts_->database); }

} // namespace pinion
