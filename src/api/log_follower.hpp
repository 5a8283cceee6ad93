#pragma once

#include "api/lookup.hpp"
#include "api/watch_hub.hpp"

#include <map>
#include <mutex>
#include <span>
#include <string>

namespace pinion {

/// Follows the logs of what a reference names, for one client: tells which attempts there are, how
/// large their logs have become, and when all of it has ended. The bytes are read by the client, as
/// it likes. From any thread.
///
/// Events: `log` {attempt, size, ended}; `end` {}, the last one.
class log_follower {
public:
  /// How often the sizes of growing logs are looked at.
  static constexpr std::chrono::milliseconds glance{200};

  log_follower(std::string data_folder, const reference& ref, const run_record& run,
               definition_cache::definition_ptr definition, std::optional<std::uint32_t> task)
      : folder_{std::move(data_folder)}, run_{run.id},
        definition_{std::move(definition)}, task_{task}, index_{ref.index} {}

  /// Notes what runs now; ends the stream if nothing is to come.
  void begin(const store_view& view, event_stream& to);
  /// Rows have changed.
  void look(const store_view& view, std::span<const row_change> rows, std::uint64_t commit,
            event_stream& to);
  /// Sends what has grown.
  void glance_at(event_stream& to);

private:
  using attempt = std::pair<instance_key, std::uint32_t>;
  struct log {
    std::string ref;
    std::uint64_t size = 0;
  };
  bool is_meant(const instance_record& at) const;
  void note(const instance_record& at, std::uint64_t commit, event_stream& to);
  void tell(const attempt& which, const log& of, bool ended, std::uint64_t commit,
            event_stream& to) const;
  bool is_over(const store_view& view) const;
  std::uint64_t size_of(const attempt& which) const;

  const std::string folder_;
  const run_id run_;
  const definition_cache::definition_ptr definition_;
  const std::optional<std::uint32_t> task_;
  const std::optional<std::string> index_;
  std::mutex mutex_;
  std::map<attempt, log> growing_;
};

} // namespace pinion
