#include "execution/spawn.hpp"

#include "execution/os.hpp"

#include <cerrno>
#include <csignal>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The child runs on a stack of its own inside our memory: instrumented frames would leave their
// poison behind when it executes.
#define PINION_IN_CHILD __attribute__((no_sanitize("address", "undefined")))

namespace pinion {

namespace {

constexpr std::size_t stack_bytes = 128U << 10U;

/// Everything that the child needs, prepared before it exists: it may not allocate.
struct child_plan {
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const char* const* programs = nullptr; ///< Paths to try, until nullptr.
  const char* cwd = nullptr;
  int stdin_fd = -1;
  int log_fd = -1;
  rlimit open_files{};
  bool set_open_files = false;
  // Written by the child, read after it has executed or ended.
  spawn_step failed_step = spawn_step::done;
  int error = 0;
};

PINION_IN_CHILD int fail(child_plan* plan, spawn_step step) {
  plan->failed_step = step;
  plan->error = errno;
  ::_exit(127);
}

/// Tries the programs as execvp(3) does: a file that may not be executed is remembered, the search
/// goes on.
PINION_IN_CHILD int execute(child_plan* plan) {
  int remembered = 0;
  for (auto at = plan->programs; *at != nullptr; ++at) {
    ::execve(*at, plan->argv, plan->environment);
    if (errno == EACCES)
      remembered = EACCES;
    else if (errno != ENOENT && errno != ENOTDIR)
      return fail(plan, spawn_step::exec);
  }
  errno = remembered != 0 ? remembered : ENOENT;
  return fail(plan, spawn_step::exec);
}

PINION_IN_CHILD int child_main(void* argument) {
  auto* const plan = static_cast<child_plan*>(argument);
  ::setsid();
  ::dup2(plan->stdin_fd, 0);
  ::dup2(plan->log_fd, 1);
  ::dup2(plan->log_fd, 2);
  // Ours are close-on-exec already. They are not closed before: while this child has not executed,
  // its copy of the launcher's lock keeps a successor from searching for marks too early.
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  if (::chdir(plan->cwd) != 0)
    return fail(plan, spawn_step::cwd);
  if (plan->set_open_files)
    ::setrlimit(RLIMIT_NOFILE, &plan->open_files);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  return execute(plan);
}

#if defined(__x86_64__)
/// clone3(2) with a stack for the child, which glibc 2.36 does not offer.
PINION_IN_CHILD long clone_on_stack(clone_args* args, child_plan* plan) {
  long out = SYS_clone3;
  register int (*entry)(void*) asm("r8") = child_main;
  register void* argument asm("r9") = plan;
  asm volatile("syscall\n\t"
               "testq %%rax, %%rax\n\t"
               "jnz 1f\n\t"
               "xorl %%ebp, %%ebp\n\t"
               "movq %%r9, %%rdi\n\t"
               "callq *%%r8\n\t"
               "hlt\n"
               "1:"
               : "+a"(out)
               : "D"(args), "S"(sizeof *args), "r"(entry), "r"(argument)
               : "rcx", "r11", "memory", "cc");
  return out;
}
#elif defined(__aarch64__)
PINION_IN_CHILD long clone_on_stack(clone_args* args, child_plan* plan) {
  register long out asm("x0") = reinterpret_cast<long>(args);
  register long size asm("x1") = sizeof *args;
  register int (*entry)(void*) asm("x5") = child_main;
  register void* argument asm("x6") = plan;
  register long number asm("x8") = SYS_clone3;
  asm volatile("svc #0\n\t"
               "cbnz x0, 1f\n\t"
               "mov x29, #0\n\t"
               "mov x0, x6\n\t"
               "blr x5\n\t"
               "brk #1\n"
               "1:"
               : "+r"(out)
               : "r"(size), "r"(entry), "r"(argument), "r"(number)
               : "memory", "cc");
  return out;
}
#else
long clone_on_stack(clone_args*, child_plan*) { return -ENOSYS; }
#endif

/// Starts the child and waits until it has executed or ended. Returns its pid or -errno.
long start_child(child_plan& plan, int cgroup_fd) {
  static void* const stack = ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED)
    return -ENOMEM;
  if (cgroup_fd < 0) {
    const auto pid = ::clone(child_main, static_cast<char*>(stack) + stack_bytes,
                             CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
    return pid < 0 ? -errno : pid;
  }
  clone_args args{};
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<std::uintptr_t>(stack);
  args.stack_size = stack_bytes;
  args.cgroup = static_cast<std::uint64_t>(cgroup_fd);
  return clone_on_stack(&args, &plan);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts)
    out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// The paths at which argv[0] may lie.
std::vector<std::string> candidates(const spawn_request& request) {
  const auto& name = request.argv.front();
  if (name.find('/') != std::string::npos || name.empty())
    return {name};
  std::string_view path = "/usr/local/bin:/usr/bin:/bin";
  for (const auto& variable : request.environment)
    if (variable.compare(0, 5, "PATH=") == 0)
      path = std::string_view{variable}.substr(5);
  std::vector<std::string> out;
  while (true) {
    const auto colon = path.find(':');
    const auto folder = path.substr(0, colon);
    out.push_back(folder.empty() ? name : std::string{folder} + '/' + name);
    if (colon == std::string_view::npos)
      return out;
    path.remove_prefix(colon + 1);
  }
}

} // namespace

spawn_outcome spawn_process(const spawn_request& request) {
  const auto argv = pointers(request.argv);
  const auto environment = pointers(request.environment);
  const auto paths = candidates(request);
  const auto programs = pointers(paths);
  child_plan plan;
  plan.argv = argv.data();
  plan.environment = environment.data();
  plan.programs = programs.data();
  plan.cwd = request.cwd.empty() ? "/" : request.cwd.c_str();
  plan.stdin_fd = request.stdin_fd;
  plan.log_fd = request.log_fd;
  if (request.open_files > 0 && ::getrlimit(RLIMIT_NOFILE, &plan.open_files) == 0) {
    plan.open_files.rlim_cur = static_cast<rlim_t>(request.open_files);
    plan.set_open_files = true;
  }
  const auto pid = start_child(plan, request.cgroup_fd);
  if (pid < 0)
    return {spawn_step::clone, static_cast<int>(-pid), -1};
  if (plan.failed_step != spawn_step::done)
    ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  return {plan.failed_step, plan.error, static_cast<pid_t>(pid)};
}

std::string spawn_failure(const spawn_request& request, const spawn_outcome& outcome) {
  const auto& name = request.argv.front();
  switch (outcome.step) {
  case spawn_step::clone:
    return "cannot make a process: " + errno_text(outcome.error);
  case spawn_step::cwd:
    return "cannot enter the working folder " + request.cwd + ": " + errno_text(outcome.error);
  default:
    break;
  }
  if (outcome.error == E2BIG) {
    std::size_t bytes = 0;
    for (const auto* list : {&request.argv, &request.environment})
      for (const auto& text : *list)
        bytes += text.size() + 1;
    return "cannot execute " + name + ": its arguments and environment of " +
           std::to_string(bytes) + " bytes are more than the system takes: " + errno_text(E2BIG);
  }
  if (outcome.error == ENOEXEC)
    return "cannot execute " + name +
           ": no program of this machine and no \"#!\" line: " + errno_text(ENOEXEC);
  const auto relative = name.find('/') != std::string::npos && name.front() != '/';
  const auto path = relative ? request.cwd + '/' + name : name;
  if (outcome.error == ENOENT && name.find('/') != std::string::npos &&
      ::access(path.c_str(), F_OK) == 0)
    return "cannot execute " + path +
           ": the interpreter in its first line is missing: " + errno_text(ENOENT);
  if (outcome.error == ENOENT && name.find('/') == std::string::npos)
    return "there is no command " + name + " in PATH: " + errno_text(ENOENT);
  return "cannot execute " + path + ": " + errno_text(outcome.error);
}

} // namespace pinion
