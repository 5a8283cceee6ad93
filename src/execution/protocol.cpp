#include "execution/protocol.hpp"

#include "execution/wire.hpp"

#include <algorithm>

namespace pinion {

namespace {

void put(byte_writer& to, const std::vector<std::string>& list) {
  to.u32(static_cast<std::uint32_t>(list.size()));
  for (const auto& text : list)
    to.text(text);
}

std::vector<std::string> read_list(byte_reader& from) {
  const auto count = from.u32();
  std::vector<std::string> out;
  // An element takes at least its length: a count that lies cannot make us allocate.
  out.reserve(std::min<std::size_t>(count, from.left() / 4));
  for (std::uint32_t i = 0; i < count && from.ok(); ++i)
    out.emplace_back(from.text());
  return out;
}

void body(std::string& out, const wire::hello& m) {
  byte_writer to{out};
  to.u32(m.min_version);
  to.u32(m.max_version);
  to.u64(m.epoch);
}

void body(std::string& out, const wire::start& m) {
  byte_writer to{out};
  to.key(m.key);
  put(to, m.argv);
  put(to, m.environment);
  to.text(m.cwd);
  to.text(m.stdin_path);
  to.text(m.log_path);
  to.i64(m.timeout.count());
  to.i64(m.grace.count());
  to.i64(m.lease.count());
  to.u64(m.log_limit_bytes);
  to.u32(m.slot);
}

void body(std::string& out, const wire::inquire& m) { byte_writer{out}.key(m.key); }

void body(std::string& out, const wire::stop& m) {
  byte_writer to{out};
  to.key(m.key);
  to.i64(m.grace.count());
}

void body(std::string& out, const wire::acknowledge& m) { byte_writer{out}.key(m.key); }

void body(std::string&, const wire::renew&) {}

void body(std::string& out, const wire::welcome& m) {
  byte_writer to{out};
  to.u32(m.version);
  to.i64(m.pid);
}

void body(std::string& out, const wire::refused& m) { byte_writer{out}.text(m.why); }

void body(std::string& out, const wire::started& m) {
  byte_writer to{out};
  to.key(m.key);
  to.i64(m.pid);
  to.i64(to_us(m.at));
  to.u32(m.slot);
}

void body(std::string& out, const wire::ended& m) {
  byte_writer to{out};
  to.key(m.key);
  to.u32(m.slot);
  append_end(out, m.end);
}

void body(std::string& out, const wire::unknown& m) { byte_writer{out}.key(m.key); }

void body(std::string& out, const wire::reported& m) {
  byte_writer to{out};
  to.u32(static_cast<std::uint32_t>(m.slots.size()));
  for (const auto slot : m.slots)
    to.u32(slot);
}

wire::reported read_reported(byte_reader& from) {
  wire::reported m;
  const auto count = from.u32();
  for (std::uint32_t i = 0; i < count && from.ok(); ++i)
    m.slots.push_back(from.u32());
  return m;
}

wire::start read_start(byte_reader& from) {
  wire::start m;
  m.key = from.key();
  m.argv = read_list(from);
  m.environment = read_list(from);
  m.cwd = from.text();
  m.stdin_path = from.text();
  m.log_path = from.text();
  m.timeout = duration{from.i64()};
  m.grace = duration{from.i64()};
  m.lease = duration{from.i64()};
  m.log_limit_bytes = from.u64();
  m.slot = from.u32();
  return m;
}

// Braced lists are evaluated from left to right: the order of the fields on the wire.
std::optional<wire_message> read_message(std::uint8_t kind, byte_reader& from) {
  switch (kind) {
  case wire::hello::kind:
    return wire::hello{from.u32(), from.u32(), from.u64()};
  case wire::start::kind:
    return read_start(from);
  case wire::inquire::kind:
    return wire::inquire{from.key()};
  case wire::stop::kind:
    return wire::stop{from.key(), duration{from.i64()}};
  case wire::acknowledge::kind:
    return wire::acknowledge{from.key()};
  case wire::renew::kind:
    return wire::renew{};
  case wire::welcome::kind:
    return wire::welcome{from.u32(), from.i64()};
  case wire::refused::kind:
    return wire::refused{std::string{from.text()}};
  case wire::started::kind:
    return wire::started{from.key(), from.i64(), from_us(from.i64()), from.u32()};
  case wire::ended::kind:
    return wire::ended{from.key(), from.u32(), read_end(from)};
  case wire::unknown::kind:
    return wire::unknown{from.key()};
  case wire::reported::kind:
    return read_reported(from);
  default:
    return std::nullopt;
  }
}

} // namespace

void append_end(std::string& out, const process_end& end) {
  byte_writer to{out};
  to.u8(static_cast<std::uint8_t>(end.kind));
  to.u32(static_cast<std::uint32_t>(end.exit_code));
  to.u32(static_cast<std::uint32_t>(end.signal));
  to.text(end.message);
  to.i64(to_us(end.started_at));
  to.i64(to_us(end.ended_at));
  to.u64(end.log_bytes);
  to.u8(end.log_cut ? 1 : 0);
}

process_end read_end(byte_reader& from) {
  process_end end;
  const auto kind = from.u8();
  // What a newer launcher calls by a new number is for an older engine an end without known reason.
  end.kind = kind <= static_cast<std::uint8_t>(end_kind::lost) ? static_cast<end_kind>(kind)
                                                               : end_kind::lost;
  end.exit_code = static_cast<int>(from.u32());
  end.signal = static_cast<int>(from.u32());
  end.message = from.text();
  end.started_at = from_us(from.i64());
  end.ended_at = from_us(from.i64());
  end.log_bytes = from.u64();
  end.log_cut = from.u8() != 0;
  return end;
}

void append_frame(std::string& out, const wire_message& message) {
  const auto start = out.size();
  byte_writer{out}.u32(0);
  std::visit(
      [&out](const auto& m) {
        byte_writer{out}.u8(m.kind);
        body(out, m);
      },
      message);
  std::string length;
  byte_writer{length}.u32(static_cast<std::uint32_t>(out.size() - start - 4));
  out.replace(start, 4, length);
}

result<wire_message> decode_frame(std::string_view frame) {
  byte_reader from{frame};
  const auto kind = from.u8();
  auto message = read_message(kind, from);
  if (!message)
    return problem{errc::invalid, "a frame of unknown kind " + std::to_string(kind)};
  if (!from.ok())
    return problem{errc::invalid, "a frame of kind " + std::to_string(kind) + " is too short"};
  return std::move(*message);
}

result<std::optional<wire_message>> frame_buffer::next() {
  const auto left = bytes_.size() - taken_;
  if (left >= 4) {
    const std::string_view rest = std::string_view{bytes_}.substr(taken_);
    const auto size = byte_reader{rest}.u32();
    if (size == 0 || size > max_frame_bytes)
      return problem{errc::invalid, "a frame of " + std::to_string(size) + " bytes"};
    if (left >= 4 + std::size_t{size}) {
      BOOST_OUTCOME_TRY(message, decode_frame(rest.substr(4, size)));
      taken_ += 4 + std::size_t{size};
      return std::optional<wire_message>{std::move(message)};
    }
  }
  bytes_.erase(0, taken_);
  taken_ = 0;
  return std::optional<wire_message>{};
}

} // namespace pinion
