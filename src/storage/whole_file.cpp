#include "storage/whole_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace pinion {
namespace {

namespace fs = std::filesystem;

result<void> put(int file, const fs::path& name, const std::string& text, errc failed) {
  const auto written = ::write(file, text.data(), text.size());
  if (written >= 0 && static_cast<std::size_t>(written) != text.size())
    errno = ENOSPC; // What a short write of one line means.
  if (written != static_cast<ssize_t>(text.size()) || ::fsync(file) != 0)
    return file_problem(failed, "write", name);
  return ok();
}

} // namespace

problem file_problem(errc code, const char* doing, const fs::path& file) {
  return {
      code, std::string{"cannot "} + doing + ' ' + file.string() + ": " + std::strerror(errno), {}};
}

result<bool> is_there(const fs::path& file, errc failed) {
  std::error_code error;
  const auto about = fs::status(file, error);
  if (about.type() == fs::file_type::none)
    return problem{failed, "cannot look at " + file.string() + ": " + error.message(), {}};
  return fs::exists(about);
}

result<void> sync_folder(const fs::path& folder, errc failed) {
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  auto outcome = opened >= 0 && ::fsync(opened) == 0
                     ? result<void>{ok()}
                     : file_problem(failed, "sync the folder", folder);
  if (opened >= 0)
    ::close(opened);
  return outcome;
}

result<void> write_whole(const fs::path& file,
                         const std::function<std::string(const struct stat& about)>& text,
                         errc failed) {
  auto fresh = file;
  fresh += ".new";
  const int opened = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (opened < 0)
    return file_problem(failed, "create", fresh);
  struct stat about {};
  auto outcome = ::fstat(opened, &about) == 0 ? put(opened, fresh, text(about), failed)
                                              : file_problem(failed, "look at", fresh);
  ::close(opened);
  if (!outcome)
    return outcome;
  if (::rename(fresh.c_str(), file.c_str()) != 0)
    return file_problem(failed, "rename", fresh);
  return sync_folder(file.parent_path(), failed);
}

} // namespace pinion
