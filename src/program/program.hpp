#pragma once

#include "pinion/storage/rocks_kv.hpp"

#include <functional>
#include <memory>

namespace pinion {

/// What a program puts between the engine and the world: the released one nothing, those of tests
/// what makes things fail.
struct program_parts {
  /// Makes what the engine uses in place of the store that was opened, which outlives it.
  std::function<std::unique_ptr<kv_port>(rocks_kv& store)> wrap_store;
};

/// The verbs of `pinion` besides `launcher`. Returns an exit code of sysexits.h; the reason of a
/// failure goes to standard error.
int program_main(int argc, char** argv, const program_parts& parts = {});

} // namespace pinion
