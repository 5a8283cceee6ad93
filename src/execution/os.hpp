#pragma once

#include "pinion/timing/instant.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

namespace pinion {

/// Owner of a file descriptor; -1: none.
class unique_fd {
public:
  unique_fd() noexcept = default;
  explicit unique_fd(int fd) noexcept : fd_{fd} {}
  unique_fd(unique_fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~unique_fd() { reset(); }
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset(int fd = -1) noexcept;

private:
  int fd_ = -1;
};

/// "cannot WHAT: Permission denied" as `errc::os_failure`, from the `errno` given; as
/// `errc::unavailable` when it is for want of descriptors, memory or room, which passes.
problem os_problem(std::string_view what, int error);

/// "Permission denied (EACCES)".
std::string errno_text(int error);

/// "SIGKILL" for 9, "signal 64" for what has no name.
std::string signal_name(int signal);

/// Wall time of the host. The launcher is a process of its own: its clock is not a port.
instant wall_now() noexcept;

/// Monotonic time of the host.
steady_instant steady_now() noexcept;

/// Tells in which life of the machine or container a pid is meant: the boot's id (36 characters),
/// when the first process was started, and the namespace of pids, with blanks between. A container
/// that is started again gives out its pids anew on the same boot. "" where the system does not
/// tell. Fails as `os_problem` says when it cannot be read now.
result<std::string> boot_identity();

/// Whether pids of `former`, an identity or the boot's id alone, may be those of `now`: also where
/// either is not known.
bool is_same_boot(const std::string& former, const std::string& now);

/// What /proc/PID/stat says of a process.
struct process_stat {
  char state = '?';
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  /// Those that have not ended, and the main one until it is waited for.
  std::int64_t threads = 0;
  /// In clock ticks after the boot: with the pid it names a process for the length of a boot.
  std::uint64_t start_ticks = 0;
};

/// Nothing of it runs any more. One whose main thread has ended is in the state Z, too, as long as
/// its other threads go on.
bool is_dead(const process_stat& process) noexcept;

/// Nothing when there is no such process, or it is not ours to see. Fails with `errc::os_failure`
/// or `errc::unavailable` when it could not be looked at: that says nothing of the process.
result<std::optional<process_stat>> stat_process(pid_t pid);

/// The whole file, at most `limit` bytes of it. Fails with `errc::not_found` if it does not exist,
/// else as `os_problem` says.
result<std::string> read_small_file(const std::string& path, std::size_t limit);

/// Writes all of `bytes`; false with `errno` set if that fails. Goes on after signals and short
/// writes.
bool write_all(int fd, std::string_view bytes) noexcept;

/// Makes the folder, 0700; one that exists is fine. Its parent must exist.
result<void> make_folder(const std::string& path);

/// Removes a file or a folder with all that is in it, without following links. What does not exist
/// is fine.
result<void> remove_tree(const std::string& path);

/// Removes what is in the folder, through no link. Fails with `errc::os_failure`, also for what is
/// no folder.
result<void> empty_folder(const std::string& path);

/// Tells whether a path still names the folder that it named at the first look.
class folder_watch {
public:
  explicit folder_watch(std::string path) : path_{std::move(path)} {}
  /// There is nothing, or another folder. A look that fails (no memory, a disk that does not
  /// answer) says nothing of the folder: it is taken to be there.
  bool is_gone();

private:
  struct identity {
    dev_t device;
    ino_t inode;
    friend bool operator==(const identity&, const identity&) = default;
  };
  std::string path_;
  std::optional<identity> first_;
};

/// The longest path that fits into `sockaddr_un`.
inline constexpr std::size_t max_socket_path = 107;

/// The path of the launcher's socket, checked. Fails with `errc::invalid` if `data_dir` is not
/// absolute or the path is longer than a Unix socket's may be.
result<std::string> launcher_socket_path(const std::string& data_dir);

} // namespace pinion
