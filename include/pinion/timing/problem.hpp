#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/all_narrow.hpp>
#include <boost/outcome/try.hpp>
#include <cstdint>
#include <string>
#include <utility>

namespace pinion {

/// What kind of thing went wrong: what a program branches on. The numbers appear in logs and in
/// messages between nodes: append, never renumber.
enum class errc : std::uint8_t {
  none = 0,
  /// Input that breaks a rule of its format or range.
  invalid = 1,
  /// The thing named does not exist.
  not_found = 2,
  /// The request is well formed, but the present state forbids it.
  refused = 3,
  /// It exists already.
  exists = 4,
  /// A stated limit would be exceeded.
  limit = 5,
  /// The disk refused: after this the engine ends, because what is on disk is unknown.
  storage_failure = 6,
  /// Bytes on disk are not what was written.
  corrupt = 7,
  /// The store, journal or protocol is of a newer format than this program.
  newer_format = 8,
  /// Another process holds the resource.
  in_use = 9,
  /// The write came from an actor that has been replaced; nothing was written.
  stale_writer = 10,
  /// A call of the operating system failed.
  os_failure = 11,
  /// The other side is gone or did not answer in time.
  unavailable = 12,
  /// A bug in Pinion.
  internal = 13,
};

/// The name of `code` as the API spells it, such as "not_found".
constexpr const char* to_string(errc code) noexcept {
  switch (code) {
  case errc::none:
    return "none";
  case errc::invalid:
    return "invalid";
  case errc::not_found:
    return "not_found";
  case errc::refused:
    return "refused";
  case errc::exists:
    return "exists";
  case errc::limit:
    return "limit";
  case errc::storage_failure:
    return "storage_failure";
  case errc::corrupt:
    return "corrupt";
  case errc::newer_format:
    return "newer_format";
  case errc::in_use:
    return "in_use";
  case errc::stale_writer:
    return "stale_writer";
  case errc::os_failure:
    return "os_failure";
  case errc::unavailable:
    return "unavailable";
  case errc::internal:
    return "internal";
  }
  return "internal";
}

/// Why something could not be done, for a program (`code`) and for a person: `message` is a
/// sentence that carries the offending values, `suggestion` the mend, empty where none is near.
struct problem {
  errc code = errc::internal;
  std::string message;
  std::string suggestion = {};

  friend bool operator==(const problem&, const problem&) = default;
};

/// A value or the problem that prevented it. Reading the wrong side is undefined: check first, or
/// use BOOST_OUTCOME_TRY.
template <class T>
using result = boost::outcome_v2::basic_result<T, problem, boost::outcome_v2::policy::all_narrow>;

/// The result of what only succeeds or fails: `return ok();`.
inline auto ok() { return boost::outcome_v2::success(); }

} // namespace pinion
