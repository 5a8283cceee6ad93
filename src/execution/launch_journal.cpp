#include "execution/launch_journal.hpp"

#include "execution/protocol.hpp"
#include "execution/wire.hpp"

#include <algorithm>
#include <boost/crc.hpp>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace pinion {

namespace {

constexpr std::string_view magic{"PNLJRN\0\1", 8};
/// The journal is rewritten when it has grown to this and to twice what is alive in it.
constexpr std::uint64_t rewrite_bytes = 256U << 10U;
constexpr std::size_t max_journal_bytes = 1U << 30U;

enum class record : std::uint8_t {
  launcher = 1,
  epoch = 2,
  claimed = 3,
  started = 4,
  exited = 5,
  forgotten = 6
};

std::string journal_path(const std::string& data_dir) { return data_dir + "/launcher.journal"; }

std::uint32_t checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::string framed(const std::string& body) {
  std::string out;
  out.reserve(body.size() + 8);
  byte_writer to{out};
  to.u32(static_cast<std::uint32_t>(body.size()));
  to.u32(checksum(body));
  return out + body;
}

std::string keyed(record type, const process_key& key) {
  std::string body;
  byte_writer to{body};
  to.u8(static_cast<std::uint8_t>(type));
  to.key(key);
  return body;
}

std::string launcher_body(const launch_journal::history& from) {
  std::string body;
  byte_writer to{body};
  to.u8(static_cast<std::uint8_t>(record::launcher));
  to.text(from.boot_id);
  to.text(from.cgroup);
  to.u64(from.epoch);
  return body;
}

std::string claim_body(const process_key& key, instant at, std::uint32_t slot) {
  auto body = keyed(record::claimed, key);
  byte_writer to{body};
  to.i64(to_us(at));
  to.u32(slot);
  return body;
}

std::string start_body(const process_key& key, const journal_entry& entry) {
  auto body = keyed(record::started, key);
  byte_writer to{body};
  to.i64(entry.pid);
  to.u64(entry.start_ticks);
  to.i64(to_us(entry.started_at));
  return body;
}

std::string end_body(const process_key& key, const process_end& end) {
  auto body = keyed(record::exited, key);
  append_end(body, end);
  return body;
}

/// Brings one record into the history; false for one that cannot be understood.
bool take_record(launch_journal::history& to, std::string_view body) {
  byte_reader from{body};
  const auto type = static_cast<record>(from.u8());
  if (type == record::launcher) {
    to.boot_id = from.text();
    to.cgroup = from.text();
    to.epoch = std::max(to.epoch, from.u64());
    return from.ok();
  }
  if (type == record::epoch) {
    to.epoch = std::max(to.epoch, from.u64());
    return from.ok();
  }
  const auto key = from.key();
  if (!from.ok())
    return false;
  switch (type) {
  case record::claimed: {
    // Behind a gap it may follow an end that was forgotten.
    auto& entry = to.entries[key] = {};
    entry.claimed_at = from_us(from.i64());
    entry.slot = from.u32();
    break;
  }
  case record::started: {
    auto& entry = to.entries[key];
    entry.pid = from.i64();
    entry.start_ticks = from.u64();
    entry.started_at = from_us(from.i64());
    break;
  }
  case record::exited: {
    auto& entry = to.entries[key];
    entry.end = read_end(from);
    entry.ended = true;
    break;
  }
  case record::forgotten:
    to.entries.erase(key);
    break;
  default:
    return false;
  }
  return from.ok();
}

std::string whole(const launch_journal::history& from) {
  std::string out{magic};
  out += framed(launcher_body(from));
  for (const auto& [key, entry] : from.entries) {
    out += framed(claim_body(key, entry.claimed_at, entry.slot));
    if (entry.pid != 0)
      out += framed(start_body(key, entry));
    if (entry.ended)
      out += framed(end_body(key, entry.end));
  }
  return out;
}

} // namespace

result<launch_journal::history> launch_journal::read(const std::string& data_dir) {
  history out;
  const auto path = journal_path(data_dir);
  auto bytes = read_small_file(path, max_journal_bytes);
  if (!bytes && bytes.assume_error().code == errc::not_found)
    return out;
  if (!bytes)
    return std::move(bytes).assume_error();
  std::string_view rest = bytes.assume_value();
  // A head cut short is the torn tail of a journal that never held a claim.
  if (rest.size() < magic.size() && magic.substr(0, rest.size()) == rest)
    return out;
  if (rest.substr(0, magic.size() - 1) != magic.substr(0, magic.size() - 1))
    return problem{errc::corrupt, path + " is not a launcher's journal",
                   "move it away if no task of this data folder is running"};
  if (rest[magic.size() - 1] != magic.back())
    return problem{errc::newer_format, path + " was written by a newer launcher",
                   "start the version of pinion that wrote it"};
  rest.remove_prefix(magic.size());
  while (rest.size() >= 8) {
    byte_reader head{rest};
    const auto size = head.u32();
    const auto sum = head.u32();
    if (rest.size() - 8 < size || checksum(rest.substr(8, size)) != sum ||
        !take_record(out, rest.substr(8, size)))
      break;
    rest.remove_prefix(8 + std::size_t{size});
  }
  return out;
}

result<launch_journal> launch_journal::open(const std::string& data_dir, history from) {
  launch_journal out;
  out.data_dir_ = data_dir;
  out.known_ = std::move(from);
  BOOST_OUTCOME_TRY(out.rewrite());
  return out;
}

result<void> launch_journal::rewrite() {
  const auto path = journal_path(data_dir_);
  const auto fresh = path + ".new";
  unique_fd file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)};
  if (!file)
    return os_problem("write " + fresh, errno);
  const auto bytes = whole(known_);
  if (!write_all(file.get(), bytes) || ::rename(fresh.c_str(), path.c_str()) != 0)
    return os_problem("write " + path, errno);
  file_ = std::move(file);
  torn_ = behind_ = false;
  size_ = bytes.size();
  rewrite_above_ = std::max(rewrite_bytes, 2 * size_);
  return ok();
}

result<void> launch_journal::append(const std::string& body) {
  // What follows a part of a record is never read: a claim there would be none. One behind a gap
  // counts; there may be room for it where there is none for the whole.
  if (torn_ || behind_)
    if (auto whole_again = rewrite(); !whole_again && torn_)
      return whole_again;
  const auto bytes = framed(body);
  if (!write_all(file_.get(), bytes)) {
    const auto error = errno;
    torn_ = ::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0;
    return os_problem("write " + journal_path(data_dir_), error);
  }
  size_ += bytes.size();
  take_record(known_, body);
  // A failed rewrite leaves the longer journal in use: it is tried again after as much growth.
  if (size_ > rewrite_above_ && !rewrite())
    rewrite_above_ = size_ + rewrite_bytes;
  return ok();
}

result<void> launch_journal::note(const std::string& body) {
  auto written = append(body);
  if (!written) {
    take_record(known_, body);
    behind_ = true;
  }
  return written;
}

result<void> launch_journal::claim(const process_key& key, instant at, std::uint32_t slot) {
  return append(claim_body(key, at, slot));
}

result<void> launch_journal::start(const process_key& key, std::int64_t pid,
                                   std::uint64_t start_ticks, instant at) {
  journal_entry entry;
  entry.pid = pid;
  entry.start_ticks = start_ticks;
  entry.started_at = at;
  return note(start_body(key, entry));
}

result<void> launch_journal::end(const process_key& key, const process_end& end) {
  return note(end_body(key, end));
}

result<void> launch_journal::forget(const process_key& key) {
  return note(keyed(record::forgotten, key));
}

result<void> launch_journal::raise_epoch(std::uint64_t epoch) {
  std::string body;
  byte_writer to{body};
  to.u8(static_cast<std::uint8_t>(record::epoch));
  to.u64(epoch);
  return append(body);
}

} // namespace pinion
