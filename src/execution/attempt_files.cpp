#include "pinion/execution/attempt_files.hpp"

#include "execution/os.hpp"

namespace pinion {

namespace {

constexpr std::uint64_t runs_a_folder = 1000;

std::string run_log_folder(run_id run) {
  return "logs/" + std::to_string(run.value / runs_a_folder) + '/' + to_string(run);
}

} // namespace

std::string log_name(const instance_key& instance, std::uint32_t attempt) {
  auto out = run_log_folder(instance.run) + '/' + std::to_string(instance.task);
  if (instance.element != no_element)
    out += '-' + std::to_string(instance.element);
  return out + "-a" + std::to_string(attempt) + ".log";
}

std::string log_path(const std::string& data_dir, const process_key& key) {
  return data_dir + '/' + log_name(key.instance, key.token.attempt);
}

std::string workspace_path(const std::string& data_dir, run_id run) {
  return data_dir + "/workspaces/" + to_string(run);
}

result<void> remove_run_logs(const std::string& data_dir, run_id run) {
  return remove_tree(data_dir + '/' + run_log_folder(run));
}

result<void> remove_run_workspace(const std::string& data_dir, run_id run) {
  return remove_tree(workspace_path(data_dir, run));
}

} // namespace pinion
