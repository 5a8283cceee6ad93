#pragma once

#include "pinion/definitions/loader.hpp"
#include "pinion/simulator/simulation_report.hpp"
#include "pinion/timing/instant_text.hpp"

#include <catch2/catch.hpp>

namespace pinion::testing {

inline instant at(std::string_view text) { return parse_instant(text).value(); }

/// Workflows of project `p`, with pool `db` of one permit.
inline simulated_set load_sample(const std::string& text) {
  const std::vector<source_text> texts{{"/p/pinion.yaml", "project: p\npools: {db: 1}\n"},
                                       {"/p/all.yaml", text}};
  auto loaded = load_texts(texts, {});
  for (const auto& error : loaded.errors)
    UNSCOPED_INFO(to_text(error));
  REQUIRE(loaded.ok());
  simulated_set out;
  for (auto& each : loaded.workflows)
    out.workflows.push_back(
        std::make_shared<const workflow_definition>(std::move(each.definition)));
  for (auto& each : loaded.projects)
    out.projects[each.project] = each;
  return out;
}

/// What came of a stretch of time; durations as JSON.
struct sample {
  sample(const std::string& text, std::string_view from, std::string_view to,
         std::string_view durations = R"({"*": 60})") {
    options.from = at(from);
    options.to = at(to);
    const auto table = parse_durations(durations);
    REQUIRE(table);
    auto made = simulate(load_sample(text), options, table.value());
    REQUIRE(made);
    result = std::move(made).value();
    report = report_of(result);
  }

  const simulated_instance& instance(std::size_t run, std::uint32_t task) const {
    return result.instances.at(result.runs.at(run).first + task);
  }

  simulation_options options;
  simulation_result result;
  simulation_report report;
};

} // namespace pinion::testing
