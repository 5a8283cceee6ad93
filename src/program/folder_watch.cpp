#include "program/folder_watch.hpp"

#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/loader.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <map>
#include <poll.h>
#include <set>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <thread>
#include <unistd.h>

namespace pinion {

namespace {

namespace fs = std::filesystem;

/// A set is read so long after the last change: editors and `git checkout` write in several steps.
constexpr int quiet_ms = 2'000;
/// How often a wait for the engine looks whether the program ends.
constexpr int answer_look_ms = 5;

/// Watching a folder tree for changes: a watch for each folder in it, made anew after each reading.
class tree_watch {
public:
  tree_watch() : notify_{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)} {}
  ~tree_watch() {
    if (notify_ >= 0)
      ::close(notify_);
  }
  tree_watch(const tree_watch&) = delete;
  tree_watch& operator=(const tree_watch&) = delete;

  int descriptor() const noexcept { return notify_; }

  void cover(const std::string& root) {
    constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB |
                                      IN_DELETE_SELF | IN_MOVE_SELF;
    const auto add = [&](const std::string& folder) {
      const int watch = ::inotify_add_watch(notify_, folder.c_str(), changes);
      if (watch >= 0)
        roots_[watch] = root;
    };
    std::error_code failed;
    if (!fs::is_directory(root, failed)) {
      add(fs::path{root}.parent_path().string());
      return;
    }
    add(root);
    const auto skip = fs::directory_options::skip_permission_denied;
    for (auto at = fs::recursive_directory_iterator{root, skip, failed};
         !failed && at != fs::recursive_directory_iterator{}; at.increment(failed))
      if (at->is_directory(failed))
        add(at->path().string());
  }

  /// The roots below which something has changed since the last call.
  std::set<std::string> changed() {
    std::set<std::string> out;
    alignas(inotify_event) char buffer[16 << 10];
    for (ssize_t got = 0; (got = ::read(notify_, buffer, sizeof buffer)) > 0;)
      for (const char* at = buffer; at < buffer + got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        if ((event->mask & IN_Q_OVERFLOW) != 0)
          for (const auto& [_, root] : roots_)
            out.insert(root);
        else if (const auto found = roots_.find(event->wd); found != roots_.end())
          out.insert(found->second);
        at += sizeof(inotify_event) + event->len;
      }
    return out;
  }

private:
  int notify_;
  std::map<int, std::string> roots_;
};

class host_folder_watch final : public folder_watch {
public:
  host_folder_watch(engine_client& engine, options chosen)
      : engine_{engine}, options_{std::move(chosen)},
        end_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)}, thread_{[this] { run(); }} {}

  ~host_folder_watch() override {
    stop();
    ::close(end_);
  }

  void stop() override {
    if (!thread_.joinable())
      return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto told = ::write(end_, &one, sizeof one);
    thread_.join();
  }

private:
  void run() {
    for (const auto& folder : options_.folders) {
      if (options_.watch)
        tree_.cover(folder);
      take(folder);
    }
    take_refused_again();
    if (options_.watch)
      follow();
  }

  // What they lacked may have come with another folder; each round takes one more, or is the last.
  void take_refused_again() {
    for (std::size_t before = refused_.size() + 1; !refused_.empty() && refused_.size() < before;) {
      before = refused_.size();
      for (const auto& folder : std::set{refused_})
        take(folder);
    }
  }

  void follow() {
    std::set<std::string> pending;
    pollfd all[] = {{tree_.descriptor(), POLLIN, 0}, {end_, POLLIN, 0}};
    while (true) {
      const int ready = ::poll(all, 2, pending.empty() ? -1 : quiet_ms);
      if (all[1].revents != 0)
        return;
      if (ready > 0) {
        pending.merge(tree_.changed());
      } else if (ready == 0) {
        for (const auto& root : pending) {
          tree_.cover(root);
          take(root);
        }
        take_refused_again();
        pending.clear();
      }
    }
  }

  void take(const std::string& folder) {
    load_options how;
    how.roots = {folder};
    how.environment = options_.environment;
    how.exists_elsewhere = [this, &folder](const std::string& id) {
      const auto row = store_reader{engine_.store()}.workflow(id);
      return row && row.value() && !row.value()->retired &&
             !row.value()->source.starts_with(folder + '/');
    };
    how.settings_elsewhere = [this](const std::string& project) {
      std::optional<project_settings> out;
      if (const auto row = store_reader{engine_.store()}.project(project); row && row.value())
        if (auto settings = settings_from_canonical_json(*row.value()))
          out = std::move(settings).value();
      return out;
    };
    known_.clear();
    how.definition_elsewhere = [this, &folder](std::string_view id) {
      return definition_elsewhere(folder, std::string{id});
    };
    auto loaded = load_set(how);
    for (const auto& each : loaded.warnings)
      spdlog::warn("{}", to_text(each));
    if (!loaded.ok()) {
      refused_.insert(folder);
      report(folder, loaded.errors);
      return;
    }
    apply_request request;
    request.origin = folder;
    request.projects = std::move(loaded.projects);
    for (auto& each : loaded.workflows)
      request.workflows.push_back(std::move(each.definition));
    const auto done = std::make_shared<std::promise<std::vector<std::string>>>();
    auto answer = done->get_future();
    engine_.apply(std::move(request), {"engine", "workflows folder"},
                  [done](result<apply_answer> taken) { done->set_value(describe(taken)); });
    // While the history of a deleted workflow is erased the answer may take minutes.
    pollfd end{end_, POLLIN, 0};
    while (answer.wait_for(std::chrono::seconds{0}) != std::future_status::ready)
      if (::poll(&end, 1, answer_look_ms) > 0)
        return;
    auto problems = answer.get();
    if (problems.empty())
      refused_.erase(folder);
    else
      refused_.insert(folder);
    engine_.folder_read(folder, std::move(problems));
  }

  /// The present definition of a workflow that is not of this folder; null if there is none.
  const workflow_definition* definition_elsewhere(const std::string& folder,
                                                  const std::string& id) {
    const auto [at, fresh] = known_.try_emplace(id);
    if (!fresh)
      return at->second.get();
    const store_reader store{engine_.store()};
    const auto row = store.workflow(id);
    if (!row || !row.value() || row.value()->retired ||
        row.value()->source.starts_with(folder + '/'))
      return nullptr;
    const auto version = store.version(id, row.value()->version);
    if (!version || !version.value())
      return nullptr;
    if (auto definition = from_canonical_json(version.value()->definition))
      at->second = std::make_unique<workflow_definition>(std::move(definition).value());
    return at->second.get();
  }

  static std::vector<std::string> describe(const result<apply_answer>& taken) {
    static constexpr const char* kinds[] = {"created", "updated", "unchanged", "retired", "kept"};
    std::vector<std::string> problems;
    if (!taken) {
      problems.push_back(taken.error().message);
      spdlog::error("a workflows folder is refused: {} {}", taken.error().message,
                    taken.error().suggestion);
      return problems;
    }
    for (const auto& change : taken.value().changes) {
      if (change.what == apply_change::kind::unchanged)
        continue;
      spdlog::info("workflow {}: id={} version={} {}", kinds[static_cast<std::size_t>(change.what)],
                   change.workflow, change.version, change.message);
      if (change.what == apply_change::kind::kept)
        problems.push_back(change.workflow + ": " + change.message);
    }
    return problems;
  }

  void report(const std::string& folder, const std::vector<diagnostic>& errors) {
    std::vector<std::string> problems;
    for (const auto& each : errors) {
      spdlog::error("{}", to_text(each));
      if (problems.size() < 100)
        problems.push_back(to_text(each));
    }
    spdlog::error("nothing of the folder is taken, former versions stay: folder={} errors={}",
                  folder, errors.size());
    engine_.folder_read(folder, std::move(problems));
  }

  engine_client& engine_;
  options options_;
  tree_watch tree_;
  std::set<std::string> refused_; ///< Folders of which nothing, or not all, was taken.
  std::map<std::string, std::unique_ptr<workflow_definition>> known_; ///< For one reading.
  int end_;
  std::thread thread_;
};

} // namespace

std::unique_ptr<folder_watch> watch_folders(engine_client& engine, folder_watch::options options) {
  return std::make_unique<host_folder_watch>(engine, std::move(options));
}

} // namespace pinion
