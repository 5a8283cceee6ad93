#pragma once

#include <chrono>

namespace pinion::bench {

/// Runs from its construction.
class stopwatch {
public:
  double seconds() const noexcept {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Keeps the compiler from leaving out the work that made `value`.
template <class T>
inline void keep(const T& value) noexcept {
  asm volatile("" : : "g"(&value) : "memory");
}

} // namespace pinion::bench
