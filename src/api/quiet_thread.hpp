#pragma once

#include <csignal>
#include <functional>
#include <thread>

namespace pinion {

/// A thread that gets no signals: those are the main thread's to handle.
inline std::thread quiet_thread(std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread made{std::move(body)};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return made;
}

} // namespace pinion
