// `pinion` with a hook between the engine and its store: ends itself before or after the commit
// that PINION_CRASH names. `pinion-crashing points` lists what can be named.
#include "faults/crash_points.hpp"
#include "pinion/execution/launcher_process.hpp"
#include "program/program.hpp"

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <sysexits.h>

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "launcher")
    return pinion::launcher_main(argc, argv);
  if (verb == "points") {
    for (const auto name : pinion::all_crash_points())
      std::printf("%s\n", std::string{name}.c_str());
    return EX_OK;
  }
  pinion::program_parts parts;
  if (const char* given = std::getenv("PINION_CRASH")) {
    pinion::crash_order order;
    std::string side;
    std::istringstream words{given};
    if (!(words >> order.point >> side >> order.nth >> order.gate)) {
      std::fputs("PINION_CRASH is \"POINT before|after NTH GATE\"\n", stderr);
      return EX_USAGE;
    }
    order.before = side == "before";
    parts.wrap_store = [order](pinion::rocks_kv& store) {
      return std::make_unique<pinion::crashing_kv>(store, order);
    };
  }
  return pinion::program_main(argc, argv, parts);
}
