#include "pinion/execution/launcher_process.hpp"
#include "program/program.hpp"

#include <string_view>

int main(int argc, char** argv) {
  // The launcher shares the program file, but nothing of the engine may exist in it.
  if (argc > 1 && std::string_view{argv[1]} == "launcher")
    return pinion::launcher_main(argc, argv);
  return pinion::program_main(argc, argv);
}
