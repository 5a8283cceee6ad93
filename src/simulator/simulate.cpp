#include "simulator/virtual_engine.hpp"

namespace pinion {

result<simulation_result> simulate(const simulated_set& of, const simulation_options& options,
                                   const process_model& processes) {
  if (options.to <= options.from)
    return problem{errc::invalid, "the end of the simulation is not after its beginning",
                   "give a later --to"};
  return simulator::virtual_engine{of, options, processes}.run();
}

} // namespace pinion
