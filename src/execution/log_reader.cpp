#include "pinion/execution/log_reader.hpp"

#include "execution/log_index.hpp"
#include "pinion/execution/attempt_files.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pinion {

namespace {

/// Opens a plain file below `folder`, through no link: tasks own what lies there and may put links
/// in a log's place.
unique_fd open_beneath(int folder, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const auto fd = ::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
    return unique_fd{static_cast<int>(fd)};
  // Before Linux 5.6, or filtered: step by step, no step a link.
  unique_fd at{::dup(folder)};
  std::size_t from = 0;
  for (auto slash = path.find('/'); at && slash != std::string::npos;
       slash = path.find('/', from)) {
    const auto name = path.substr(from, slash - from);
    at.reset(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    from = slash + 1;
  }
  if (!at)
    return {};
  return unique_fd{::openat(at.get(), path.substr(from).c_str(), static_cast<int>(how.flags))};
}

std::string read_at(int fd, std::uint64_t offset, std::size_t bytes) {
  std::string out(bytes, '\0');
  std::size_t have = 0;
  while (have < bytes) {
    const auto got =
        ::pread(fd, out.data() + have, bytes - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}

instant to_instant(const statx_timestamp& at) {
  return from_us(at.tv_sec * 1'000'000 + at.tv_nsec / 1'000);
}

/// Linear between the marks around `offset`.
instant interpolate(const std::vector<log_time>& marks, std::uint64_t offset) {
  const auto after = std::upper_bound(
      marks.begin(), marks.end(), offset,
      [](std::uint64_t value, const log_time& mark) { return value < mark.offset; });
  if (after == marks.begin())
    return marks.front().at;
  if (after == marks.end())
    return marks.back().at;
  const auto& before = *std::prev(after);
  const auto part = static_cast<double>(offset - before.offset) /
                    static_cast<double>(after->offset - before.offset);
  const auto span = static_cast<double>((after->at - before.at).count());
  return before.at + duration{static_cast<std::int64_t>(part * span)};
}

} // namespace

struct log_reader::files {
  unique_fd folder;
  unique_fd log;
  std::string index_name;

  struct view {
    std::uint64_t size = 0;
    log_index index;
  };

  /// Size, cut and marks of this moment. Marks are asked for only where they are used.
  result<view> look(bool with_times) const {
    struct statx status {};
    if (::statx(log.get(), "", AT_EMPTY_PATH, STATX_SIZE | STATX_MTIME | STATX_BTIME, &status) != 0)
      return os_problem("look at a log", errno);
    view out;
    out.size = status.stx_size;
    if (const auto file = open_beneath(folder.get(), index_name)) {
      const auto most = index_head_bytes + 2 * most_index_entries * index_entry_bytes;
      out.index = decode_log_index(read_at(file.get(), 0, with_times ? most : index_head_bytes));
    }
    if (with_times)
      complete(out, status);
    return out;
  }

  /// Adds what the file itself says: its birth and its last change. A log without index was written
  /// in between, within moments.
  static void complete(view& to, const struct statx& status) {
    auto& marks = to.index.times;
    const auto changed = to_instant(status.stx_mtime);
    if (marks.empty())
      marks.push_back({0, (status.stx_mask & STATX_BTIME) != 0
                              ? std::min(to_instant(status.stx_btime), changed)
                              : changed});
    if (marks.back().offset < to.size)
      marks.push_back({to.size, std::max(changed, marks.back().at)});
  }
};

log_reader::log_reader(std::unique_ptr<files> opened) noexcept : files_{std::move(opened)} {}
log_reader::log_reader(log_reader&&) noexcept = default;
log_reader& log_reader::operator=(log_reader&&) noexcept = default;
log_reader::~log_reader() = default;

result<log_reader> log_reader::open(const std::string& data_dir, const instance_key& instance,
                                    std::uint32_t attempt) {
  auto opened = std::make_unique<files>();
  opened->folder.reset(::open(data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!opened->folder)
    return os_problem("open " + data_dir, errno);
  const auto name = log_name(instance, attempt);
  opened->log = open_beneath(opened->folder.get(), name);
  if (!opened->log && errno == ENOENT)
    return problem{errc::not_found, "this attempt has no log"};
  if (!opened->log)
    return os_problem("open the log " + name, errno);
  struct stat status {};
  if (::fstat(opened->log.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return problem{errc::refused, "the log " + name + " is not a plain file"};
  opened->index_name = name + ".idx";
  return log_reader{std::move(opened)};
}

result<log_chunk> log_reader::read(std::uint64_t offset, std::size_t max_bytes) const {
  // The cut is read after the bytes as well: it may have come in between, and left zeros in them.
  log_chunk out;
  const auto wanted = std::clamp<std::size_t>(max_bytes, 1, max_chunk_bytes);
  for (int tries = 0; tries < 3; ++tries) {
    BOOST_OUTCOME_TRY(before, files_->look(false));
    const auto& cut = before.index;
    out = {};
    out.size = before.size;
    out.offset = std::min(offset, before.size);
    auto end = before.size;
    if (cut.cut_begin < cut.cut_end) {
      if (out.offset >= cut.cut_begin && out.offset < cut.cut_end)
        out.offset = std::min(cut.cut_end, before.size);
      if (out.offset == cut.cut_end)
        out.cut_bytes = cut.cut_end - cut.cut_begin;
      if (out.offset < cut.cut_begin)
        end = cut.cut_begin;
    }
    const auto bytes = std::min<std::uint64_t>(wanted, end - out.offset);
    out.bytes = read_at(files_->log.get(), out.offset, static_cast<std::size_t>(bytes));
    out.next_offset = out.offset + out.bytes.size();
    BOOST_OUTCOME_TRY(after, files_->look(false));
    if (after.index.cut_end == cut.cut_end || out.next_offset <= after.index.cut_begin)
      break;
  }
  return out;
}

result<std::uint64_t> log_reader::tail_offset(std::uint64_t lines,
                                              std::uint64_t max_back_bytes) const {
  BOOST_OUTCOME_TRY(now, files_->look(false));
  auto at = now.size;
  const auto least = std::max(now.index.cut_end, now.size - std::min(now.size, max_back_bytes));
  std::uint64_t found = 0;
  while (at > least && lines > 0) {
    const auto step = std::min<std::uint64_t>(at - least, 64U << 10U);
    const auto block = read_at(files_->log.get(), at - step, static_cast<std::size_t>(step));
    for (auto i = block.size(); i-- > 0;) {
      // The newline that ends the log ends its last line, it begins no other.
      if (block[i] != '\n' || at - step + i + 1 == now.size)
        continue;
      if (++found == lines)
        return at - step + i + 1;
    }
    at -= step;
  }
  return lines == 0 ? now.size : std::min(least, now.size);
}

result<std::uint64_t> log_reader::offset_since(instant since) const {
  BOOST_OUTCOME_TRY(now, files_->look(true));
  std::uint64_t out = 0;
  for (const auto& mark : now.index.times) {
    if (mark.at >= since)
      break;
    out = mark.offset;
  }
  return out;
}

result<instant> log_reader::time_of(std::uint64_t offset) const {
  BOOST_OUTCOME_TRY(now, files_->look(true));
  return interpolate(now.index.times, offset);
}

result<std::vector<instant>> log_reader::times_of(const std::vector<std::uint64_t>& offsets) const {
  BOOST_OUTCOME_TRY(now, files_->look(true));
  std::vector<instant> out;
  out.reserve(offsets.size());
  for (const auto offset : offsets)
    out.push_back(interpolate(now.index.times, offset));
  return out;
}

result<std::uint64_t> log_reader::size() const {
  BOOST_OUTCOME_TRY(now, files_->look(false));
  return now.size;
}

result<std::uint64_t> log_reader::cut_bytes() const {
  BOOST_OUTCOME_TRY(now, files_->look(false));
  return now.index.cut_end - now.index.cut_begin;
}

} // namespace pinion
