#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pinion::sim {

/// A fault that a build with PINION_MUTATIONS can make (pinion/model/mutation.hpp), and what it
/// breaks.
struct mutation_entry {
  const char* name;
  const char* what;
};

/// All of them.
const std::vector<mutation_entry>& all_mutations();

/// How far to look for a mutation's first victim.
struct mutation_budget {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 200;
  std::uint64_t crashes = 12; ///< Histories with a crash for each seed.
};

/// Makes each of them (or only the one named `only`) until a simulation notices, and prints a table
/// of what noticed it. Returns the number of those that were not noticed. Fails with
/// std::runtime_error in a build without mutations and for an unknown name.
std::uint32_t prove_mutations(const mutation_budget& within, const std::string& only);

/// Makes one of them for the rest of the process.
void choose_mutation(const std::string& name);

} // namespace pinion::sim
