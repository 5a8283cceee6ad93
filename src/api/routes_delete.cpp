#include "api/lookup.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "api/version_condition.hpp"
#include "pinion/storage/codecs.hpp"

#include <numeric>

namespace pinion::routes {
namespace {

/// Rows that a count looks at: a few seconds of one thread.
constexpr std::uint64_t most_rows = 2'000'000;

/// What belongs to a workflow, and goes with it.
struct belongings {
  std::uint64_t versions = 0;
  std::uint64_t runs = 0;
  std::uint64_t instances = 0;
  std::uint64_t attempts = 0;
  std::uint64_t slots = 0;
  std::uint64_t backfills = 0;
  std::uint64_t log_bytes = 0;
  bool complete = true; ///< False: there is more than was counted.
};

class counter {
public:
  counter(const store_view& view, std::string workflow)
      : view_{view}, workflow_{std::move(workflow)} {}

  result<belongings> count() {
    BOOST_OUTCOME_TRY(versions, rows_with(family::definitions, keys::versions_of(workflow_)));
    BOOST_OUTCOME_TRY(slots, rows_with(family::slots, keys::slots_of("main", workflow_)));
    BOOST_OUTCOME_TRY(backfills, rows_with(family::index, keys::backfills_by_workflow(workflow_)));
    sum_.versions = versions;
    sum_.slots = slots;
    sum_.backfills = backfills;
    BOOST_OUTCOME_TRYV(count_runs());
    sum_.complete = looked_at_ < most_rows;
    return sum_;
  }

private:
  result<std::uint64_t> rows_with(family in, const std::string& prefix) {
    std::uint64_t found = 0;
    BOOST_OUTCOME_TRYV(
        view_.kv().scan(in, prefix, keys::after(prefix), [&](std::string_view, std::string_view) {
          ++found;
          return ++looked_at_ < most_rows;
        }));
    return found;
  }

  result<void> count_runs() {
    run_filter filter;
    filter.workflow = workflow_;
    page_request ask;
    ask.limit = 1'000;
    do {
      BOOST_OUTCOME_TRY(page, view_.rows.list_runs(filter, ask));
      for (const auto& run : page.items) {
        ++sum_.runs;
        sum_.instances = std::accumulate(run.counts.begin(), run.counts.end(), sum_.instances);
        BOOST_OUTCOME_TRYV(count_attempts(run.id));
      }
      looked_at_ += page.items.size();
      ask.cursor = page.next;
    } while (!ask.cursor.empty() && looked_at_ < most_rows);
    return ok();
  }

  result<void> count_attempts(run_id run) {
    const auto prefix = keys::rows_of(run);
    result<void> damaged = ok();
    BOOST_OUTCOME_TRYV(view_.kv().scan(family::attempts, prefix, keys::after(prefix),
                                       [&](std::string_view key, std::string_view value) {
                                         damaged = add_attempt(key, value);
                                         return damaged && ++looked_at_ < most_rows;
                                       }));
    return damaged;
  }

  result<void> add_attempt(std::string_view key, std::string_view value) {
    BOOST_OUTCOME_TRY(at, keys::decode_attempt(key));
    BOOST_OUTCOME_TRY(attempt, codecs::decode_attempt(at, value));
    ++sum_.attempts;
    sum_.log_bytes += attempt.log_bytes;
    return ok();
  }

  const store_view& view_;
  const std::string workflow_;
  std::uint64_t looked_at_ = 0;
  belongings sum_;
};

json shown(const std::string& workflow, const deletion_answer& answer, bool dry_run,
           const belongings& of) {
  json refused = json::array();
  for (const auto& why : answer.refused)
    refused.push_back(
        {{"code", to_string(why.code)}, {"message", why.message}, {"suggestion", why.suggestion}});
  return {{"workflow", workflow},
          {"version", answer.version},
          {"dry_run", dry_run},
          {"counts",
           {{"versions", of.versions},
            {"runs", of.runs},
            {"instances", of.instances},
            {"attempts", of.attempts},
            {"slots", of.slots},
            {"backfills", of.backfills}}},
          {"log_bytes", of.log_bytes},
          {"complete", of.complete},
          {"refused", std::move(refused)}};
}

result<bool> query_flag(const http_request& request, const char* name) {
  const auto text = query_text(request, name);
  if (text.empty() || text == "false")
    return false;
  if (text == "true")
    return true;
  return problem{errc::invalid, std::string{"'"} + name + "' is true or false, not '" + text + "'"};
}

result<void> remove(const api_ptr& state, const http_request& request,
                    const reply_function& reply) {
  BOOST_OUTCOME_TRYV(check_query(request, {"dry_run", "reason"}));
  BOOST_OUTCOME_TRY(dry_run, query_flag(request, "dry_run"));
  BOOST_OUTCOME_TRY(condition, condition_of(request));
  const store_view view{*state};
  BOOST_OUTCOME_TRY(record, find_workflow(view, request.params.at("workflow")));
  BOOST_OUTCOME_TRY(counted, counter(view, record.id).count());
  state->engine().delete_workflow(
      {record.id, std::move(condition), dry_run}, caller_of(request, query_text(request, "reason")),
      [state, reply, id = record.id, dry_run, counted](const result<deletion_answer>& answer) {
        state->later([reply, id, dry_run, counted, answer] {
          if (!answer)
            return reply(error_reply(answer.error()));
          if (answer.value().stale)
            return reply(stale_reply({{id, answer.value().version}}));
          reply(json_reply(shown(id, answer.value(), dry_run, counted)));
        });
      });
  return ok();
}

} // namespace

void add_delete(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"DELETE", "/api/v1/workflows/{workflow}",
                   "Deletes a retired workflow with its history; with `dry_run` tells what goes.",
                   [state](const http_request& request, const reply_function& reply) {
                     if (const auto asked = remove(state, request, reply); !asked)
                       reply(error_reply(asked.error()));
                   }});
}

} // namespace pinion::routes
