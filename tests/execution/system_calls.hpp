#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pinion::test {

/// Runs `what` in a forked child and returns how that ended, as waitpid tells it; what it returns
/// is the exit code.
inline int in_child(const std::function<int()>& what) {
  const auto child = ::fork();
  if (child == 0)
    ::_exit(what());
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

/// For good, the kernel answers this thread's system call `number` with `answer`:
/// `SECCOMP_RET_KILL_PROCESS`, or `fails_with`. False if it does not let us.
inline bool answer_call(long number, std::uint32_t answer) {
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, answer),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof steps / sizeof steps[0], steps};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

constexpr std::uint32_t fails_with(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

/// The child exited with 0.
inline bool is_success(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

} // namespace pinion::test
