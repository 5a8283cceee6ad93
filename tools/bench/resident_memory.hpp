#pragma once

#include <fstream>
#include <malloc.h>
#include <string>
#include <unistd.h>

namespace pinion::bench {

/// Bytes of memory that this process occupies, what malloc holds in reserve given back first.
inline double resident_bytes() {
  ::malloc_trim(0);
  std::ifstream file{"/proc/self/statm"};
  double pages = 0;
  double resident = 0;
  file >> pages >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// The most that it ever occupied (VmHWM of proc(5)).
inline double peak_bytes() {
  std::ifstream file{"/proc/self/status"};
  for (std::string word; file >> word;)
    if (word == "VmHWM:") {
      double kib = 0;
      file >> kib;
      return kib * 1024;
    }
  return 0;
}

} // namespace pinion::bench
