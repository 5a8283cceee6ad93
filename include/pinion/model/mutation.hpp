#pragma once

/// Faults that a test build makes on purpose, one at a time and by name, to prove that the
/// simulation would find them (`./dev sim --mutations`). Only the CMake option PINION_MUTATIONS
/// compiles them in: everywhere else PINION_MUTATION("name") is the constant false, and nothing of
/// it is left. The names are listed in tests/simulation/mutations.cpp.
#ifdef PINION_MUTATIONS

#include <cstdint>
#include <string_view>

namespace pinion::mutation {

/// The fault that is made; empty: none. Like all of this for one thread.
inline std::string_view chosen;
/// How often its place was come to.
inline std::uint64_t reached = 0;

inline bool is_on(std::string_view name) noexcept {
  if (name != chosen)
    return false;
  ++reached;
  return true;
}

} // namespace pinion::mutation

#define PINION_MUTATION(name) ::pinion::mutation::is_on(name)

#else

#define PINION_MUTATION(name) false

#endif
