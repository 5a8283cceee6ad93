#pragma once

#include "api/api_state.hpp"
#include "pinion/api/router.hpp"

#include <vector>

/// The groups of the table of routes; each appends its lines.
namespace pinion::routes {

void add_definitions(std::vector<route>& table, const api_ptr& state);
void add_delete(std::vector<route>& table, const api_ptr& state);
void add_versions(std::vector<route>& table, const api_ptr& state);
void add_apply(std::vector<route>& table, const api_ptr& state);
void add_resources(std::vector<route>& table, const api_ptr& state);
void add_runs(std::vector<route>& table, const api_ptr& state);
void add_describe(std::vector<route>& table, const api_ptr& state);
void add_logs(std::vector<route>& table, const api_ptr& state);
void add_changes(std::vector<route>& table, const api_ptr& state);
void add_operations(std::vector<route>& table, const api_ptr& state);
void add_backfills(std::vector<route>& table, const api_ptr& state);
void add_plan(std::vector<route>& table, const api_ptr& state);
void add_store(std::vector<route>& table, const api_ptr& state);
void add_run(std::vector<route>& table, const api_ptr& state);
void add_render(std::vector<route>& table, const api_ptr& state);
void add_slots(std::vector<route>& table, const api_ptr& state);
void add_watch(std::vector<route>& table, const api_ptr& state);
void add_top(std::vector<route>& table, const api_ptr& state);
void add_now(std::vector<route>& table, const api_ptr& state);

} // namespace pinion::routes
