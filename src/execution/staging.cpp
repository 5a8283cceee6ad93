#include "execution/staging.hpp"

#include "execution/os.hpp"
#include "execution/outputs.hpp"
#include "pinion/execution/attempt_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion {

namespace {

constexpr std::array<const char*, 5> suffixes{".sh", ".out", ".in.json", ".params.json", ".stdin"};

/// Set here; what a request says of them is dropped. TMPDIR is not among them: a task may choose its own.
constexpr std::array<std::string_view, 5> reserved{"PINION_OUTPUT", "PINION_INPUTS",
                                                   "PINION_PARAMS", "PINION_WORKSPACE",
                                                   "PINION_FENCE"};

/// Writes a new file, 0600. One that exists may be open in a running process (a shell reads its script
/// as it goes): it is replaced, not changed.
result<void> write_file(const std::string& path, std::string_view text) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  unique_fd file{::open(path.c_str(), flags, 0600)};
  if (!file && errno == EEXIST) {
    if (::unlink(path.c_str()) != 0)
      return os_problem("replace " + path, errno);
    file.reset(::open(path.c_str(), flags, 0600));
  }
  if (!file || !write_all(file.get(), text))
    return os_problem("write " + path, errno);
  return ok();
}

/// Opens a file that a task may have made, read-only; never waits, as opening a pipe would.
unique_fd open_output(const std::string& path) {
  return unique_fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
}

std::string read_up_to(int fd, std::size_t limit) {
  std::string out;
  char block[16U << 10U];
  while (out.size() < limit) {
    const auto got = ::read(fd, block, std::min(sizeof block, limit - out.size()));
    if (got <= 0)
      break;
    out.append(block, static_cast<std::size_t>(got));
  }
  return out;
}

} // namespace

std::string staging::base_of(const process_key& key) const {
  return data_dir_ + "/work/" + to_string(key.instance.run) + '/' + to_string(key);
}

result<void> staging::make_folders(const process_key& key) const {
  const auto run = to_string(key.instance.run);
  const auto work = data_dir_ + "/work";
  const auto workspaces = data_dir_ + "/workspaces";
  for (const auto& folder : {work, work + '/' + run, workspaces, workspaces + '/' + run}) {
    BOOST_OUTCOME_TRY(make_folder(folder));
  }
  return ok();
}

result<std::string> staging::place_json(const std::string& path, const std::string& text) {
  if (text != "{}" && !text.empty()) {
    BOOST_OUTCOME_TRY(write_file(path, text));
    return path;
  }
  const auto shared = data_dir_ + "/work/empty.json";
  if (!has_empty_json_) {
    BOOST_OUTCOME_TRY(write_file(shared, "{}"));
    ::chmod(shared.c_str(), 0400);
    has_empty_json_ = true;
  }
  return shared;
}

result<wire::start> staging::stage(const start_request& request) {
  const auto& key = request.key;
  const auto base = base_of(key);
  const auto temporary = base + ".tmp";
  if (::mkdir(temporary.c_str(), 0700) != 0 && errno != EEXIST) {
    // The first attempt of a run finds no folders: asking each time would cost every other one.
    BOOST_OUTCOME_TRY(make_folders(key));
    BOOST_OUTCOME_TRY(make_folder(temporary));
  }
  wire::start out;
  out.key = key;
  out.argv = request.argv;
  if (!request.script.empty()) {
    const auto path = base + ".sh";
    BOOST_OUTCOME_TRY(write_file(path, request.script));
    out.argv.push_back(path);
    out.argv.insert(out.argv.end(), request.script_args.begin(), request.script_args.end());
  }
  if (!request.stdin_text.empty()) {
    out.stdin_path = base + ".stdin";
    BOOST_OUTCOME_TRY(write_file(out.stdin_path, request.stdin_text));
  }
  BOOST_OUTCOME_TRY(inputs, place_json(base + ".in.json", request.inputs_json));
  BOOST_OUTCOME_TRY(params, place_json(base + ".params.json", request.params_json));
  std::size_t bytes = 4096;
  bool own_temporary = false;
  for (const auto& [name, value] : request.environment) {
    own_temporary = own_temporary || name == "TMPDIR";
    if (std::find(reserved.begin(), reserved.end(), name) == reserved.end())
      out.environment.push_back(name + '=' + value);
    bytes += name.size() + value.size() + 8;
  }
  if (!own_temporary)
    out.environment.push_back("TMPDIR=" + temporary);
  out.environment.push_back("PINION_OUTPUT=" + base + ".out");
  out.environment.push_back("PINION_INPUTS=" + inputs);
  out.environment.push_back("PINION_PARAMS=" + params);
  out.environment.push_back("PINION_WORKSPACE=" + workspace_path(data_dir_, key.instance.run));
  for (const auto& argument : out.argv)
    bytes += argument.size() + 8;
  if (bytes + request.cwd.size() > max_frame_bytes)
    return problem{errc::limit, "the arguments and environment have " + std::to_string(bytes) +
                                    " bytes, more than " + std::to_string(max_frame_bytes)};
  out.cwd = request.cwd;
  out.log_path = log_path(data_dir_, key);
  out.timeout = request.timeout;
  out.grace = request.grace;
  out.log_limit_bytes = request.log_limit_bytes;
  return out;
}

void staging::collect(const process_key& key, process_end& end) const {
  if (end.kind != end_kind::exited || end.exit_code != 0)
    return;
  const auto path = base_of(key) + ".out";
  const auto file = open_output(path);
  if (!file && errno == ENOENT)
    return;
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    end.outputs_problem = "what PINION_OUTPUT names, " + path + ", is no plain file";
    return;
  }
  auto outputs = parse_outputs(read_up_to(file.get(), max_outputs_bytes + 1));
  if (outputs)
    end.outputs_json = std::move(outputs).assume_value();
  else
    end.outputs_problem = outputs.assume_error().message;
}

void staging::remove(const process_key& key) const {
  const auto base = base_of(key);
  for (const auto* suffix : suffixes)
    ::unlink((base + suffix).c_str());
  const auto temporary = base + ".tmp";
  // What a task made unremovable stays until the run's files are removed.
  if (::rmdir(temporary.c_str()) != 0 && errno != ENOENT)
    static_cast<void>(remove_tree(temporary));
}

void staging::sweep() const {
  const auto work = data_dir_ + "/work";
  DIR* const folder = ::opendir(work.c_str());
  if (folder == nullptr)
    return;
  while (const auto* entry = ::readdir(folder))
    if (entry->d_name[0] == 'r')
      ::rmdir((work + '/' + entry->d_name).c_str());
  ::closedir(folder);
}

} // namespace pinion
