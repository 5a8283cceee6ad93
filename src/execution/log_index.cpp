#include "execution/log_index.hpp"

#include "execution/wire.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion {

namespace {

constexpr std::string_view magic{"PNLGIX\0\1", 8};
constexpr std::uint64_t kept_head = 1U << 20U;
constexpr std::uint64_t block = 4096;
constexpr std::size_t max_index_bytes =
    index_head_bytes + 2 * most_index_entries * index_entry_bytes;

std::string head_of(const log_index& index) {
  std::string out{magic};
  byte_writer to{out};
  to.u64(index.cut_begin);
  to.u64(index.cut_end);
  return out;
}

void put(std::string& out, const log_time& entry) {
  byte_writer to{out};
  to.u64(entry.offset);
  to.i64(to_us(entry.at));
}

/// Opens for appending; makes the folder (and its parent) when that is what is missing.
int open_log(const std::string& path) {
  constexpr int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  const auto fd = ::open(path.c_str(), flags, 0600);
  if (fd >= 0 || errno != ENOENT)
    return fd;
  const auto folder = path.substr(0, path.rfind('/'));
  const auto parent = folder.substr(0, folder.rfind('/'));
  const auto grand = parent.substr(0, parent.rfind('/'));
  for (const auto& each : {grand, parent, folder})
    if (!make_folder(each))
      return -1;
  return ::open(path.c_str(), flags, 0600);
}

} // namespace

log_index decode_log_index(std::string_view bytes) {
  log_index out;
  if (bytes.size() < index_head_bytes || bytes.substr(0, magic.size()) != magic)
    return out;
  byte_reader from{bytes.substr(magic.size())};
  out.cut_begin = from.u64();
  out.cut_end = from.u64();
  if (out.cut_end < out.cut_begin)
    out.cut_end = out.cut_begin = 0;
  while (from.left() >= index_entry_bytes) {
    const log_time entry{from.u64(), from_us(from.i64())};
    if (!out.times.empty() &&
        (entry.offset < out.times.back().offset || entry.at < out.times.back().at))
      break;
    out.times.push_back(entry);
  }
  return out;
}

std::string encode_log_index(const log_index& index) {
  auto out = head_of(index);
  for (const auto& entry : index.times)
    put(out, entry);
  return out;
}

result<log_watch> log_watch::open(const std::string& path, std::uint64_t limit_bytes, instant now) {
  log_watch out;
  out.file_.reset(open_log(path));
  if (!out.file_)
    return os_problem("open the log " + path, errno);
  struct stat status {};
  if (::fstat(out.file_.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return problem{errc::os_failure, "the log " + path + " is not a plain file"};
  // O_NONBLOCK was there only so that a pipe in the log's place could not hold us up.
  ::fcntl(out.file_.get(), F_SETFL, O_APPEND);
  out.path_ = path;
  out.limit_ = std::max<std::uint64_t>(limit_bytes, 2 * block);
  out.size_ = static_cast<std::uint64_t>(status.st_size);
  if (out.size_ > 0) {
    // An earlier step of the attempt wrote here.
    if (const auto old = read_small_file(path + ".idx", max_index_bytes))
      out.index_ = decode_log_index(old.assume_value());
    const auto least = out.index_.times.empty() ? now : out.index_.times.back().at;
    out.index_.times.push_back({out.size_, std::max(now, least)});
    out.rewrite();
  } else {
    // The index is made with the first growth that is seen: most tasks end before.
    out.index_.times.push_back({0, now});
  }
  return out;
}

void log_watch::look(instant now, bool last) {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0)
    return;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const auto grown = size > size_ ? size - size_ : 0;
  if (size < size_) {
    // The task truncated its own output: what is known of the time before is of no use.
    index_ = {};
    if (index_file_)
      rewrite();
  }
  size_ = size;
  hurried_ = grown > limit_ / 16;
  const auto begun = static_cast<bool>(index_file_);
  if (grown > 0 && (!last || begun))
    note(now);
  if (!no_holes_ && size_ - (index_.cut_end - index_.cut_begin) > limit_)
    cut_middle();
}

void log_watch::note(instant now) {
  auto& times = index_.times;
  if (!times.empty() && now < times.back().at + spacing_) {
    // Too close (or the clock stepped back): the last mark moves up instead. Its time stands.
    if (times.size() > 1 && now >= times.back().at) {
      times.back() = {size_, now};
      write_entry();
    }
    return;
  }
  times.push_back({size_, now});
  if (times.size() <= most_index_entries) {
    write_entry();
    return;
  }
  std::vector<log_time> thinned;
  thinned.reserve(times.size() / 2 + 1);
  for (std::size_t i = 0; i < times.size(); i += 2)
    thinned.push_back(times[i]);
  if (times.size() % 2 == 0)
    thinned.push_back(times.back());
  const auto span = times.back().at - times.front().at;
  spacing_ = 2 * span / static_cast<std::int64_t>(most_index_entries);
  times = std::move(thinned);
  rewrite();
}

void log_watch::cut_middle() {
  // Half of a small limit for the head, at most the first MiB; the rest is for what is newest.
  const auto head = std::min(kept_head, limit_ / 2) / block * block;
  const auto tail = limit_ - head;
  const auto from = cut() ? index_.cut_end : head;
  const auto to = (size_ - std::min(tail, size_)) / block * block;
  if (to <= from)
    return;
  const auto former_begin = index_.cut_begin;
  const auto former_end = index_.cut_end;
  // Recorded first: if we are killed in between, readers leave out text that is still there instead
  // of taking zeros for text.
  const auto recorded = record_cut(head, to);
  if (::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                  static_cast<off_t>(to - from)) != 0) {
    // The log stays whole: nothing is claimed to be cut.
    no_holes_ = errno == EOPNOTSUPP || errno == ENOSYS;
    record_cut(former_begin, former_end);
  } else if (!recorded) {
    // On a full disk the hole has made room.
    record_cut(head, to);
  }
}

bool log_watch::record_cut(std::uint64_t begin, std::uint64_t end) {
  index_.cut_begin = begin;
  index_.cut_end = end;
  if (index_file_) {
    const auto bytes = head_of(index_);
    if (::pwrite(index_file_.get(), bytes.data(), bytes.size(), 0) ==
        static_cast<ssize_t>(bytes.size()))
      return true;
  }
  rewrite();
  return static_cast<bool>(index_file_);
}

void log_watch::write_entry() {
  if (!index_file_) {
    rewrite();
    return;
  }
  std::string bytes;
  put(bytes, index_.times.back());
  const auto at = index_head_bytes + (index_.times.size() - 1) * index_entry_bytes;
  if (::pwrite(index_file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)) < 0)
    index_file_.reset();
}

void log_watch::rewrite() {
  if (!index_file_ && !index_failed_) {
    const auto path = path_ + ".idx";
    index_file_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    index_failed_ = !index_file_;
  }
  if (!index_file_)
    return;
  // Timestamps are a convenience: on a full disk the log itself is what counts.
  const auto bytes = encode_log_index(index_);
  if (::pwrite(index_file_.get(), bytes.data(), bytes.size(), 0) < 0 ||
      ::ftruncate(index_file_.get(), static_cast<off_t>(bytes.size())) != 0)
    index_file_.reset();
}

} // namespace pinion
