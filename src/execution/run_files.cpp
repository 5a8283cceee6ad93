#include "pinion/execution/run_files.hpp"

#include "pinion/execution/attempt_files.hpp"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

namespace pinion {
namespace {

namespace fs = std::filesystem;

/// The run that a folder "r123" is of.
std::optional<run_id> run_of(const std::string& name) {
  run_id run;
  const auto* const end = name.data() + name.size();
  if (name.size() < 2 || name.front() != 'r')
    return std::nullopt;
  const auto [at, failed] = std::from_chars(name.data() + 1, end, run.value);
  return failed == std::errc{} && at == end ? std::optional{run} : std::nullopt;
}

/// Links count as what they are.
std::uint64_t bytes_in(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it{folder, error}, end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    if (it->is_regular_file(gone) && !it->is_symlink(gone))
      bytes += it->file_size(gone);
  }
  return bytes;
}

/// The folders of runs that lie directly in `folder`.
void add_runs(const fs::path& folder, bool measure, std::vector<run_folder>& into) {
  std::error_code error;
  for (fs::directory_iterator it{folder, error}, end; !error && it != end; it.increment(error))
    if (const auto run = run_of(it->path().filename().string()))
      into.push_back({*run, measure ? bytes_in(it->path()) : 0});
}

result<std::vector<run_folder>> list_folders(const std::string& data, run_folder_kind kind,
                                             bool measure) {
  std::vector<run_folder> all;
  std::error_code error;
  if (kind == run_folder_kind::workspace) {
    add_runs(fs::path{data} / "workspaces", measure, all);
  } else {
    const auto logs = fs::path{data} / "logs";
    if (!fs::exists(logs, error))
      return all;
    for (fs::directory_iterator it{logs, error}, end; !error && it != end; it.increment(error))
      add_runs(it->path(), measure, all);
    if (error)
      return problem{errc::os_failure, "cannot read " + logs.string() + ": " + error.message(), {}};
  }
  std::sort(all.begin(), all.end(),
            [](const run_folder& a, const run_folder& b) { return a.run < b.run; });
  return all;
}

class host_run_files final : public run_files_port {
public:
  explicit host_run_files(std::string data_dir) : data_{std::move(data_dir)} {
    // Signals are the main thread's.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread{[this] { work(); }};
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~host_run_files() override { close(); }

  void list(run_folder_kind kind, bool measure,
            std::function<void(result<std::vector<run_folder>>)> done) override {
    post([this, kind, measure, done = std::move(done)] {
      auto found = list_folders(data_, kind, measure);
      if (!closing())
        done(std::move(found));
    });
  }
  void remove(run_folder_kind kind, std::vector<run_id> runs,
              std::function<void(std::uint64_t)> done) override {
    post([this, kind, runs = std::move(runs), done = std::move(done)] {
      std::uint64_t removed = 0;
      for (const auto run : runs) {
        if (closing())
          return;
        const auto gone = kind == run_folder_kind::logs ? remove_run_logs(data_, run)
                                                        : remove_run_workspace(data_, run);
        removed += gone ? 1 : 0;
      }
      if (!closing())
        done(removed);
    });
  }
  void close() override {
    {
      const std::lock_guard lock{mutex_};
      closing_ = true;
      queue_.clear();
    }
    wake_.notify_all();
    if (thread_.joinable())
      thread_.join();
  }

private:
  bool closing() {
    const std::lock_guard lock{mutex_};
    return closing_;
  }
  void post(std::function<void()> work) {
    {
      const std::lock_guard lock{mutex_};
      if (!closing_)
        queue_.push_back(std::move(work));
    }
    wake_.notify_all();
  }
  void work() {
    std::unique_lock lock{mutex_};
    for (;;) {
      wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (closing_)
        return;
      auto next = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      next();
      lock.lock();
    }
  }

  const std::string data_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool closing_ = false;
  std::thread thread_;
};

} // namespace

std::unique_ptr<run_files_port> make_host_run_files(std::string data_dir) {
  return std::make_unique<host_run_files>(std::move(data_dir));
}

} // namespace pinion
