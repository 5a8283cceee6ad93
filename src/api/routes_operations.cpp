#include "api/lookup.hpp"
#include "api/query.hpp"
#include "api/rerun_across.hpp"
#include "api/route_groups.hpp"

#include <algorithm>

namespace pinion::routes {
namespace {

/// What a task becomes for all its instances to come; nothing for verbs that only runs know.
std::optional<task_mode> mode_of(run_operation::verb verb) {
  switch (verb) {
  case run_operation::verb::freeze:
    return task_mode::frozen;
  case run_operation::verb::thaw:
    return task_mode::normal;
  case run_operation::verb::dryrun:
    return task_mode::dry;
  default:
    return std::nullopt;
  }
}

/// What the operation would change.
result<json> rehearsed(const store_view& view, const asked_operation& asked) {
  json answer{{"run", to_string(asked.run.id)}, {"dry_run", true}};
  if (!asked.across) {
    BOOST_OUTCOME_TRY(seen, rehearse(view, asked.run, asked.definition, asked.operation));
    answer["items"] = changes_of(seen);
  } else {
    BOOST_OUTCOME_TRY(reached, plan_rerun_across(view, asked));
    answer["items"] = json::array();
    answer["runs"] = json::array();
    for (const auto& each : reached) {
      json run{{"run", to_string(each.run.id)}, {"workflow", each.run.workflow}};
      if (each.refused)
        run["error"] = error_object(*each.refused);
      else
        answer["items"].insert(answer["items"].end(), each.changes.begin(), each.changes.end());
      run["affected"] = each.refused ? 0 : each.changes.size();
      answer["runs"].push_back(std::move(run));
    }
  }
  answer["affected"] = answer["items"].size();
  return answer;
}

/// Reruns one run after another; the first decides whether it is done at all, a later one that is
/// refused is told, and what is bound to it left out.
class rerun_chain : public std::enable_shared_from_this<rerun_chain> {
public:
  rerun_chain(api_ptr state, std::vector<reached_run> runs, caller by, reply_function reply)
      : state_{std::move(state)}, runs_{std::move(runs)}, by_{std::move(by)}, reply_{std::move(
                                                                                  reply)} {}

  void next() {
    while (at_ < runs_.size()) {
      const auto& each = runs_[at_];
      if (each.refused) {
        tell(*each.refused);
        continue;
      }
      const auto missing =
          std::find_if(each.upstream.begin(), each.upstream.end(),
                       [this](run_id upstream) { return left_out_.contains(upstream); });
      if (missing != each.upstream.end()) {
        tell({errc::refused, to_string(*missing) + ", which it needs, did not run again", {}});
        continue;
      }
      state_->engine().operate(each.run.id, each.operation, by_,
                               [self = shared_from_this()](const result<operation_answer>& answer) {
                                 self->state_->later([self, answer] { self->done(answer); });
                               });
      return;
    }
    reply_(json_reply({{"run", to_string(runs_.front().run.id)},
                       {"affected", affected_},
                       {"runs", std::move(told_)}}));
  }

private:
  void done(const result<operation_answer>& answer) {
    if (!answer && at_ == 0)
      return reply_(error_reply(answer.error()));
    if (!answer) {
      tell(answer.error());
    } else {
      affected_ += answer.value().affected;
      told_.push_back({{"run", to_string(runs_[at_].run.id)},
                       {"workflow", runs_[at_].run.workflow},
                       {"affected", answer.value().affected}});
      ++at_;
    }
    next();
  }
  void tell(const problem& why) {
    const auto& run = runs_[at_++].run;
    left_out_.insert(run.id);
    told_.push_back({{"run", to_string(run.id)},
                     {"workflow", run.workflow},
                     {"affected", 0},
                     {"error", error_object(why)}});
  }

  api_ptr state_;
  std::vector<reached_run> runs_;
  caller by_;
  reply_function reply_;
  std::size_t at_ = 0;
  std::uint64_t affected_ = 0;
  std::set<run_id> left_out_;
  json told_ = json::array();
};

/// Freezes, thaws or dry-runs a task of a workflow, whatever runs there are.
result<void> switch_task(const api_ptr& state, const task_reference& ref, const json& body,
                         const http_request& request, const reply_function& reply) {
  BOOST_OUTCOME_TRY(verb, operation_verb_of(body));
  const auto mode = mode_of(verb);
  const auto name = ref.workflow + '.' + ref.task;
  if (!mode)
    return problem{errc::invalid, "'" + name + "' is a task: it can be frozen, thawed or dry-run",
                   "For one run of it: r123/" + ref.task};
  BOOST_OUTCOME_TRY(reason, body_text(body, "reason"));
  BOOST_OUTCOME_TRY(definition, current_definition(store_view{*state}, ref.workflow));
  BOOST_OUTCOME_TRYV(find_task(*definition, ref.task));
  state->engine().switch_task(
      {ref.workflow, ref.task, *mode}, caller_in_parts(request, reason),
      answer_with<operation_answer>(
          state, reply,
          [name, mode = *mode](api_state&, const operation_answer& answer) -> result<json> {
            return json{{"task", name}, {"mode", to_string(mode)}, {"affected", answer.affected}};
          }));
  return ok();
}

result<void> operate(const api_ptr& state, const http_request& request,
                     const reply_function& reply) {
  BOOST_OUTCOME_TRY(
      body, body_object(request, {"operation", "ref", "scope", "version", "priority", "upstream",
                                  "pools", "text", "now", "dry_run", "reason"}));
  BOOST_OUTCOME_TRY(ref, body_text(body, "ref"));
  if (const auto task = parse_task_reference(ref))
    return switch_task(state, *task, body, request, reply);
  const store_view view{*state};
  BOOST_OUTCOME_TRY(asked, operation_of(view, body, request.user));
  if (asked.dry_run) {
    reply(to_reply(rehearsed(view, asked)));
    return ok();
  }
  if (asked.across) {
    BOOST_OUTCOME_TRY(reached, plan_rerun_across(view, asked));
    std::make_shared<rerun_chain>(state, std::move(reached), caller_in_parts(request, asked.reason),
                                  reply)
        ->next();
    return ok();
  }
  const auto run = asked.run.id;
  state->engine().operate(
      run, std::move(asked.operation), caller_of(request, asked.reason),
      answer_with<operation_answer>(
          state, reply, [run](api_state&, const operation_answer& answer) -> result<json> {
            return json{{"run", to_string(run)}, {"affected", answer.affected}};
          }));
  return ok();
}

} // namespace

void add_operations(std::vector<route>& table, const api_ptr& state) {
  table.push_back(
      {"POST", "/api/v1/operations",
       "Cancels, fails, skips, succeeds, reruns, freezes, thaws, dry-runs, bumps, unblocks, moves "
       "or notes a run or instances of it; freezes, thaws or dry-runs a task.",
       [state](const http_request& request, const reply_function& reply) {
         if (const auto asked = operate(state, request, reply); !asked)
           reply(error_reply(asked.error()));
       }});
}

} // namespace pinion::routes
