#include "program/program.hpp"

#include "pinion/actors/engine.hpp"
#include "pinion/api/full_disk.hpp"
#include "pinion/api/handler_pool.hpp"
#include "pinion/api/http_server.hpp"
#include "pinion/api/routes.hpp"
#include "pinion/execution/executor.hpp"
#include "pinion/execution/launcher_client.hpp"
#include "pinion/storage/data_folder.hpp"
#include "pinion/storage/epoch.hpp"
#include "pinion/storage/rocks_kv.hpp"
#include "program/disk_watch.hpp"
#include "program/folder_watch.hpp"
#include "program/full_disk_wait.hpp"
#include "program/host_clock.hpp"
#include "program/options.hpp"
#include "program/socket_group.hpp"
#include "program/sure_kv.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <poll.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace pinion {

namespace {

int complain(const problem& why, int code) {
  std::fprintf(stderr, "pinion: %s\n", why.message.c_str());
  if (!why.suggestion.empty())
    std::fprintf(stderr, "pinion: %s\n", why.suggestion.c_str());
  return code;
}

int exit_code_of(errc code) noexcept {
  switch (code) {
  case errc::in_use:
  case errc::unavailable:
    return EX_TEMPFAIL;
  case errc::refused:
  case errc::newer_format:
  case errc::invalid:
    return EX_CONFIG;
  case errc::corrupt:
    return EX_DATAERR;
  case errc::storage_failure:
    return EX_IOERR;
  default:
    return EX_OSERR;
  }
}

std::string boot_id() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string id;
  std::getline(file, id);
  return id;
}

/// Tells the service manager, if there is one (sd_notify(3)'s protocol).
void notify_manager(const std::string& text) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path == nullptr || path[0] == 0 || std::string_view{path}.size() >= sizeof to.sun_path)
    return;
  const std::string_view name{path};
  name.copy(to.sun_path, name.size());
  if (to.sun_path[0] == '@')
    to.sun_path[0] = 0;
  const int sender = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sender < 0)
    return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  ::sendto(sender, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to),
           length);
  ::close(sender);
}

/// SIGTERM and SIGINT as a readable descriptor; blocked in all threads made afterwards.
int watch_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return ::signalfd(-1, &wanted, SFD_CLOEXEC);
}

/// Waits until the engine is ready, in a thread of its own, then says so once.
class readiness {
public:
  readiness(engine_client& engine, const sure_kv& store, std::string data)
      : store_{store}, data_{std::move(data)}, thread_{[this, &engine] { wait(engine); }} {}
  ~readiness() {
    {
      const std::lock_guard lock{shared_->mutex};
      shared_->ended = true;
    }
    shared_->changed.notify_all();
    thread_.join();
  }

private:
  /// What a reply touches: it may come when nobody waits for it any more.
  struct shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    bool ready = false;
  };

  void wait(engine_client& engine) {
    std::unique_lock lock{shared_->mutex};
    while (!shared_->ended && !shared_->ready) {
      lock.unlock(); // An engine that is gone answers at once, in this thread.
      engine.health([to = shared_](const result<health_answer>& now) {
        if (!now || !now.value().ready)
          return;
        const std::lock_guard answering{to->mutex};
        to->ready = true;
        to->changed.notify_all();
      });
      lock.lock();
      if (!shared_->ended && !shared_->ready)
        shared_->changed.wait_for(lock, std::chrono::milliseconds{50});
    }
    if (!shared_->ready)
      return;
    spdlog::info("ready: data={} rows_read={}", data_, store_.rows_read());
    notify_manager("READY=1\n");
  }

  const sure_kv& store_;
  std::string data_;
  std::shared_ptr<shared> shared_ = std::make_shared<shared>();
  std::thread thread_;
};

/// An engine that was killed holds its lock until the kernel has taken its memory back: whoever
/// restarts it at once must not be told that it is in use.
result<data_folder> open_folder(const std::string& path) {
  constexpr int tries = 40;
  auto folder = data_folder::open(path);
  for (int i = 1; i < tries && !folder && folder.error().code == errc::in_use; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    folder = data_folder::open(path);
  }
  return folder;
}

/// Opens the store once the disk has room for it; null: the wait was ended from outside.
result<std::unique_ptr<rocks_kv>> open_store(const data_folder& at, const program_options& options,
                                             int signals) {
  const auto folder = at.path().string();
  const rocks_options how{at.database(), at.mirror(),
                          options.sync ? durability::sync : durability::os};
  for (;;) {
    if (too_full_to_open(folder, options.disk_reserve_bytes)) {
      if (!wait_for_room(folder, {at.socket().string(), {}, options.socket_group},
                         options.disk_reserve_bytes, signals))
        return nullptr;
      continue;
    }
    auto opened = rocks_kv::open(how);
    if (opened || opened.error().code != errc::storage_failure ||
        !too_full_to_open(folder, options.disk_reserve_bytes))
      return opened;
  }
}

/// Nothing more may be done with what is in memory: it is more than what is on disk, or will be.
[[noreturn]] void end_at_once(const std::string& why) {
  spdlog::critical("the engine ends at once and recovers at its next start: {}", why);
  spdlog::default_logger()->flush(); // Not shut down: other threads still log.
  ::_exit(EX_IOERR);
}

int serve(const program_options& options, char** argv, const program_parts& parts) {
  const int signals = watch_signals();
  auto folder = open_folder(options.data);
  if (!folder)
    return complain(folder.error(), exit_code_of(folder.error().code));
  const auto& at = folder.value();
  if (auto ours = at.claim_place(options.moved); !ours)
    return complain(ours.error(), exit_code_of(ours.error().code));
  auto opened = open_store(at, options, signals);
  if (!opened)
    return complain(opened.error(), exit_code_of(opened.error().code));
  if (opened.value() == nullptr)
    return EX_OK;
  auto& kv = *opened.value();
  const auto between = parts.wrap_store ? parts.wrap_store(kv) : nullptr;
  if (!kv.notice().empty())
    spdlog::warn("{}", kv.notice());
  const auto epoch = current_epoch(kv);
  if (!epoch)
    return complain(epoch.error(), exit_code_of(epoch.error().code));

  host_clock clock;
  const auto alarm = make_host_alarm();
  const disk_watch disk{at.path().string(), options.disk_reserve_bytes, [&at] {
                          if (auto there = at.check_in_place(); !there)
                            end_at_once(there.error().message);
                        }};
  local_launcher_options launching;
  launching.data_dir = at.path().string();
  launching.epoch = epoch.value() + 1; // `start_engine` takes it.
  launching.now = [&clock] { return clock.wall_now(); };
  launching.warn = [](const std::string& what) { spdlog::warn("{}", what); };
  launching.may_start = [&disk] { return disk.full().empty(); };
  auto launcher = make_local_launcher(std::move(launching));
  if (!launcher)
    return complain(launcher.error(), exit_code_of(launcher.error().code));

  if (auto admitted = admit_group(at.path(), options.socket_group); !admitted)
    return complain(admitted.error(), exit_code_of(admitted.error().code));

  engine_ports ports;
  ports.clock = &clock;
  ports.alarm = alarm.get();
  ports.launcher = launcher.value().get();
  ports.fatal = [&kv, argv](const std::string& why) {
    // What is on disk may be less than what memory says: nothing more may be done with it.
    if (kv.ran_out_of_room()) {
      spdlog::critical("the disk is full: the engine starts over and goes on from what is on disk "
                       "once there is room: {}",
                       why);
      spdlog::default_logger()->flush(); // Not shut down: other threads still log.
      start_over(argv);
    }
    end_at_once(why);
  };
  const auto files = make_host_run_files(at.path().string());
  ports.files = files.get();
  sure_kv sure{between ? *between : kv, ports.fatal};
  ports.kv = &sure;
  engine_options how;
  how.retention = options.retention;
  how.data_folder = at.path().string();
  how.slots = options.slots;
  how.boot_id = boot_id();
  how.triggers = options.triggers;
  how.plan_at = options.plan_at;
  how.plan_zone = options.plan_zone;
  how.load_ahead = options.load_ahead;
  how.expected_folders = static_cast<std::uint32_t>(options.workflows.size());
  how.log_limit_bytes = options.log_limit_bytes;
  how.base_environment = base_environment();

  const int over = ::eventfd(0, EFD_CLOEXEC);
  caf::actor_system_config config;
  configure_actors(config);
  {
    caf::actor_system system{config};
    auto running = start_engine(system, ports, std::move(how), [over] {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto told = ::write(over, &one, sizeof one);
    });
    if (!running && kv.ran_out_of_room())
      start_over(argv);
    if (!running)
      return complain(running.error(), exit_code_of(running.error().code));
    auto& engine = *running.value();
    auto pool = std::make_shared<handler_pool>(2);
    api_handles handles;
    handles.engine = &engine.client();
    handles.clock = &clock;
    handles.pool = pool;
    handles.keeper = &kv;
    handles.folders = options.workflows;
    handles.environment = options.environment;
    auto server = http_server::start(
        {at.socket().string(), {}, options.socket_group},
        refusing_when_full(make_api(handles), [&disk] { return disk.full(); }), pool);
    if (!server) {
      engine.stop();
      return complain(server.error(), exit_code_of(server.error().code));
    }
    auto folders =
        watch_folders(engine.client(), {options.workflows, options.environment, options.watch});
    {
      const readiness ready{engine.client(), sure, at.path().string()};
      pollfd all[] = {{signals, POLLIN, 0}, {over, POLLIN, 0}};
      while (::poll(all, 2, -1) < 0 || (all[0].revents == 0 && all[1].revents == 0)) {
      }
    }
    spdlog::info("shutting down: what still runs goes on under the launcher");
    notify_manager("STOPPING=1\n");
    folders->stop();
    server.value()->stop();
    engine.stop();
    launcher.value()->close();
    files->close();
    alarm->close();
    server.value().reset();
    pool->stop();
  }
  if (auto closed = kv.close(); !closed)
    return complain(closed.error(), EX_IOERR);
  return EX_OK;
}

program_arguments arguments_of(int argc, char** argv, int from) {
  program_arguments given;
  given.words.assign(argv + from, argv + argc);
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view text{*each};
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      given.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  given.root = ::geteuid() == 0;
  given.processors = std::max(std::thread::hardware_concurrency(), 1U);
  given.host_zone = host_zone();
  return given;
}

int show_config(const program_options& options) {
  static constexpr const char* sources[] = {"default", "file", "environment", "flag"};
  for (const auto& each : options.shown)
    std::printf("%-24s %-40s # %s\n", each.key.c_str(), each.value.c_str(),
                sources[static_cast<std::size_t>(each.from)]);
  return EX_OK;
}

void print_help() { std::fputs(program_help().c_str(), stdout); }

} // namespace

int program_main(int argc, char** argv, const program_parts& parts) {
  const std::string verb = argc > 1 ? argv[1] : "help";
  if (verb == "help" || verb == "--help" || verb == "-h") {
    print_help();
    return EX_OK;
  }
  if (verb == "version" || verb == "--version") {
    std::printf("pinion %s\n", PINION_VERSION);
    return EX_OK;
  }
  const bool config = verb == "config" && argc > 2 && std::string_view{argv[2]} == "show";
  if (verb != "standalone" && !config)
    return complain({errc::invalid, "unknown verb `" + verb + "`", "`pinion help` lists them"},
                    EX_USAGE);
  for (int i = 2; i < argc; ++i)
    if (std::string_view{argv[i]} == "--help") {
      print_help();
      return EX_OK;
    }
  auto options = read_options(arguments_of(argc, argv, config ? 3 : 2));
  if (!options)
    return complain(options.error(), EX_USAGE);
  if (config)
    return show_config(options.value());
  spdlog::set_default_logger(spdlog::stderr_color_mt("pinion"));
  spdlog::set_level(spdlog::level::from_str(options.value().log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l %v");
  spdlog::flush_on(spdlog::level::warn);
  return serve(options.value(), argv, parts);
}

} // namespace pinion
