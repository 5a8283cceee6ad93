#include "pinion/storage/data_folder.hpp"

#include "storage/whole_file.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace pinion {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view format_words = "pinion data folder, format ";
constexpr std::string_view place_words = "pinion data folder, this file has inode ";
constexpr const char* restoring_name = "RESTORING";

problem os_problem(const char* doing, const fs::path& what, int error) {
  return {errc::os_failure,
          std::string{"cannot "} + doing + " " + what.string() + ": " + std::strerror(error),
          {}};
}

/// A descriptor that is closed when nobody has taken it.
class owned_file {
public:
  explicit owned_file(int descriptor) noexcept : descriptor_{descriptor} {}
  owned_file(const owned_file&) = delete;
  owned_file& operator=(const owned_file&) = delete;
  ~owned_file() {
    if (descriptor_ >= 0)
      ::close(descriptor_);
  }
  int get() const noexcept { return descriptor_; }
  int take() noexcept { return std::exchange(descriptor_, -1); }

private:
  int descriptor_;
};

result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  if (folder.has_parent_path())
    fs::create_directories(folder.parent_path(), error);
  if (error)
    return os_problem("create", folder.parent_path(), error.value());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return os_problem("create", folder, errno);
  return ok();
}

result<void> check_access(const fs::path& folder) {
  struct stat about {};
  if (::stat(folder.c_str(), &about) != 0)
    return os_problem("look at", folder, errno);
  if (!S_ISDIR(about.st_mode))
    return problem{errc::refused, folder.string() + " is not a folder", "name another --data"};
  if (about.st_uid != ::geteuid())
    return problem{errc::refused,
                   folder.string() + " belongs to user " + std::to_string(about.st_uid) +
                       ", not to user " + std::to_string(::geteuid()) + " who runs this",
                   "run as its owner, or name another --data"};
  // 0710 is what a socket group needs: it may pass through, not look.
  if ((about.st_mode & 0067U) != 0)
    return problem{errc::refused,
                   "others than the owner may enter " + folder.string() +
                       ", which holds logs and rendered commands",
                   "chmod 700 " + folder.string()};
  return ok();
}

/// Takes the lock, or names who has it.
result<int> take_lock(const fs::path& file) {
  owned_file lock{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (lock.get() < 0)
    return os_problem("open", file, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return os_problem("lock", file, errno);
    std::array<char, 32> text{};
    const auto got = ::pread(lock.get(), text.data(), text.size(), 0);
    std::string pid{text.data(), static_cast<std::size_t>(got < 0 ? 0 : got)};
    pid.erase(std::min(pid.find('\n'), pid.size()));
    return problem{errc::in_use,
                   file.parent_path().string() + " is in use by process " +
                       (pid.empty() ? "(unknown)" : pid),
                   "stop that engine first, or name another --data"};
  }
  const auto pid = std::to_string(::getpid()) + '\n';
  if (::ftruncate(lock.get(), 0) != 0 ||
      ::pwrite(lock.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return os_problem("write", file, errno);
  return lock.take();
}

/// What begins a data folder must not be half there.
result<void> write_format(const fs::path& folder) {
  return write_whole(
      folder / "FORMAT",
      [](const auto&) {
        return std::string{format_words} + std::to_string(data_folder::format) + '\n';
      },
      errc::os_failure);
}

/// Reads the number behind `words` in a line of its own; empty if `text` is something else.
std::optional<std::uint64_t> number_after(std::string_view words, std::string_view text) {
  if (!text.starts_with(words) || !text.ends_with('\n'))
    return std::nullopt;
  text.remove_prefix(words.size());
  text.remove_suffix(1);
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

/// Whether a restore into the folder has begun and not ended.
result<bool> holds_half_a_restore(const fs::path& folder) {
  return is_there(folder / restoring_name, errc::os_failure);
}

/// Refuses a folder with files of someone else: those of an unfinished beginning are ours.
result<void> check_fresh(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it{folder, error}, end; !error && it != end; it.increment(error)) {
    const auto name = it->path().filename();
    if (name != "LOCK" && name != "FORMAT.new" && name != restoring_name)
      return problem{errc::refused,
                     folder.string() + " is not a Pinion data folder, and not empty (it holds " +
                         name.string() + ")",
                     "name an empty or absent folder as --data"};
  }
  if (error)
    return os_problem("read", folder, error.value());
  return ok();
}

result<void> check_format(const fs::path& folder, std::string_view text) {
  const auto format = number_after(format_words, text).value_or(0);
  if (format > data_folder::format)
    return problem{errc::newer_format,
                   folder.string() + " has format " + std::to_string(format) +
                       ", this program knows " + std::to_string(data_folder::format),
                   "use the newer Pinion that wrote it"};
  if (format != data_folder::format)
    return problem{errc::corrupt,
                   (folder / "FORMAT").string() + " does not name a format of Pinion",
                   "restore a backup of the data folder"};
  return ok();
}

result<void> write_place(const fs::path& folder) {
  return write_whole(
      folder / "PLACE",
      [](const struct stat& about) {
        return std::string{place_words} + std::to_string(about.st_ino) + '\n';
      },
      errc::os_failure);
}

/// Checks FORMAT, or writes it into a folder that is new.
result<void> settle_format(const fs::path& folder) {
  const auto path = folder / "FORMAT";
  const owned_file file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.get() < 0 && errno != ENOENT)
    return os_problem("open", path, errno);
  if (file.get() < 0) {
    BOOST_OUTCOME_TRYV(check_fresh(folder));
    return write_format(folder);
  }
  std::array<char, 64> text{};
  const auto got = ::read(file.get(), text.data(), text.size());
  if (got < 0)
    return os_problem("read", path, errno);
  return check_format(folder, {text.data(), static_cast<std::size_t>(got)});
}

} // namespace

result<void> check_socket_path(const fs::path& path) {
  const auto bytes = path.native().size();
  if (bytes <= max_socket_path)
    return ok();
  return problem{errc::invalid,
                 "the socket path " + path.string() + " has " + std::to_string(bytes) +
                     " bytes, a Unix socket's may have " + std::to_string(max_socket_path),
                 "name a --data folder with a shorter path"};
}

result<data_folder> data_folder::lock(const fs::path& folder) {
  std::error_code error;
  auto path = fs::absolute(folder, error).lexically_normal();
  if (error)
    return os_problem("resolve", folder, error.value());
  if (!path.has_filename()) // "dir/": its parent would be itself.
    path = path.parent_path();
  BOOST_OUTCOME_TRYV(check_socket_path(path / "pinion.sock"));
  BOOST_OUTCOME_TRYV(make_folder(path));
  BOOST_OUTCOME_TRYV(check_access(path));
  // Before the lock file: nothing is written into a folder that is not ours.
  BOOST_OUTCOME_TRY(used, is_there(path / "FORMAT", errc::os_failure));
  if (!used) {
    BOOST_OUTCOME_TRYV(check_fresh(path));
  }
  BOOST_OUTCOME_TRY(descriptor, take_lock(path / "LOCK"));
  return data_folder{std::move(path), descriptor};
}

result<data_folder> data_folder::open(const fs::path& folder) {
  BOOST_OUTCOME_TRY(locked, lock(folder));
  BOOST_OUTCOME_TRY(half, holds_half_a_restore(locked.path_));
  if (half)
    return problem{errc::refused,
                   "a restore into " + locked.path_.string() + " was cut off: it is no store yet",
                   "repeat it, 'pinionctl store restore DIR --data " + locked.path_.string() +
                       "' replaces what is there; or remove the folder"};
  BOOST_OUTCOME_TRYV(settle_format(locked.path_));
  return locked;
}

result<void> data_folder::check_new(const fs::path& folder) {
  BOOST_OUTCOME_TRY(there, is_there(folder, errc::os_failure));
  if (!there)
    return ok();
  BOOST_OUTCOME_TRY(half, holds_half_a_restore(folder));
  if (half)
    return ok();
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return problem{errc::refused, folder.string() + " is not a folder", "name a new one as --data"};
  for (fs::directory_iterator it{folder, error}, end; !error && it != end; it.increment(error))
    if (it->path().filename() != "LOCK")
      return problem{
          errc::refused,
          folder.string() + " is not empty: a backup is restored into a new data folder only",
          "name an absent or empty folder as --data; move the old one away to use its name"};
  if (error)
    return os_problem("read", folder, error.value());
  return ok();
}

result<data_folder> data_folder::begin_restore(const fs::path& folder) {
  BOOST_OUTCOME_TRYV(check_new(folder));
  BOOST_OUTCOME_TRY(locked, lock(folder));
  BOOST_OUTCOME_TRYV(check_new(locked.path_)); // Nobody changes it from here on.
  const auto mark = locked.path_ / restoring_name;
  const owned_file made{::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  if (made.get() < 0)
    return os_problem("create", mark, errno);
  BOOST_OUTCOME_TRYV(sync_folder(locked.path_, errc::os_failure));
  std::error_code error;
  fs::remove_all(locked.database(), error);
  if (error)
    return os_problem("remove", locked.database(), error.value());
  fs::remove(locked.mirror(), error);
  if (error)
    return os_problem("remove", locked.mirror(), error.value());
  BOOST_OUTCOME_TRYV(settle_format(locked.path_));
  return locked;
}

result<void> data_folder::end_restore() const {
  const auto mark = path_ / restoring_name;
  BOOST_OUTCOME_TRYV(sync_folder(path_, errc::os_failure)); // What it vouches for, before it goes.
  if (::unlink(mark.c_str()) != 0)
    return os_problem("remove", mark, errno);
  return sync_folder(path_, errc::os_failure);
}

result<data_folder> data_folder::open_existing(const fs::path& folder) {
  BOOST_OUTCOME_TRY(used, is_there(folder / "FORMAT", errc::os_failure));
  BOOST_OUTCOME_TRY(half, holds_half_a_restore(folder));
  if (!used && !half)
    return problem{errc::not_found, folder.string() + " is not the data folder of an engine",
                   "name the folder that pinion was started with as --data"};
  return open(folder);
}

result<void> data_folder::claim_place(bool moved) const {
  const auto file = path_ / "PLACE";
  const owned_file place{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (place.get() < 0 && errno != ENOENT)
    return os_problem("open", file, errno);
  if (place.get() < 0)
    return write_place(path_);
  std::array<char, 96> text{};
  struct stat about {};
  const auto got = ::read(place.get(), text.data(), text.size());
  if (got < 0 || ::fstat(place.get(), &about) != 0)
    return os_problem("read", file, errno);
  const auto inode = number_after(place_words, {text.data(), static_cast<std::size_t>(got)});
  if (inode && *inode == about.st_ino)
    return ok();
  if (moved)
    return write_place(path_);
  if (!inode)
    return problem{errc::corrupt, file.string() + " does not say which folder this is",
                   "start once with --moved on if no engine runs, or will run, on a copy of it"};
  return problem{errc::refused,
                 path_.string() + " is a copy of a data folder: an engine on the other one would "
                                  "start the same tasks again",
                 "if the other is never started again, start this one once with --moved on; for a "
                 "trial use `pinionctl store restore ... --hold`"};
}

result<void> data_folder::check_in_place() const {
  const auto file = path_ / "LOCK";
  struct stat held {};
  struct stat found {};
  if (::fstat(lock_, &held) == 0 && ::stat(file.c_str(), &found) == 0 &&
      held.st_ino == found.st_ino && held.st_dev == found.st_dev)
    return ok();
  return problem{errc::storage_failure,
                 "the data folder " + path_.string() +
                     " was removed, renamed or unmounted under its engine",
                 "put it back and start again"};
}

data_folder::data_folder(fs::path path, int lock) noexcept : path_{std::move(path)}, lock_{lock} {}

data_folder::data_folder(data_folder&& other) noexcept
    : path_{std::move(other.path_)}, lock_{std::exchange(other.lock_, -1)} {}

data_folder& data_folder::operator=(data_folder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

data_folder::~data_folder() {
  if (lock_ >= 0)
    ::close(lock_);
}

} // namespace pinion
