#include "program/host_clock.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <limits>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace pinion {

namespace {

duration read(clockid_t which) noexcept {
  timespec at{};
  ::clock_gettime(which, &at);
  return std::chrono::duration_cast<duration>(std::chrono::seconds{at.tv_sec} +
                                              std::chrono::nanoseconds{at.tv_nsec});
}

int checked(int descriptor, const char* what) {
  if (descriptor < 0)
    throw std::system_error{errno, std::generic_category(), what};
  return descriptor;
}

class host_alarm final : public alarm_port {
public:
  host_alarm()
      : steady_{checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd")},
        wall_{checked(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd")},
        end_{checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")} {}

  ~host_alarm() override {
    close();
    for (const int each : {steady_, wall_, end_})
      ::close(each);
  }

  void open(listener to) override {
    to_ = std::move(to);
    watch_wall();
    thread_ = std::thread{[this] { run(); }};
  }

  void wake_at(steady_instant at) override {
    itimerspec when{};
    if (at != steady_instant::max()) {
      // A zero time would disarm; the past means at once.
      const auto us = std::max<std::int64_t>(to_us(at), 1);
      when.it_value.tv_sec = us / 1'000'000;
      when.it_value.tv_nsec = (us % 1'000'000) * 1'000;
    }
    ::timerfd_settime(steady_, TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void close() override {
    if (!thread_.joinable())
      return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto told = ::write(end_, &one, sizeof one);
    thread_.join();
  }

private:
  // Far in the future: it never expires, but is cancelled when the clock is set.
  void watch_wall() const {
    itimerspec when{};
    when.it_value.tv_sec = std::numeric_limits<std::int32_t>::max() * std::int64_t{64};
    ::timerfd_settime(wall_, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr);
  }

  void run() {
    pollfd all[] = {{steady_, POLLIN, 0}, {wall_, POLLIN, 0}, {end_, POLLIN, 0}};
    while (true) {
      if (::poll(all, 3, -1) < 0)
        continue;
      if (all[2].revents != 0)
        return;
      std::uint64_t count = 0;
      if (all[1].revents != 0 && ::read(wall_, &count, sizeof count) < 0 && errno == ECANCELED) {
        watch_wall();
        to_(true);
      }
      if (all[0].revents != 0 && ::read(steady_, &count, sizeof count) > 0)
        to_(false);
    }
  }

  listener to_;
  int steady_;
  int wall_;
  int end_;
  std::thread thread_;
};

} // namespace

instant host_clock::wall_now() const noexcept { return instant{read(CLOCK_REALTIME)}; }

steady_instant host_clock::steady_now() const noexcept {
  return steady_instant{read(CLOCK_MONOTONIC)};
}

std::string host_zone() {
  if (const auto* named = std::getenv("TZ"); named != nullptr && *named != '\0')
    return *named == ':' ? named + 1 : named;
  std::error_code failed;
  const auto path = std::filesystem::read_symlink("/etc/localtime", failed).string();
  constexpr std::string_view folder = "/zoneinfo/";
  const auto at = path.find(folder);
  return failed || at == std::string::npos ? "UTC" : path.substr(at + folder.size());
}

std::unique_ptr<alarm_port> make_host_alarm() { return std::make_unique<host_alarm>(); }

} // namespace pinion
