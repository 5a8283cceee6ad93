#pragma once

#include "pinion/execution/launcher.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pinion {

/// What engine and launcher say to each other over `launcher.sock`.
///
/// A frame is: u32 length of what follows, u8 kind, body; numbers little-endian. The engine speaks
/// first (`hello`), the launcher answers `welcome` or `refused`, then both send as they like.
///
/// Versions: `hello` names the range that the engine speaks, the launcher takes the highest that
/// both know and names it in `welcome`; without one it answers `refused`. A new version may append
/// fields to a body and add kinds; who reads an older version's body takes defaults for what is
/// missing, and who speaks an older version sends nothing new. So a newer engine speaks to the
/// launcher that it finds. Bytes after the last known field of a body are ignored. Version 1 is
/// this.
inline constexpr std::uint32_t protocol_min = 1;
inline constexpr std::uint32_t protocol_max = 1;

/// Most bytes of one frame: what exec itself takes is less (E2BIG).
inline constexpr std::size_t max_frame_bytes = 8U << 20U;

/// The message types; `kind` is the byte on the wire: append, never renumber.
namespace wire {

struct hello {
  static constexpr std::uint8_t kind = 1;
  std::uint32_t min_version = protocol_min;
  std::uint32_t max_version = protocol_max;
  /// Of the engine: a launcher refuses a connection, and every command on an older connection,
  /// whose epoch is lower than the highest it has seen in a hello, over its own restarts too.
  std::uint64_t epoch = 0;
};

/// Start the process unless its key is claimed; answered by what is then known of it.
struct start {
  static constexpr std::uint8_t kind = 2;
  process_key key;
  std::vector<std::string> argv;
  std::vector<std::string> environment; ///< "NAME=value" each.
  std::string cwd;
  std::string stdin_path; ///< Empty: /dev/null.
  std::string log_path;
  duration timeout{0};
  duration grace{0};
  /// After so long without `renew` the process is stopped; zero: never, as the local worker sends.
  duration lease{0};
  std::uint64_t log_limit_bytes = 0;
  /// The engine's side notes here where it has put the attempt's files; it gets it back with
  /// `started` and `ended`, also after a restart.
  std::uint32_t slot = 0;
};

struct inquire {
  static constexpr std::uint8_t kind = 3;
  process_key key;
};

struct stop {
  static constexpr std::uint8_t kind = 4;
  process_key key;
  duration grace{0};
};

struct acknowledge {
  static constexpr std::uint8_t kind = 5;
  process_key key;
};

/// The leases of all processes that have one begin anew.
struct renew {
  static constexpr std::uint8_t kind = 6;
};

struct welcome {
  static constexpr std::uint8_t kind = 32;
  std::uint32_t version = 0;
  std::int64_t pid = 0;
};

/// Nothing that was asked for on this connection will be done any more; it is closed.
struct refused {
  static constexpr std::uint8_t kind = 33;
  std::string why;
};

struct started {
  static constexpr std::uint8_t kind = 34;
  process_key key;
  std::int64_t pid = 0;
  instant at{};
  std::uint32_t slot = 0;
};

/// `end` without outputs: those are collected by the engine's side.
struct ended {
  static constexpr std::uint8_t kind = 35;
  process_key key;
  std::uint32_t slot = 0;
  process_end end;
};

struct unknown {
  static constexpr std::uint8_t kind = 36;
  process_key key;
};

/// Follows `welcome` after the `started` and `ended` of everything that is known.
struct reported {
  static constexpr std::uint8_t kind = 37;
  /// Slots of what is claimed and about to start or being searched for: in use, but not told yet.
  std::vector<std::uint32_t> slots;
};

} // namespace wire

using wire_message = std::variant<wire::hello, wire::start, wire::inquire, wire::stop,
                                  wire::acknowledge, wire::renew, wire::welcome, wire::refused,
                                  wire::started, wire::ended, wire::unknown, wire::reported>;

/// Appends the frame of `message` to `out`.
void append_frame(std::string& out, const wire_message& message);

/// Decodes kind and body of a frame. Fails with `errc::invalid` for an unknown kind or a short
/// body.
result<wire_message> decode_frame(std::string_view frame);

/// Collects bytes from a socket and cuts them into frames.
class frame_buffer {
public:
  void append(std::string_view bytes) { bytes_.append(bytes); }
  /// The next whole message, nothing until more bytes come. Fails with `errc::invalid` for a frame
  /// that is too large or cannot be decoded; the buffer is then of no more use.
  result<std::optional<wire_message>> next();

private:
  std::string bytes_;
  std::size_t taken_ = 0;
};

/// The fields of an end that are kept and sent (all but the outputs); also the body in the journal.
void append_end(std::string& out, const process_end& end);

class byte_reader;
process_end read_end(byte_reader& from);

} // namespace pinion
