#pragma once

#include "pinion/definitions/text_problem.hpp"
#include "pinion/model/definition.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace pinion {

/// Checks the expressions of a workflow's tasks without running anything: syntax, quoting, and
/// every name that can be known before a run. Made once a workflow, then asked for each task. Keeps
/// references to both arguments.
///
/// Fields are named `run`, `argv[0]`, `script`, `args[0]`, `env.NAME`, `stdin`, `when`,
/// `for_each.of`, `for_each.key`, `checks[0].command`, `checks[0].argv[0]`, `params.NAME` (of a
/// `workflow` task). An offset counts bytes of the text as the definition holds it.
class template_checker {
public:
  template_checker(const workflow_definition& workflow, const project_settings& settings);
  ~template_checker();
  template_checker(const template_checker&) = delete;
  template_checker& operator=(const template_checker&) = delete;

  /// All problems of one task (its position), in the order of the fields above; the first one of
  /// each text's syntax, every one of its names.
  std::vector<text_problem> check(std::uint32_t task) const;

private:
  struct tables;
  std::unique_ptr<tables> tables_;
};

/// The same for a single task.
std::vector<text_problem> check_task(const workflow_definition& workflow, std::uint32_t task,
                                     const project_settings& settings);

} // namespace pinion
