#pragma once

namespace pinion {

/// The verbs of `pinion` besides `launcher`. Returns an exit code of sysexits.h; the reason of a
/// failure goes to standard error.
int program_main(int argc, char** argv);

} // namespace pinion
