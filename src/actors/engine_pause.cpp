#include "actors/engine_ask.hpp"
#include "pinion/storage/rows.hpp"

namespace pinion {
namespace {

/// Answers once all of `waiting` requests have answered: with the sum, or the first problem.
struct tally {
  std::size_t waiting = 0;
  msg::answer<operation_answer> done;
  result<operation_answer> sum = operation_answer{};
  /// Whether that was the last one.
  bool count(const result<operation_answer>& one) {
    if (!one && sum)
      sum = one.error();
    else if (one && sum)
      sum.value().affected += one.value().affected;
    if (--waiting > 0)
      return false;
    done(sum);
    return true;
  }
};

} // namespace

result<std::vector<std::string>> engine_state::targets_of(const pause_target& target) const {
  std::vector<std::string> out;
  for (const auto& [id, each] : workflows)
    if (each.actor && (target.workflow.empty() ? !each.record.retired : id == target.workflow))
      out.push_back(id);
  if (out.empty() && !target.workflow.empty())
    return no_workflow(target.workflow);
  return out;
}

void engine_state::write_pause(const std::string& id, bool paused, const caller& by,
                               kv_batch& batch) {
  auto& record = workflows.at(id).record;
  record.paused = paused;
  record.paused_by = by.who;
  record.paused_reason = by.reason;
  record.paused_at = paused ? context->now() : record.paused_at;
  put_workflow(batch, record);
  audit_record audit;
  audit.at = context->now();
  audit.who = by.who;
  audit.verb = paused ? "pause" : "resume";
  audit.object = id;
  audit.reason = by.reason;
  put_audit(batch, audit, by.request.get());
}

void engine_state::next_rule_changes() {
  for (auto& change : std::exchange(rule_changes, {}))
    change();
}

void engine_state::pause(msg::pause& what) {
  if (applying || !rule_changes.empty()) {
    rule_changes.emplace_back([this, what]() mutable { pause(what); });
    return;
  }
  change_pause(what.target, true, what.by, what.done,
               [by = what.by, trigger = what.target.trigger](auto record) {
                 return msg::pause_trigger{trigger, by, std::move(record)};
               });
}

void engine_state::resume(msg::resume& what) {
  if (applying || !rule_changes.empty()) {
    rule_changes.emplace_back([this, what]() mutable { resume(what); });
    return;
  }
  change_pause(what.target, false, what.by, what.done,
               [by = what.by, trigger = what.target.trigger, owed = what.owed](auto record) {
                 return msg::resume_trigger{trigger, owed, by, std::move(record)};
               });
}

template <class MakeMessage>
void engine_state::change_pause(const pause_target& target, bool paused, const caller& by,
                                const msg::answer<operation_answer>& done, MakeMessage make) {
  const auto targets = targets_of(target);
  if (!targets || targets.value().empty()) {
    done(targets ? result<operation_answer>{operation_answer{0}}
                 : result<operation_answer>{targets.error()});
    return;
  }
  std::vector<workflow_use> uses; // None of them may be deleted before it is told.
  for (const auto& id : targets.value())
    uses.push_back(workflows.at(id).in_use);
  const auto tell_all = [this, targets = targets.value(), uses = std::move(uses), done, make,
                         whole = target.trigger.empty()] {
    auto all = std::make_shared<tally>(tally{targets.size(), done});
    for (const auto& id : targets)
      ask<operation_answer>(id, make(whole ? std::optional{workflows.at(id).record} : std::nullopt),
                            [this, all](const result<operation_answer>& one) {
                              if (all->count(one) && --pausing == 0)
                                next_rule_changes();
                            });
  };
  ++pausing;
  if (!target.trigger.empty()) {
    tell_all();
    return;
  }
  msg::submit submit;
  for (const auto& id : targets.value())
    write_pause(id, paused, by, submit.batch);
  self->request(context->journal, caf::infinite, std::move(submit)).then([tell_all](std::uint64_t) {
    tell_all();
  });
}

} // namespace pinion
