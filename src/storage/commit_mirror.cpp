#include "storage/commit_mirror.hpp"

#include "storage/checked_line.hpp"
#include "storage/whole_file.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace pinion {
namespace {

constexpr std::size_t line_bytes = 97;

/// The kernel's id of this boot, 36 characters; zeros where there is none.
std::string read_boot_id() {
  std::string id(36, '0');
  const int file = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return id;
  std::string text(36, '\0');
  if (::read(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()))
    id = std::move(text);
  ::close(file);
  return id;
}

std::string line(std::uint64_t commits, durability how, const std::string& boot_id) {
  std::array<char, line_bytes + 1> text{};
  std::snprintf(text.data(), text.size(), "commits %020llu %s boot %s",
                static_cast<unsigned long long>(commits), how == durability::sync ? "sync" : "os  ",
                boot_id.c_str());
  return with_sum(text.data());
}

} // namespace

commit_mirror::commit_mirror(std::filesystem::path file, durability how)
    : file_{std::move(file)}, how_{how}, boot_id_{read_boot_id()} {}

commit_mirror::commit_mirror(commit_mirror&& other) noexcept
    : file_{std::move(other.file_)}, how_{other.how_}, boot_id_{std::move(other.boot_id_)},
      found_{other.found_}, descriptor_{std::exchange(other.descriptor_, -1)} {}

commit_mirror::~commit_mirror() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

problem commit_mirror::os_problem(const char* doing) const {
  return file_problem(errc::storage_failure, doing, file_);
}

result<commit_mirror> commit_mirror::open(std::filesystem::path file, durability how) {
  commit_mirror mirror{std::move(file), how};
  mirror.descriptor_ = ::open(mirror.file_.c_str(), O_RDWR | O_CLOEXEC);
  if (mirror.descriptor_ < 0 && errno != ENOENT)
    return mirror.os_problem("open");
  if (mirror.descriptor_ >= 0) {
    BOOST_OUTCOME_TRYV(mirror.read());
  }
  return mirror;
}

result<void> commit_mirror::read() {
  std::array<char, line_bytes + 1> text{}; // One more, to notice a longer file.
  const auto got = ::pread(descriptor_, text.data(), text.size(), 0);
  if (got < 0)
    return os_problem("read");
  const std::string_view bytes{text.data(), static_cast<std::size_t>(got)};
  mirrored_commits found;
  if (bytes.size() == line_bytes) {
    std::from_chars(bytes.data() + 8, bytes.data() + 28, found.commits);
    found.how = bytes.substr(29, 4) == "sync" ? durability::sync : durability::os;
    const std::string boot{bytes.substr(39, 36)};
    found.same_boot = boot == boot_id_;
    // The line is right exactly if these values would be written as these bytes.
    if (bytes == line(found.commits, found.how, boot)) {
      found_ = found;
      return ok();
    }
  }
  return problem{
      errc::corrupt,
      file_.string() + " is damaged: without it nobody can tell whether acknowledged "
                       "commits are missing from the store",
      "restore a backup (pinionctl store restore DIR --data NEW), or remove this file to "
      "go on with what the store has"};
}

result<void> commit_mirror::start(std::uint64_t commits) {
  if (descriptor_ < 0) {
    // Whole or not there: half a mirror would be refused for ever.
    BOOST_OUTCOME_TRYV(write_whole(
        file_, [&](const auto&) { return line(commits, how_, boot_id_); }, errc::storage_failure));
    descriptor_ = ::open(file_.c_str(), O_RDWR | O_CLOEXEC);
    return descriptor_ < 0 ? os_problem("open") : result<void>{ok()};
  }
  BOOST_OUTCOME_TRYV(write(commits));
  // With what is kept from here on: which losses are to be expected is read from it.
  return ::fsync(descriptor_) != 0 ? os_problem("sync") : result<void>{ok()};
}

result<void> commit_mirror::write(std::uint64_t commits) {
  const auto text = line(commits, how_, boot_id_);
  const auto put = ::pwrite(descriptor_, text.data(), text.size(), 0);
  out_of_room_ = put < 0 && errno == ENOSPC;
  if (put < 0)
    return os_problem("write");
  if (static_cast<std::size_t>(put) != text.size()) {
    errno = ENOSPC; // What a short write to a file of one block means.
    out_of_room_ = true;
    return os_problem("write");
  }
  return ok();
}

} // namespace pinion
