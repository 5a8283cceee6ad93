// Makes calls of the C library fail, wait or end the process, in programs that know nothing of it:
// preloaded (LD_PRELOAD) into the released programs by the fault tests.
//
// PINION_FAULTS holds rules, separated by blanks; each has seven parts, separated by commas:
//
//   role    engine | launcher: the verb that the program was started with
//   call    write | read | sync | open
//   path    a pattern of fnmatch(3) for the whole path of the file
//   record  * or the number of the launcher journal's kind of record (the ninth byte written)
//   nth     the n-th call that matches, from 1; "5+": that and all later ones
//   action  an errno (EIO, ENOSPC): the call fails with it
//           kill-before | kill-after: SIGKILL, without the call or behind it
//           torn: half of the bytes are written, then SIGKILL
//           wait-N: N milliseconds pass first
//   gate    a file: the rule counts and acts only while it exists, and removes it before a kill
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>

namespace {

enum class call : unsigned char { write, read, sync, open };
enum class act : unsigned char { fail, kill_before, kill_after, torn, wait };

struct rule {
  call on = call::write;
  char path[PATH_MAX] = {};
  int record = -1;
  long nth = 1;
  bool later_too = false;
  act what = act::fail;
  int error = EIO;
  long wait_ms = 0;
  char gate[PATH_MAX] = {};
  std::atomic<long> seen{0};
};

constexpr int most_rules = 8;
rule rules[most_rules];
int rule_count = 0;

template <class F>
F next_of(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

[[noreturn]] void refuse(const char* why) {
  std::fprintf(stderr, "faulty_calls: PINION_FAULTS: %s\n", why);
  std::abort();
}

/// The verb of this program: what stands behind argv[0].
const char* role_of_this() {
  static char line[4096];
  const int file = static_cast<int>(
      next_of<int (*)(const char*, int, ...)>("open")("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  if (file < 0)
    return "";
  const auto got = next_of<ssize_t (*)(int, void*, size_t)>("read")(file, line, sizeof line - 1);
  ::close(file);
  const char* const verb = line + std::strlen(line) + 1;
  if (got <= 0 || verb >= line + got)
    return "";
  return std::strcmp(verb, "standalone") == 0 ? "engine" : verb;
}

int error_of(const char* name) {
  struct known {
    const char* name;
    int error;
  };
  static constexpr known all[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}};
  for (const auto& each : all)
    if (std::strcmp(each.name, name) == 0)
      return each.error;
  refuse("an action that is none");
}

void read_rule(char* text, const char* role) {
  char* part[7] = {};
  char* rest = nullptr;
  int count = 0;
  for (char* at = strtok_r(text, ",", &rest); at != nullptr && count < 7;
       at = strtok_r(nullptr, ",", &rest))
    part[count++] = at;
  if (count != 7)
    refuse("a rule does not have seven parts");
  if (std::strcmp(part[0], role) != 0)
    return;
  if (rule_count == most_rules)
    refuse("too many rules");
  auto& to = rules[rule_count];
  static constexpr const char* calls[] = {"write", "read", "sync", "open"};
  int which = 0;
  while (which < 4 && std::strcmp(calls[which], part[1]) != 0)
    ++which;
  if (which == 4)
    refuse("a call that is none");
  to.on = static_cast<call>(which);
  std::snprintf(to.path, sizeof to.path, "%s", part[2]);
  to.record = std::strcmp(part[3], "*") == 0 ? -1 : std::atoi(part[3]);
  to.nth = std::atol(part[4]);
  to.later_too = std::strchr(part[4], '+') != nullptr;
  const char* const action = part[5];
  if (std::strcmp(action, "kill-before") == 0) {
    to.what = act::kill_before;
  } else if (std::strcmp(action, "kill-after") == 0) {
    to.what = act::kill_after;
  } else if (std::strcmp(action, "torn") == 0) {
    to.what = act::torn;
  } else if (std::strncmp(action, "wait-", 5) == 0) {
    to.what = act::wait;
    to.wait_ms = std::atol(action + 5);
  } else {
    to.what = act::fail;
    to.error = error_of(action);
  }
  std::snprintf(to.gate, sizeof to.gate, "%s", part[6]);
  ++rule_count;
}

__attribute__((constructor)) void read_rules() {
  const char* const given = std::getenv("PINION_FAULTS");
  if (given == nullptr)
    return;
  const char* const role = role_of_this();
  static char text[8 * PATH_MAX];
  if (std::strlen(given) >= sizeof text)
    refuse("it is too long");
  std::strcpy(text, given);
  char* rest = nullptr;
  for (char* at = strtok_r(text, " ", &rest); at != nullptr; at = strtok_r(nullptr, " ", &rest))
    read_rule(at, role);
}

/// The rule that acts on this call, counted; null for most.
rule* acting(call on, const char* path, const void* bytes, size_t size) {
  for (int i = 0; i < rule_count; ++i) {
    auto& each = rules[i];
    if (each.on != on || fnmatch(each.path, path, 0) != 0)
      continue;
    if (each.record >= 0 &&
        (bytes == nullptr || size < 9 || static_cast<const char*>(bytes)[8] != each.record))
      continue;
    if (::access(each.gate, F_OK) != 0)
      continue;
    const auto number = ++each.seen;
    if (number == each.nth || (each.later_too && number > each.nth))
      return &each;
  }
  return nullptr;
}

rule* acting(call on, int file, const void* bytes = nullptr, size_t size = 0) {
  if (rule_count == 0)
    return nullptr;
  const int before = errno;
  char link[64];
  char path[PATH_MAX] = {};
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  rule* found = nullptr;
  if (::readlink(link, path, sizeof path - 1) > 0)
    found = acting(on, path, bytes, size);
  errno = before;
  return found;
}

[[noreturn]] void end(const rule& by) {
  ::unlink(by.gate); // Once: what is started next must get further.
  for (;;) {
    ::kill(::getpid(), SIGKILL);
    ::pause();
  }
}

/// Carries a rule out around `call`, which returns what the C library's function does.
template <class Call, class Half>
auto carry_out(rule* by, Call call, Half half) -> decltype(call()) {
  if (by == nullptr)
    return call();
  switch (by->what) {
  case act::fail:
    errno = by->error;
    return -1;
  case act::kill_before:
    end(*by);
  case act::torn:
    half();
    end(*by);
  case act::kill_after:
    call();
    end(*by);
  case act::wait: {
    const timespec time{by->wait_ms / 1000, (by->wait_ms % 1000) * 1'000'000};
    ::nanosleep(&time, nullptr);
    return call();
  }
  }
  return call();
}

template <class Call>
auto carry_out(rule* by, Call call) -> decltype(call()) {
  return carry_out(by, call, [] {});
}

} // namespace

extern "C" {

ssize_t write(int file, const void* bytes, size_t size) {
  static const auto real = next_of<ssize_t (*)(int, const void*, size_t)>("write");
  return carry_out(
      acting(call::write, file, bytes, size), [&] { return real(file, bytes, size); },
      [&] { real(file, bytes, size / 2); });
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  static const auto real = next_of<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return carry_out(
      acting(call::write, file, bytes, size), [&] { return real(file, bytes, size, at); },
      [&] { real(file, bytes, size / 2, at); });
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
  return pwrite(file, bytes, size, at);
}

ssize_t read(int file, void* to, size_t size) {
  static const auto real = next_of<ssize_t (*)(int, void*, size_t)>("read");
  return carry_out(acting(call::read, file), [&] { return real(file, to, size); });
}

ssize_t pread(int file, void* to, size_t size, off_t at) {
  static const auto real = next_of<ssize_t (*)(int, void*, size_t, off_t)>("pread");
  return carry_out(acting(call::read, file), [&] { return real(file, to, size, at); });
}

ssize_t pread64(int file, void* to, size_t size, off64_t at) { return pread(file, to, size, at); }

// What a library built with _FORTIFY_SOURCE calls instead: glibc's names.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
ssize_t __read_chk(int file, void* to, size_t size, size_t) { return read(file, to, size); }
ssize_t __pread_chk(int file, void* to, size_t size, off_t at, size_t) {
  return pread(file, to, size, at);
}
ssize_t __pread64_chk(int file, void* to, size_t size, off64_t at, size_t) {
  return pread(file, to, size, at);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

int fsync(int file) {
  static const auto real = next_of<int (*)(int)>("fsync");
  return carry_out(acting(call::sync, file), [&] { return real(file); });
}

int fdatasync(int file) {
  static const auto real = next_of<int (*)(int)>("fdatasync");
  return carry_out(acting(call::sync, file), [&] { return real(file); });
}

int open(const char* path, int flags, ...) {
  static const auto real = next_of<int (*)(const char*, int, ...)>("open");
  va_list more;
  va_start(more, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : mode_t{0};
  va_end(more);
  rule* const by = rule_count == 0 ? nullptr : acting(call::open, path, nullptr, 0);
  return carry_out(by, [&] { return real(path, flags, mode); });
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : mode_t{0};
  va_end(more);
  return open(path, flags, mode);
}
}
