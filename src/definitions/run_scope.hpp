#pragma once

#include "pinion/definitions/name_scope.hpp"
#include "pinion/definitions/secrets.hpp"
#include "pinion/model/run_core.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace pinion {

/// The names of one task of one run. Looks up only what is asked for. For one thread.
class run_scope final : public name_scope {
public:
  /// Fails with `errc::invalid` if the workflow's zone is unknown on this machine.
  static result<run_scope> make(const run_core& run, std::uint32_t task);

  /// Binds the loop name to an element and its key.
  void bind_element(std::string key, nlohmann::json value);
  void bind_attempt(std::uint32_t number) { attempt_ = number; }

  /// Secrets resolve from here on, through `read`; null: no longer. Each is read once.
  void open_secrets(const secret_reader* read) noexcept { secrets_ = read; }

  /// Values of the secrets that were used.
  const std::map<std::string, std::string>& used_secrets() const noexcept { return used_secrets_; }

  result<resolved_name> resolve(const name_reference& name) const override;
  zone local_zone() const override { return zone_; }

private:
  run_scope(const run_core& run, std::uint32_t task, zone in)
      : run_{&run}, task_{task}, zone_{in} {}

  result<resolved_name> from_map(const name_reference& name, const nlohmann::json& map,
                                 std::size_t from, std::string_view what) const;
  result<resolved_name> input(const name_reference& name) const;
  /// Outputs of a need on another workflow.
  result<resolved_name> outside_input(const name_reference& name) const;
  result<resolved_name> secret(const name_reference& name) const;
  result<resolved_name> key_of_run(const name_reference& name) const;
  /// What end tasks know of how their run came out.
  result<resolved_name> key_of_outcome(const name_reference& name) const;
  result<resolved_name> key_of_task(const name_reference& name) const;
  std::optional<expression_value> time_name(std::string_view name) const;
  /// JSON text of the run or definition, read once.
  result<const nlohmann::json*> parsed(std::string_view which, const json_text& text) const;

  const run_core* run_;
  std::uint32_t task_;
  zone zone_;
  std::optional<nlohmann::json> element_;
  std::string element_key_;
  std::optional<std::uint32_t> attempt_;
  const secret_reader* secrets_ = nullptr;
  mutable std::map<std::string, std::string> used_secrets_;
  mutable std::map<std::string, nlohmann::json, std::less<>> parsed_;
};

} // namespace pinion
