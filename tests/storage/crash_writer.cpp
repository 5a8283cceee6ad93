// Commits rows to a store for ever, and writes the number of each acknowledged commit to its
// standard output, 8 bytes in the host's order, until it is killed: `storage_crash_writer DIR`. Or
// opens it with a step to a newer format, and kills itself before the step's batch N (0: never):
// `storage_crash_writer DIR upgrade N`.
#include "pinion/storage/rocks_kv.hpp"
#include "storage/doubling_step.hpp"

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <semaphore>
#include <string>
#include <unistd.h>

namespace {

/// Commits that wait at a time: enough for groups.
constexpr std::ptrdiff_t in_flight = 64;

int upgrade(const std::string& folder, int nth) {
  int batches = 0;
  pinion::rocks_options how{folder + "/store", folder + "/COMMIT"};
  how.steps = {pinion::test::doubling(pinion::family::outputs, 4, [&] {
    if (++batches == nth)
      ::kill(::getpid(), SIGKILL);
  })};
  return pinion::rocks_kv::open(how) ? 0 : 1;
}

} // namespace

int main(int count, char** arguments) {
  if (count == 4)
    return upgrade(arguments[1], std::atoi(arguments[3]));
  if (count != 2)
    return 64;
  const std::string folder = arguments[1];
  auto opened = pinion::rocks_kv::open({folder + "/store", folder + "/COMMIT"});
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.assume_error().message.c_str());
    return 1;
  }
  auto& kv = *opened.assume_value();
  std::counting_semaphore<in_flight> room{in_flight};
  for (;;) {
    room.acquire();
    pinion::kv_batch batch;
    batch.add(pinion::family::index, "sum", 1);
    batch.put(pinion::family::runs, "last", std::string(150, 'x'));
    kv.commit(std::move(batch), [&room](pinion::result<std::uint64_t> number) {
      if (!number)
        ::_exit(2);
      const auto value = number.assume_value();
      if (::write(STDOUT_FILENO, &value, sizeof value) != static_cast<ssize_t>(sizeof value))
        ::_exit(3);
      room.release();
    });
  }
}
