#include "execution/staging.hpp"

#include "execution/os.hpp"
#include "execution/outputs.hpp"
#include "pinion/execution/attempt_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion {

namespace {

/// Set here; what a request says of them is dropped. TMPDIR is not among them: a task may choose
/// its own.
constexpr std::array<std::string_view, 5> reserved{
    "PINION_OUTPUT", "PINION_INPUTS", "PINION_PARAMS", "PINION_WORKSPACE", "PINION_FENCE"};

/// Slots kept for the next processes.
constexpr std::size_t most_free = 512;

/// Opens a plain file for writing, 0600, made if absent; never a link, never waits as opening a
/// pipe would.
unique_fd open_plain(const std::string& path, std::uint64_t& size) {
  constexpr int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  unique_fd file{::open(path.c_str(), flags, 0600)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0)
    return {};
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1)
    return {};
  size = static_cast<std::uint64_t>(status.st_size);
  return file;
}

/// Makes `text` the content of the file. What was there is overwritten and cut off behind, not
/// truncated first: ext4 would then write it to disk when it is closed.
result<void> put_file(const std::string& path, std::string_view text) {
  std::uint64_t size = 0;
  auto file = open_plain(path, size);
  if (!file && ::unlink(path.c_str()) == 0)
    // A task put something else in its place.
    file = open_plain(path, size);
  if (!file || !write_all(file.get(), text) ||
      (size > text.size() && ::ftruncate(file.get(), static_cast<off_t>(text.size())) != 0))
    return os_problem("write " + path, errno);
  return ok();
}

/// What the file at `path` holds, at most `limit` bytes of it.
result<std::string> read_up_to(int fd, const std::string& path, std::size_t limit) {
  std::string out;
  char block[16U << 10U];
  while (out.size() < limit) {
    const auto got = ::read(fd, block, std::min(sizeof block, limit - out.size()));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return os_problem("read " + path, errno);
    if (got == 0)
      break;
    out.append(block, static_cast<std::size_t>(got));
  }
  return out;
}

/// The slots that are there, ascending.
result<std::vector<std::uint32_t>> list_slots(const std::string& work) {
  std::vector<std::uint32_t> out;
  DIR* const folder = ::opendir(work.c_str());
  if (folder == nullptr && errno == ENOENT)
    return out;
  if (folder == nullptr)
    return os_problem("list " + work, errno);
  errno = 0;
  while (const auto* entry = ::readdir(folder)) {
    const std::string_view name{entry->d_name};
    std::uint32_t slot = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), slot);
    if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size())
      out.push_back(slot);
  }
  const auto error = errno;
  ::closedir(folder);
  if (error != 0)
    return os_problem("list " + work, error);
  std::sort(out.begin(), out.end());
  return out;
}

} // namespace

result<staging> staging::open(std::string data_dir) {
  BOOST_OUTCOME_TRY(slots, list_slots(data_dir + "/work"));
  staging out{std::move(data_dir)};
  for (const auto slot : slots) {
    out.former_[slot] = 0;
    out.next_ = slot + 1;
  }
  return out;
}

std::string staging::path_of(std::uint32_t slot) const {
  return data_dir_ + "/work/" + std::to_string(slot);
}

result<void> staging::make_slot(std::uint32_t slot) const {
  const auto path = path_of(slot);
  for (const auto& folder : {data_dir_ + "/work", path, path + "/tmp"}) {
    BOOST_OUTCOME_TRY(make_folder(folder));
  }
  return put_file(path + "/output", "");
}

result<std::uint32_t> staging::take_slot() {
  if (free_.empty()) {
    BOOST_OUTCOME_TRY(make_slot(next_));
    return next_++;
  }
  const auto slot = free_.back();
  free_.pop_back();
  return slot;
}

void staging::free_slot(std::uint32_t slot) {
  const auto path = path_of(slot);
  // The input may have been a secret.
  ::unlink((path + "/stdin").c_str());
  const auto clean = put_file(path + "/output", "") && empty_folder(path + "/tmp");
  if (clean && free_.size() < most_free) {
    free_.push_back(slot);
    return;
  }
  // Not needed, or a task left it in a state that we do not understand. What cannot be removed is
  // found again by the next engine.
  static_cast<void>(remove_tree(path));
}

bool staging::is_held(std::uint32_t former) const {
  return !told_all_ || former_.at(former) != 0 || awaited_.count(former) != 0;
}

void staging::let_go(std::uint32_t slot) {
  if (const auto former = former_.find(slot); former != former_.end()) {
    --former->second;
    if (is_held(slot))
      return;
    former_.erase(former);
  }
  free_slot(slot);
}

void staging::adopt(const process_key& key, std::uint32_t slot) {
  // Also one whose folder is not there: it is some process's as long as it is told of.
  next_ = std::max(next_, slot + 1);
  if (const auto awaited = awaited_.find(slot); awaited != awaited_.end())
    awaited_.erase(awaited);
  const auto former = former_.find(slot);
  const auto used = used_.find(key);
  if (former == former_.end() || (used != used_.end() && used->second == slot))
    return;
  ++former->second;
  if (used == used_.end()) {
    used_.emplace(key, slot);
    return;
  }
  // It ran already, with files made by a former engine: ours are not needed.
  let_go(used->second);
  used->second = slot;
}

void staging::all_adopted(const std::vector<std::uint32_t>& others) {
  told_all_ = true;
  awaited_.clear();
  for (const auto slot : others)
    if (former_.count(slot) != 0)
      awaited_.insert(slot);
  for (auto at = former_.begin(); at != former_.end();) {
    const auto slot = at->first;
    if (is_held(slot)) {
      ++at;
      continue;
    }
    at = former_.erase(at);
    free_slot(slot);
  }
}

result<std::string> staging::place_json(const std::string& path, const std::string& text) {
  if (text != "{}" && !text.empty()) {
    BOOST_OUTCOME_TRY(put_file(path, text));
    return path;
  }
  const auto shared = data_dir_ + "/work/empty.json";
  const auto is_there = [&shared] {
    const auto content = read_small_file(shared, 16);
    return content && content.assume_value() == "{}";
  };
  if (!has_empty_json_ && !is_there()) {
    ::unlink(shared.c_str());
    BOOST_OUTCOME_TRY(put_file(shared, "{}"));
    // Not to be written by a task that takes it for its own.
    ::chmod(shared.c_str(), 0400);
  }
  has_empty_json_ = true;
  return shared;
}

result<wire::start> staging::stage(const start_request& request) {
  const auto& key = request.key;
  wire::start out;
  const auto known = used_.find(key);
  if (known != used_.end()) {
    out.slot = known->second;
  } else {
    BOOST_OUTCOME_TRY(slot, take_slot());
    out.slot = slot;
  }
  if (auto filled = fill(request, out); !filled) {
    if (known == used_.end())
      free_slot(out.slot);
    return std::move(filled).assume_error();
  }
  used_[key] = out.slot;
  return out;
}

result<void> staging::fill(const start_request& request, wire::start& out) {
  const auto base = path_of(out.slot) + '/';
  // The files of a process that may be running stay as they are: a shell reads its script as it
  // goes.
  const auto staged = used_.count(request.key) != 0;
  const auto workspace = workspace_path(data_dir_, request.key.instance.run);
  if (!make_folder(workspace)) {
    BOOST_OUTCOME_TRY(make_folder(data_dir_ + "/workspaces"));
    BOOST_OUTCOME_TRY(make_folder(workspace));
  }
  out.key = request.key;
  out.argv = request.argv;
  if (!request.script.empty()) {
    if (!staged) {
      BOOST_OUTCOME_TRY(put_file(base + "script", request.script));
    }
    out.argv.push_back(base + "script");
    out.argv.insert(out.argv.end(), request.script_args.begin(), request.script_args.end());
  }
  if (!request.stdin_text.empty()) {
    out.stdin_path = base + "stdin";
    if (!staged) {
      BOOST_OUTCOME_TRY(put_file(out.stdin_path, request.stdin_text));
    }
  }
  BOOST_OUTCOME_TRY(inputs, place_json(base + "inputs.json", request.inputs_json));
  BOOST_OUTCOME_TRY(params, place_json(base + "params.json", request.params_json));
  std::size_t bytes = 4096;
  bool own_temporary = false;
  for (const auto& [name, value] : request.environment) {
    own_temporary = own_temporary || name == "TMPDIR";
    if (std::find(reserved.begin(), reserved.end(), name) == reserved.end())
      out.environment.push_back(name + '=' + value);
    bytes += name.size() + value.size() + 8;
  }
  if (!own_temporary)
    out.environment.push_back("TMPDIR=" + base + "tmp");
  out.environment.push_back("PINION_OUTPUT=" + base + "output");
  out.environment.push_back("PINION_INPUTS=" + inputs);
  out.environment.push_back("PINION_PARAMS=" + params);
  out.environment.push_back("PINION_WORKSPACE=" + workspace);
  for (const auto& argument : out.argv)
    bytes += argument.size() + 8;
  if (bytes + request.cwd.size() > max_frame_bytes)
    return problem{errc::limit, "the arguments and environment have " + std::to_string(bytes) +
                                    " bytes, more than " + std::to_string(max_frame_bytes)};
  out.cwd = request.cwd;
  out.log_path = log_path(data_dir_, request.key);
  out.timeout = request.timeout;
  out.grace = request.grace;
  out.log_limit_bytes = request.log_limit_bytes;
  return ok();
}

result<void> staging::collect(const process_key& key, process_end& end) const {
  const auto used = used_.find(key);
  if (used == used_.end() || end.kind != end_kind::exited || end.exit_code != 0)
    return ok();
  const auto path = path_of(used->second) + "/output";
  const unique_fd file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status {};
  if (!file && errno == ENOENT)
    return ok();
  if (!file)
    if (auto why = os_problem("open " + path, errno); why.code == errc::unavailable)
      return why;
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    end.outputs_problem = "what PINION_OUTPUT names, " + path + ", is no plain file";
    return ok();
  }
  if (status.st_size == 0)
    return ok();
  const auto text = read_up_to(file.get(), path, max_outputs_bytes + 1);
  if (!text && text.assume_error().code == errc::unavailable)
    return text.assume_error();
  auto outputs = text ? parse_outputs(text.assume_value()) : text.assume_error();
  if (outputs)
    end.outputs_json = std::move(outputs).assume_value();
  else
    end.outputs_problem = outputs.assume_error().message;
  return ok();
}

void staging::release(const process_key& key) {
  const auto used = used_.find(key);
  if (used == used_.end())
    return;
  const auto slot = used->second;
  used_.erase(used);
  let_go(slot);
}

} // namespace pinion
