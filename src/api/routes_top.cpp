#include "api/lookup.hpp"
#include "api/objects.hpp"
#include "api/query.hpp"
#include "api/route_groups.hpp"

#include <algorithm>

namespace pinion::routes {
namespace {

/// What the parts of the engine say of this moment, one after the other.
struct picture {
  wheel_answer wheel;
  std::vector<pool_status> pools;
  std::vector<instance_key> running;
  health_answer health;
};

/// Rows that are looked at to find the slowest: more slots than that no one worker has.
constexpr std::size_t most_running = 5'000;
constexpr std::size_t most_minutes = 10;

struct slow_instance {
  run_record run;
  instance_record record;
};

/// Those that run the longest, first.
result<std::vector<slow_instance>>
slowest(const store_view& view, const std::vector<instance_key>& keys, std::size_t most) {
  std::vector<instance_record> rows;
  for (const auto& key : keys) {
    if (rows.size() == most_running)
      break;
    BOOST_OUTCOME_TRY(row, view.rows.instance(key));
    if (row && row->started_at != never && is_active(row->state))
      rows.push_back(std::move(*row));
  }
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::pair{a.started_at, a.key} < std::pair{b.started_at, b.key};
  });
  std::vector<slow_instance> out;
  for (auto& row : rows) {
    if (out.size() == most)
      break;
    BOOST_OUTCOME_TRY(run, view.rows.run(row.key.run));
    if (run)
      out.push_back({std::move(*run), std::move(row)});
  }
  return out;
}

result<json> show_running(const store_view& view, const std::vector<instance_key>& keys,
                          std::size_t most) {
  BOOST_OUTCOME_TRY(slow, slowest(view, keys, most));
  json items = json::array();
  for (const auto& [run, record] : slow) {
    BOOST_OUTCOME_TRY(definition, view.definition_of(run));
    items.push_back({{"id", objects::instance_ref(*definition, record)},
                     {"workflow", run.workflow},
                     {"state", to_string(record.state)},
                     {"attempt", record.attempt},
                     {"started_at", objects::time(record.started_at)},
                     {"running_s", objects::seconds(view.now() - record.started_at)}});
  }
  return items;
}

/// Runs that have not ended, by state, and the workflows with the most of them.
result<void> add_runs(const store_view& view, std::size_t most, json& into) {
  BOOST_OUTCOME_TRY(counts, view.rows.counts("main"));
  std::int64_t queued = 0;
  std::int64_t running = 0;
  const auto of = [](const run_counts& each, run_state state) {
    return std::max<std::int64_t>(each.by_state[static_cast<std::size_t>(state)], 0);
  };
  for (const auto& each : counts) {
    queued += of(each, run_state::queued);
    running += of(each, run_state::running);
  }
  std::erase_if(counts, [&](const run_counts& each) {
    return of(each, run_state::queued) + of(each, run_state::running) == 0;
  });
  std::stable_sort(counts.begin(), counts.end(), [&](const auto& a, const auto& b) {
    return of(a, run_state::queued) + of(a, run_state::running) >
           of(b, run_state::queued) + of(b, run_state::running);
  });
  json busiest = json::array();
  for (const auto& each : counts)
    if (busiest.size() < most)
      busiest.push_back({{"workflow", each.workflow},
                         {"running", of(each, run_state::running)},
                         {"queued", of(each, run_state::queued)}});
  into["runs"] = {{"running", running}, {"queued", queued}};
  into["workflows"] = std::move(busiest);
  return ok();
}

result<json> render(const store_view& view, const picture& of, std::size_t most) {
  const auto wheel = objects::wheel(of.wheel);
  json minutes = json::array();
  for (const auto& minute : wheel["minutes"])
    if (minutes.size() < most_minutes)
      minutes.push_back(minute);
  json pools = json::array();
  for (const auto& pool : of.pools)
    pools.push_back(objects::pool(pool));
  json shown{{"at", objects::time(view.now())},
             {"ready", of.health.ready},
             {"held", of.health.held},
             {"started_at", objects::time(of.health.started_at)},
             {"problems", of.health.problems},
             {"lag",
              {{"worst_s", wheel["worst_lag_s"]},
               {"mean_s", wheel["mean_lag_s"]},
               {"slots_fired", wheel["slots_fired"]}}},
             {"slots", {{"capacity", of.health.slots}, {"used", of.health.busy}}}};
  BOOST_OUTCOME_TRYV(add_runs(view, most, shown));
  shown["pools"] = std::move(pools);
  shown["running"] = of.running.size();
  BOOST_OUTCOME_TRY(slow, show_running(view, of.running, most));
  shown["slowest"] = std::move(slow);
  shown["next_minutes"] = std::move(minutes);
  return shown;
}

class gathering : public std::enable_shared_from_this<gathering> {
public:
  gathering(api_ptr state, reply_function reply, std::size_t most)
      : state_{std::move(state)}, reply_{std::move(reply)}, most_{most} {}

  void begin() {
    ask<wheel_answer>(&engine_client::wheel, &picture::wheel, [](gathering& self) {
      self.ask<std::vector<pool_status>>(&engine_client::pools, &picture::pools, [](auto& next) {
        next.template ask<std::vector<instance_key>>(
            &engine_client::running, &picture::running, [](gathering& then) {
              then.ask<health_answer>(&engine_client::health, &picture::health,
                                      [](gathering& last) { last.finish(); });
            });
      });
    });
  }

private:
  template <class T>
  void ask(void (engine_client::*question)(engine_client::reply<T>), T picture::*into,
           void (*then)(gathering&)) {
    (state_->engine().*question)([self = shared_from_this(), into, then](result<T> answer) {
      if (!answer)
        return self->reply_(error_reply(answer.error()));
      self->of_.*into = std::move(answer).value();
      then(*self);
    });
  }

  void finish() {
    state_->later([self = shared_from_this()] {
      self->reply_(to_reply(render(store_view{*self->state_}, self->of_, self->most_)));
    });
  }

  api_ptr state_;
  reply_function reply_;
  std::size_t most_;
  picture of_;
};

void top(const api_ptr& state, const http_request& request, const reply_function& reply) {
  const auto known = check_query(request, {"limit"});
  if (!known)
    return reply(error_reply(known.error()));
  const auto most = query_number(request, "limit", 1, 1000, 10);
  if (!most)
    return reply(error_reply(most.error()));
  std::make_shared<gathering>(state, reply, static_cast<std::size_t>(most.value()))->begin();
}

} // namespace

void add_top(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"GET", "/api/v1/top",
                   "The engine at a glance: lag, pools, what runs longest, the next minutes.",
                   [state](const http_request& request, const reply_function& reply) {
                     top(state, request, reply);
                   }});
}

} // namespace pinion::routes
