#include "actors/context.hpp"

#include <caf/atom.hpp>
#include <caf/deep_to_string.hpp>
#include <caf/make_message.hpp>

namespace pinion {

namespace {
constexpr auto category = caf::atom("pinion");
} // namespace

std::shared_ptr<const project_settings> engine_context::settings(const std::string& project) const {
  const std::lock_guard lock{mutex_};
  if (const auto found = settings_.find(project); found != settings_.end())
    return found->second;
  project_settings none;
  none.project = project;
  return std::make_shared<const project_settings>(std::move(none));
}

void engine_context::set_settings(project_settings settings) {
  const std::lock_guard lock{mutex_};
  const auto name = settings.project;
  applied_[name] = std::move(settings);
  renew(name);
}

void engine_context::set_pool_size(const std::string& project, const std::string& pool,
                                   std::optional<std::uint32_t> permits) {
  const std::lock_guard lock{mutex_};
  if (permits)
    pool_sizes_[project][pool] = *permits;
  else
    pool_sizes_[project].erase(pool);
  renew(project);
}

void engine_context::renew(const std::string& project) {
  const auto found = applied_.find(project);
  if (found == applied_.end())
    return;
  auto made = found->second;
  for (const auto& [pool, permits] : pool_sizes_[project])
    if (const auto at = made.pools.find(pool); at != made.pools.end())
      at->second = permits;
  settings_[project] = std::make_shared<const project_settings>(std::move(made));
}

std::shared_ptr<const known_definitions> engine_context::definitions() const {
  const std::lock_guard lock{mutex_};
  return definitions_;
}

void engine_context::set_definitions(known_definitions::map all) {
  auto made = std::make_shared<const known_definitions>(std::move(all));
  const std::lock_guard lock{mutex_};
  definitions_ = std::move(made);
}

bool engine_context::is_needed(const std::string& workflow) const {
  const std::lock_guard lock{mutex_};
  return definitions_->needed(workflow) || waited_for_.contains(workflow);
}

void engine_context::wait_for(const std::string& workflow) {
  const std::lock_guard lock{mutex_};
  waited_for_.insert(workflow);
}

std::map<std::string, task_mode> engine_context::switches(const std::string& workflow) const {
  const std::lock_guard lock{mutex_};
  const auto found = switches_.find(workflow);
  return found == switches_.end() ? std::map<std::string, task_mode>{} : found->second;
}

void engine_context::set_switches(const std::string& workflow,
                                  std::map<std::string, task_mode> switches) {
  const std::lock_guard lock{mutex_};
  switches_[workflow] = std::move(switches);
}

void engine_context::disconnect() {
  journal = nullptr;
  timekeeper = nullptr;
  dispatcher = nullptr;
  worker = nullptr;
  planner = nullptr;
  alerts = nullptr;
  directory = nullptr;
  backfills = nullptr;
  retention = nullptr;
  engine = nullptr;
}

caf::error to_error(const problem& what) {
  return {static_cast<std::uint8_t>(what.code), category,
          caf::make_message(what.message, what.suggestion)};
}

problem to_problem(const caf::error& what) {
  if (what.category() != category)
    return {errc::unavailable, std::string{no_answer} + ": " + caf::to_string(what), {}};
  problem out{static_cast<errc>(what.code()), {}, {}};
  const auto& details = what.context();
  if (details.match_elements<std::string, std::string>()) {
    out.message = details.get_as<std::string>(0);
    out.suggestion = details.get_as<std::string>(1);
  }
  return out;
}

} // namespace pinion
