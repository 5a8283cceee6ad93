#pragma once

#include <map>
#include <memory>
#include <pinion/model/run_core.hpp>
#include <set>
#include <string>
#include <vector>

namespace pinion::testing {

/// Microsecond `us` of the tests' day.
inline instant at(std::int64_t us) { return from_us(1'800'000'000'000'000 + us); }

/// A workflow under construction; tasks are named t0, t1 ... in the order of adding.
struct workflow_builder {
  std::shared_ptr<workflow_definition> definition = std::make_shared<workflow_definition>();

  workflow_builder();
  /// Adds a shell task behind `needs` and returns it; valid until the next call.
  task_definition& add(std::vector<std::uint32_t> needs = {}, task_type type = task_type::shell);
  /// Adds a fallback of `primary` and returns it.
  task_definition& add_fallback(std::uint32_t primary);
};

/// Answers from tables; a task that is not listed has a true condition and three elements.
struct scripted_evaluator final : run_evaluator {
  std::map<std::uint32_t, result<bool>> conditions;
  std::map<std::uint32_t, result<std::string>> choices; ///< Not listed: "a".
  std::map<std::uint32_t, result<std::vector<fan_out_element>>> lists;
  result<std::string> choice(const run_core& run, std::uint32_t task) const override;
  result<bool> condition(const run_core& run, std::uint32_t task) const override;
  result<std::vector<fan_out_element>> elements(const run_core& run,
                                                std::uint32_t task) const override;
};

/// `count` elements with keys k0, k1 ...
std::vector<fan_out_element> numbered(std::uint32_t count);

/// What the batches of a run have left on disk.
struct stored_run {
  run_record run;
  std::map<instance_key, instance_record> instances;
  std::map<std::pair<instance_key, std::uint32_t>, attempt_record> attempts;
  std::map<std::pair<instance_key, std::string>, permit_record> permits;
  std::map<instance_key, json_text> outputs;
  std::vector<bound_edge> edges; ///< As the run was given them.
  std::map<std::pair<std::uint32_t, std::uint32_t>, edge_record> settled; ///< By task and need.

  /// Writes one batch; says in `complaint` what could not be (a permit taken twice ...).
  void apply(const run_step& step, const run_core& core, std::string& complaint);
  result<run_core> restore(std::shared_ptr<const workflow_definition> definition) const;
};

/// A step in words, for comparing: rows, permits, outputs and effects in their order.
std::string describe(const run_step& step, const run_core& core);
/// An edge of `task` on task "up" of the workflow "p.other"; `need` as in bound_edge.
bound_edge edge_of(std::uint32_t task, std::uint32_t need = 0);

/// A record in words.
std::string describe(const instance_record& record);

/// Drives one run by hand: every step is stored, and a twin restored from the store before it must
/// do the same.
class driven_run {
public:
  explicit driven_run(const workflow_builder& workflow, run_record run = fresh_run(),
                      std::vector<bound_edge> edges = {});
  static run_record fresh_run();

  /// Applies the event one second after the last and returns the step.
  run_step step(const run_event& event);
  /// fire, admitted.
  run_step fire() { return step(run_happening::fire{}); }

  instance_key key(std::uint32_t task, std::uint32_t element = no_element) const {
    return {core.run().id, task, element};
  }
  instance_state state(std::uint32_t task, std::uint32_t element = no_element) const;
  reason why(std::uint32_t task, std::uint32_t element = no_element) const;
  /// The process that the instance waits for.
  process_key process(const instance_key& of) const;

  run_step grant(const instance_key& of);
  run_step start(const instance_key& of);
  run_step end(const instance_key& of, process_end how);
  run_step exit(const instance_key& of, int code, std::string outputs = "{}");
  /// grant, start and exit.
  run_step finish(const instance_key& of, int code = 0, std::string outputs = "{}");
  run_step operate(run_operation::verb what, std::vector<instance_key> targets,
                   rerun_scope scope = rerun_scope::only);
  run_step settle(std::uint32_t task, std::uint32_t need,
                  edge_record::counts_as outcome = edge_record::counts_as::success,
                  std::string outputs = "{}");

  std::shared_ptr<const workflow_definition> definition;
  scripted_evaluator evaluator;
  run_core core;
  stored_run disk;
  instant now = at(0);
  std::string complaint; ///< Empty as long as all is well.
};

/// True if the step has this effect on this instance.
bool entered(const run_step& step, const instance_key& key, instance_state state);
template <class Effect>
std::size_t count_effects(const run_step& step) {
  std::size_t count = 0;
  for (const auto& effect : step.effects)
    count += std::holds_alternative<Effect>(effect) ? 1 : 0;
  return count;
}

/// What is wrong with the run by a slow rescan of all instances, written from the documents and not
/// from the code under test; empty if nothing is.
std::string audit(const run_core& core);

} // namespace pinion::testing
