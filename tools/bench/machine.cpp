#include "machine.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

namespace pinion::bench {

namespace {

std::string processor_name() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (const auto colon = line.find(": "); colon != std::string::npos)
        return line.substr(colon + 2);
  return "unknown processor";
}

/// Type of the file system that holds `folder`: the longest mount point above it (proc(5)).
std::string file_system(const std::filesystem::path& folder) {
  const auto at = std::filesystem::weakly_canonical(folder).string();
  std::ifstream file{"/proc/self/mounts"};
  std::string type{"unknown"};
  std::size_t longest = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    std::string device;
    std::string point;
    std::string kind;
    words >> device >> point >> kind;
    const bool above = point == "/" || at == point || at.starts_with(point + '/');
    if (above && point.size() >= longest) {
      longest = point.size();
      type = kind;
    }
  }
  return type;
}

} // namespace

std::string describe_machine(const std::filesystem::path& folder) {
  utsname kernel{};
  ::uname(&kernel);
  std::array<double, 1> load{};
  ::getloadavg(load.data(), 1);
  const auto gib = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                   static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1024.0 * 1024 * 1024);
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), "%u x %s, %.0f GiB, Linux %s, %s, load %.1f at the start",
                std::max(std::thread::hardware_concurrency(), 1U), processor_name().c_str(), gib,
                kernel.release, file_system(folder).c_str(), load[0]);
  return text.data();
}

} // namespace pinion::bench
