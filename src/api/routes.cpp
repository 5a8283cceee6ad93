#include "pinion/api/routes.hpp"

#include "api/query.hpp"
#include "api/request_keeper.hpp"
#include "api/route_groups.hpp"

namespace pinion {

namespace {

/// Whether its changes are of versions that a client may have read.
bool is_of_versions(const route& of) {
  return of.pattern == "/api/v1/apply" || of.pattern == "/api/v1/restore" || of.method == "DELETE";
}

/// What a POST is about stands in its body: a name in its query is a mistake that would be lost.
route without_query(route usual) {
  if (usual.method != "POST")
    return usual;
  usual.handle = [handle = std::move(usual.handle)](http_request request,
                                                    const reply_function& reply) {
    if (const auto known = check_query(request, {}); !known)
      return reply(error_reply(known.error()));
    handle(std::move(request), reply);
  };
  return usual;
}

/// A condition that nobody looks at would be taken for one that holds.
route refusing_conditions(route usual) {
  if (usual.method == "GET" || is_of_versions(usual))
    return usual;
  usual.handle = [handle = std::move(usual.handle)](http_request request,
                                                    const reply_function& reply) {
    for (const auto* name : {"if-match", "if-none-match"})
      if (request.headers.contains(name))
        return reply(error_reply(
            problem{errc::invalid, '\'' + request.path + "' takes no " + name,
                    "Conditions are for changes of definitions: apply, restore, delete"}));
    handle(std::move(request), reply);
  };
  return usual;
}

} // namespace

router make_api(api_handles handles) {
  const auto state = std::make_shared<api_state>(std::move(handles));
  std::vector<route> table;
  routes::add_definitions(table, state);
  routes::add_delete(table, state);
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
    each = keeper->repeatable(refusing_conditions(without_query(std::move(each))));
  return router{std::move(table)};
}

std::string api_socket_path(const std::string& data_folder) { return data_folder + "/pinion.sock"; }

} // namespace pinion
