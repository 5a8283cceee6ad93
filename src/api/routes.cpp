#include "pinion/api/routes.hpp"

#include "api/request_keeper.hpp"
#include "api/route_groups.hpp"

namespace pinion {

router make_api(api_handles handles) {
  const auto state = std::make_shared<api_state>(std::move(handles));
  std::vector<route> table;
  routes::add_definitions(table, state);
  routes::add_versions(table, state);
  routes::add_apply(table, state);
  routes::add_resources(table, state);
  routes::add_runs(table, state);
  routes::add_describe(table, state);
  routes::add_logs(table, state);
  routes::add_changes(table, state);
  routes::add_operations(table, state);
  routes::add_run(table, state);
  routes::add_render(table, state);
  routes::add_slots(table, state);
  routes::add_plan(table, state);
  routes::add_backfills(table, state);
  routes::add_watch(table, state);
  routes::add_top(table, state);
  routes::add_now(table, state);
  routes::add_store(table, state);
  const auto keeper = std::make_shared<request_keeper>(state);
  for (auto& each : table)
    each = keeper->repeatable(std::move(each));
  return router{std::move(table)};
}

std::string api_socket_path(const std::string& data_folder) { return data_folder + "/pinion.sock"; }

} // namespace pinion
