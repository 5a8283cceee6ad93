// Puts the wall clock of programs that know nothing of it ahead or back, while they run: preloaded
// (LD_PRELOAD) into the released programs by the tests of clocks that are set. The file that
// PINION_STEPPED_CLOCK names holds the microseconds to add, 8 bytes in the host's order; whoever
// writes them sets the clock. The steady clock and all timers stay the machine's own: what a
// library that moves timers too would hide is what those tests are about.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>

namespace {

constexpr std::int64_t us_a_second = 1'000'000;

/// Shared with whoever sets the clock; null: it is the machine's.
const std::atomic<std::int64_t>* step = nullptr;

__attribute__((constructor)) void map_step() {
  const char* const path = std::getenv("PINION_STEPPED_CLOCK");
  const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return;
  void* const at = ::mmap(nullptr, sizeof *step, PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  if (at != MAP_FAILED)
    step = static_cast<const std::atomic<std::int64_t>*>(at);
}

std::int64_t real_us() {
  static const auto real =
      reinterpret_cast<int (*)(clockid_t, timespec*)>(::dlsym(RTLD_NEXT, "clock_gettime"));
  timespec now{};
  real(CLOCK_REALTIME, &now);
  return now.tv_sec * us_a_second + now.tv_nsec / 1'000;
}

std::int64_t stepped_us() { return real_us() + (step == nullptr ? 0 : step->load()); }

} // namespace

extern "C" {

int clock_gettime(clockid_t which, timespec* now) {
  static const auto real =
      reinterpret_cast<int (*)(clockid_t, timespec*)>(::dlsym(RTLD_NEXT, "clock_gettime"));
  const int outcome = real(which, now);
  if (outcome != 0 || step == nullptr ||
      (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE))
    return outcome;
  const auto us = now->tv_sec * us_a_second + now->tv_nsec / 1'000 + step->load();
  now->tv_nsec = (us % us_a_second) * 1'000 + now->tv_nsec % 1'000;
  now->tv_sec = us / us_a_second;
  return 0;
}

int gettimeofday(timeval* now, void*) {
  const auto us = stepped_us();
  now->tv_sec = us / us_a_second;
  now->tv_usec = us % us_a_second;
  return 0;
}

time_t time(time_t* to) {
  const time_t now = stepped_us() / us_a_second;
  if (to != nullptr)
    *to = now;
  return now;
}
}
