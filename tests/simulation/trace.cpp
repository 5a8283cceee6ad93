#include "simulation/trace.hpp"

#include <cstdio>

namespace pinion::sim {

void trace::note(const std::string& line) {
  const auto since = clock_.steady_now() - start_;
  char stamp[32];
  std::snprintf(stamp, sizeof stamp, "%12.6f  ", static_cast<double>(since.count()) / 1e6);
  auto text = stamp + line;
  for (const char c : text)
    hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  if (echo_)
    std::printf("%s\n", text.c_str());
  lines_.push_back(std::move(text));
  if (lines_.size() > kept_lines)
    lines_.pop_front();
}

void trace::violation(const std::string& what) {
  note("VIOLATION " + what);
  violations_.push_back(what);
}

} // namespace pinion::sim
