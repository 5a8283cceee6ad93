#include "durations_file.hpp"

#include "input_file.hpp"

#include <cmath>
#include <set>

namespace pinion::ctl {
namespace {

/// Instances of one workflow that are looked at.
constexpr std::uint64_t most_instances = 500;

std::set<std::string> names_in(const simulated_set& of) {
  std::set<std::string> out{"*"};
  for (const auto& workflow : of.workflows) {
    out.insert({workflow->project, workflow->id()});
    for (const auto& task : workflow->tasks)
      out.insert(workflow->id() + '.' + task.name);
  }
  return out;
}

} // namespace

duration_table durations_from(const std::string& path, const simulated_set& of,
                              std::uint64_t seed) {
  auto read = parse_durations(dump(document_in(path)), seed);
  if (!read)
    throw fail_with(exit_code::failed,
                    {errc::invalid, path + ": " + read.error().message, read.error().suggestion});
  const auto names = names_in(of);
  for (const auto& [name, _] : read.value().given())
    if (!names.contains(name))
      throw fail_with(exit_code::failed,
                      {errc::not_found, path + ": no workflow or task is called " + name,
                       "names are project.workflow.task, project.workflow, project, or *"});
  return std::move(read).value();
}

void add_history(duration_table& to, const simulated_set& of, client& engine) {
  for (const auto& workflow : of.workflows) {
    struct sum {
      double seconds = 0;
      double squares = 0;
      std::uint32_t count = 0;
    };
    std::map<std::string, sum> sums;
    const auto answer =
        engine.get("/api/v1/instances", {{"workflow", workflow->id()},
                                         {"state", "success"},
                                         {"limit", std::to_string(most_instances)}});
    for (const auto& at : answer["items"]) {
      const auto took = at.find("duration_s");
      if (took == at.end() || !took->is_number())
        continue;
      auto& task = sums[text_of(at, "task")];
      task.seconds += took->get<double>();
      task.squares += took->get<double>() * took->get<double>();
      ++task.count;
    }
    for (const auto& [task, all] : sums) {
      const auto name = workflow->id() + '.' + task;
      const auto known = to.given().find(name);
      auto given = known == to.given().end() ? given_process{} : known->second;
      if (given.mean)
        continue;
      const auto mean = all.seconds / all.count;
      given.mean = duration{std::llround(mean * 1e6)};
      given.spread = duration{
          std::llround(std::sqrt(std::max(all.squares / all.count - mean * mean, 0.0)) * 1e6)};
      to.set(name, given);
    }
  }
}

} // namespace pinion::ctl
