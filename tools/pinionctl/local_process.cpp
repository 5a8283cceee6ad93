#include "local_process.hpp"

#include "execution/outputs.hpp"
#include "failure.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace pinion::ctl {
namespace {

using steady = std::chrono::steady_clock;
constexpr std::chrono::milliseconds look_every{20};
constexpr int cannot_start = 127;

failure cannot(const std::string& what) {
  return fail_with(exit_code::failed, {errc::os_failure, what + ": " + std::strerror(errno), {}});
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts)
    out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// What the engine gives each task of its own environment.
std::vector<std::string> inherited() {
  std::vector<std::string> out;
  for (const auto* name : {"PATH", "HOME", "USER", "LANG"})
    if (const char* value = std::getenv(name))
      out.push_back(std::string{name} + '=' + value);
  return out;
}

/// In the child: never returns.
[[noreturn]] void become(const rendered_task& task, const std::vector<std::string>& argv,
                         const std::vector<std::string>& environment, const std::string& input,
                         bool to_errors) {
  ::setpgid(0, 0);
  const int in = ::open(input.c_str(), O_RDONLY | O_CLOEXEC);
  if (in >= 0)
    ::dup2(in, STDIN_FILENO);
  if (to_errors)
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
  if (!task.cwd.empty() && ::chdir(task.cwd.c_str()) != 0) {
    std::fprintf(stderr, "the folder '%s' cannot be entered: %s\n", task.cwd.c_str(),
                 std::strerror(errno));
    ::_exit(cannot_start);
  }
  std::signal(SIGPIPE, SIG_DFL);
  ::execvpe(argv.front().c_str(), pointers(argv).data(), pointers(environment).data());
  std::fprintf(stderr, "'%s' cannot be started: %s\n", argv.front().c_str(), std::strerror(errno));
  ::_exit(cannot_start);
}

/// ^C reaches only this program: the task has a process group of its own, to be stopped whole.
volatile std::sig_atomic_t interrupted = 0;
void interrupt(int) { interrupted = 1; }

} // namespace

local_process::local_process(bool to_errors) : to_errors_{to_errors} {
  const char* base = std::getenv("TMPDIR");
  folder_ = std::string{base != nullptr && *base != 0 ? base : "/tmp"} + "/pinion-test-XXXXXX";
  if (::mkdtemp(folder_.data()) == nullptr)
    throw cannot("No temporary folder can be made");
  std::filesystem::create_directory(folder_ + "/workspace");
  std::filesystem::create_directory(folder_ + "/tmp");
}

local_process::~local_process() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string local_process::write(const char* name, const std::string& text) const {
  const auto path = folder_ + '/' + name;
  std::ofstream{path, std::ios::binary} << text;
  return path;
}

local_end local_process::run(const rendered_task& task) {
  auto argv = task.argv;
  if (!task.script.empty()) {
    argv.push_back(write("script", task.script));
    argv.insert(argv.end(), task.script_args.begin(), task.script_args.end());
  }
  auto environment = inherited();
  for (const auto& [name, value] : task.environment)
    environment.push_back(name + '=' + value);
  environment.push_back("TMPDIR=" + folder_ + "/tmp");
  environment.push_back("PINION_WORKSPACE=" + folder_ + "/workspace");
  environment.push_back("PINION_OUTPUT=" + folder_ + "/output");
  environment.push_back("PINION_INPUTS=" + write("inputs.json", task.inputs_json));
  environment.push_back("PINION_PARAMS=" + write("params.json", task.params_json));
  environment.push_back("PINION_FENCE=test");
  const auto input = write("stdin", task.stdin_text);

  interrupted = 0;
  const auto former = std::signal(SIGINT, interrupt);
  const auto began = steady::now();
  const auto pid = ::fork();
  if (pid < 0)
    throw cannot("No process can be made");
  if (pid == 0)
    become(task, argv, environment, input, to_errors_);
  ::setpgid(pid, pid);
  local_end end;
  auto until = task.timeout > duration{0} ? began + task.timeout : steady::time_point::max();
  bool stopped = false;
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    std::this_thread::sleep_for(look_every);
    if (!stopped && (interrupted != 0 || steady::now() >= until)) {
      end.timed_out = interrupted == 0;
      stopped = true;
      until = steady::now() + task.grace;
      ::kill(-pid, SIGTERM);
    } else if (stopped && steady::now() >= until) {
      ::kill(-pid, SIGKILL);
    }
  }
  ::kill(-pid, SIGKILL); // What it left behind.
  std::signal(SIGINT, former);
  end.seconds = std::chrono::duration<double>(steady::now() - began).count();
  end.exited = WIFEXITED(status);
  end.exit_code = end.exited ? WEXITSTATUS(status) : 0;
  end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return end;
}

result<json> local_process::outputs() const {
  std::ifstream file{folder_ + "/output", std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  BOOST_OUTCOME_TRY(values, parse_outputs(text));
  return json::parse(values);
}

} // namespace pinion::ctl
