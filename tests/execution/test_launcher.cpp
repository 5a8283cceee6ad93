#include "pinion/execution/launcher_process.hpp"

int main(int argc, char** argv) { return pinion::launcher_main(argc, argv); }
