#pragma once

#include "pinion/model/records.hpp"
#include "pinion/storage/kv.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// A request that came with an `Idempotency-Key`, and how far it has come. ON DISK, in family::meta
/// under "request/" who:name key (to the end); the value in the manner of codecs.hpp. Beside it
/// "requested/" at:u64 (big-endian) who:name key lists them by age, with the bytes of the answer as
/// its value.
struct kept_request {
  /// How far it has come. ON DISK as one byte: append, never renumber.
  enum class stage : std::uint8_t {
    begun,    ///< A part of it may be done: it takes more than one commit.
    done,     ///< Written in the commit of the change itself.
    answered, ///< `status` and `body` are what it was answered with.
  };
  std::string who; ///< As in audit records.
  std::string key;
  std::string fingerprint; ///< Of method, path, query and body.
  instant at{};            ///< When it first came.
  stage come = stage::done;
  std::string verb;   ///< Of the audit record of the change; empty: nothing was changed.
  std::string object; ///< Likewise, or the run that was made.
  std::uint32_t status = 0;
  std::string body;

  friend bool operator==(const kept_request&, const kept_request&) = default;
};

void put_kept_request(kv_batch& batch, const kept_request& now);
void erase_kept_request(kv_batch& batch, const kept_request& before);

/// Fails with `errc::corrupt` or `errc::storage_failure`.
result<std::optional<kept_request>> find_kept_request(const kv_reader& rows, const std::string& who,
                                                      const std::string& key);

/// One line of the list by age.
struct kept_request_age {
  std::string who;
  std::string key;
  instant at{};
  std::uint64_t bytes = 0; ///< Of the answer.

  friend bool operator==(const kept_request_age&, const kept_request_age&) = default;
};
/// All of them, the oldest first. Fails as above.
result<std::vector<kept_request_age>> kept_requests_by_age(const kv_reader& rows);

/// Writes an audit record; with `request`, which may be null, also that this request is done (or
/// begun, if it says so), so that change and mark are one commit.
void put_audit(kv_batch& batch, const audit_record& now, const kept_request* request);

/// The prefixes of the rows in meta.
inline constexpr std::string_view kept_request_rows = "request/";
inline constexpr std::string_view kept_request_ages = "requested/";

/// The inverses, for checks. Fail with `errc::corrupt`, and the first with `errc::newer_format`.
result<kept_request> decode_kept_request(std::string_view key, std::string_view value);
result<kept_request_age> decode_kept_request_age(std::string_view key, std::string_view value);

} // namespace pinion
