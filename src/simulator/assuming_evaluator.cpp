#include "simulator/assuming_evaluator.hpp"

namespace pinion::simulator {
namespace {

std::string name_of(const run_core& run, std::uint32_t task) {
  return run.definition().id() + '.' + run.definition().tasks[task].name;
}

} // namespace

assuming_evaluator::assuming_evaluator(const project_settings& settings,
                                       const process_model& processes,
                                       std::set<std::string>& assumptions)
    : real_{settings.pools}, processes_{processes}, assumptions_{assumptions} {}

result<bool> assuming_evaluator::condition(const run_core& run, std::uint32_t task) const {
  auto known = real_.condition(run, task);
  if (known)
    return known;
  assumptions_.insert(name_of(run, task) + ": `when:` is taken as true (" + known.error().message +
                      ')');
  return true;
}

result<std::string> assuming_evaluator::choice(const run_core& run, std::uint32_t task) const {
  auto known = real_.choice(run, task);
  const auto& cases = run.definition().tasks[task].choice->cases;
  if (known || cases.empty())
    return known;
  assumptions_.insert(name_of(run, task) + ": `on:` is taken as \"" + cases.front().value + "\" (" +
                      known.error().message + ')');
  return cases.front().value;
}

result<std::vector<fan_out_element>> assuming_evaluator::elements(const run_core& run,
                                                                  std::uint32_t task) const {
  auto known = real_.elements(run, task);
  if (known)
    return known;
  const auto given = processes_.elements(run.definition(), task);
  const auto count = given.value_or(assumed_elements);
  if (!given)
    assumptions_.insert(name_of(run, task) + ": `for_each:` is taken to have " +
                        std::to_string(count) + " elements (" + known.error().message + ')');
  std::vector<fan_out_element> out;
  for (std::uint32_t i = 0; i < count; ++i)
    out.push_back({std::to_string(i), std::to_string(i)});
  return out;
}

} // namespace pinion::simulator
