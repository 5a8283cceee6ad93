#pragma once

#include "pinion/actors/retention_settings.hpp"
#include "pinion/timing/problem.hpp"
#include "pinion/timing/zone.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pinion {

/// Where the effective value of a setting came from.
enum class setting_source : std::uint8_t { built_in, file, environment, flag };

/// One setting as `pinion config show` prints it.
struct shown_setting {
  std::string key; ///< "engine.slots".
  std::string value;
  setting_source from = setting_source::built_in;
};

/// The effective configuration of `pinion standalone`.
struct program_options {
  std::string data;                   ///< Absolute.
  std::vector<std::string> workflows; ///< Absolute folders or files.
  std::string environment;
  std::uint32_t slots = 0;                   ///< From 1.
  std::optional<std::uint32_t> socket_group; ///< Who may use the socket beside the owner.
  bool watch = true;
  bool triggers = true;
  duration plan_at{std::chrono::hours{22}}; ///< Time of day, 0 to 23:59.
  zone plan_zone;
  duration load_ahead{std::chrono::minutes{2}}; ///< 10 s to 1 h.
  bool sync = true;                             ///< Durability: acknowledged means on disk.
  bool moved = false; ///< The data folder may be a copy: nobody uses the other any more.
  /// Free bytes of the data folder's disk below which nothing new is taken or started; 0: never.
  std::uint64_t disk_reserve_bytes = 128ULL << 20U;
  std::string log_level = "info";
  retention_settings retention;
  std::uint64_t log_limit_bytes = 256ULL << 20U;
  std::vector<shown_setting> shown;
};

/// What the process was given.
struct program_arguments {
  std::vector<std::string> words;                 ///< argv without the program and the verb.
  std::map<std::string, std::string> environment; ///< Of the process.
  bool root = false;
  std::string host_zone = "UTC"; ///< Name of the host's time zone.
  std::uint32_t processors = 1;
};

/// Puts together flags > environment (`PINION__SECTION__KEY`) > file (`--config FILE`, YAML) >
/// defaults. Fails with `errc::invalid`; the message names the flag, variable or place in the file
/// and the suggestion the mend.
result<program_options> read_options(const program_arguments& given);

/// One setting as help and reference pages print it.
struct setting_row {
  std::string key;      ///< "engine.slots"
  std::string flag;     ///< "--slots"
  std::string argument; ///< "N"
  std::string variable; ///< "PINION__ENGINE__SLOTS"
  std::string help;
  std::string standard; ///< The default; empty: none.
  bool repeats = false; ///< Several values: flags repeated, colons in the variable, a list in YAML.
};

/// All settings, in the order of the help.
std::vector<setting_row> setting_rows();

/// A verb of `pinion`.
struct program_verb {
  std::string usage; ///< "config show [OPTION]..."
  std::string summary;
};
const std::vector<program_verb>& program_verbs();

/// What `pinion help` prints.
std::string program_help();

} // namespace pinion
