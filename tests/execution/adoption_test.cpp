#include "execution/launcher_fixture.hpp"

#include "execution/launch_journal.hpp"
#include "execution/launcher_starter.hpp"
#include "execution/process_scan.hpp"
#include "execution/protocol.hpp"
#include "execution/system_calls.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace pinion::test {

namespace {

/// A task that runs until the file `go` appears in the data folder.
const char* const waits_for_go =
    "while [ ! -e go ]; do sleep 0.02; done; echo done=1 > $PINION_OUTPUT; exit 0";

void touch(const std::string& path) {
  const unique_fd file{::open(path.c_str(), O_WRONLY | O_CREAT, 0600)};
}

/// Sends raw bytes to the launcher and returns what comes until it closes, or nothing more comes
/// for a second.
std::string converse(const std::string& data_dir, const std::string& bytes) {
  const auto fd = connect_launcher(data_dir);
  REQUIRE(fd.has_value());
  static_cast<void>(::send(fd.value().get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
  std::string out;
  pollfd wait{fd.value().get(), POLLIN, 0};
  while (::poll(&wait, 1, 1000) > 0) {
    char block[4096];
    const auto got = ::recv(fd.value().get(), block, sizeof block, 0);
    if (got <= 0)
      break;
    out.append(block, static_cast<std::size_t>(got));
  }
  return out;
}

std::string framed(const wire_message& message) {
  std::string out;
  append_frame(out, message);
  return out;
}

std::optional<wire_message> first_of(const std::string& bytes) {
  frame_buffer frames;
  frames.append(bytes);
  auto message = frames.next();
  return message ? message.value() : std::nullopt;
}

/// The command that starts a launcher for the folder.
std::string launcher_for(const std::string& data_dir, const std::string& options = "") {
  return std::string{PINION_TEST_LAUNCHER} + " launcher --cgroups off --data " + data_dir +
         options + " 2>/dev/null";
}

/// The launcher that listens in the folder, ended with this.
struct listening_launcher {
  explicit listening_launcher(const std::string& data_dir) {
    const auto fd = connect_launcher(data_dir);
    ucred who{};
    socklen_t size = sizeof who;
    if (fd && ::getsockopt(fd.value().get(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
      pid = who.pid;
  }
  ~listening_launcher() {
    if (pid > 1)
      ::kill(pid, SIGKILL);
  }
  listening_launcher(const listening_launcher&) = delete;
  listening_launcher& operator=(const listening_launcher&) = delete;

  pid_t pid = 0;
};

/// What the launchers of this machine write as their boot.
std::string boot_of_launchers() {
  scratch_folder folder;
  REQUIRE(std::system(launcher_for(folder.path(), " --idle-ms 1").c_str()) == 0);
  const auto boot = launch_journal::read(folder.path()).value().boot_id;
  const auto socket = folder.path() + "/launcher.sock";
  REQUIRE(eventually([&] { return ::access(socket.c_str(), F_OK) != 0; }));
  return boot;
}

constexpr process_key left_key{{run_id{7}, 1, no_element}, {1, 1, 0}};

/// A journal of `boot` in which the process `pid` has not ended. Its size.
std::uintmax_t leave_journal(const std::string& data_dir, const std::string& boot, pid_t pid) {
  launch_journal::history from;
  from.boot_id = boot;
  auto& entry = from.entries[left_key];
  entry.pid = pid;
  entry.start_ticks = stat_process(pid).value()->start_ticks;
  if (!launch_journal::open(data_dir, from))
    return 0;
  return std::filesystem::file_size(data_dir + "/launcher.journal");
}

/// The end of that process as the journal has it; kind `exited` while there is none.
process_end left_end(const std::string& data_dir) {
  return launch_journal::read(data_dir).value().entries.at(left_key).end;
}

/// A process that nobody started as a task.
struct stranger {
  stranger() : pid{::fork()} {
    while (pid == 0)
      ::pause();
  }
  ~stranger() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  stranger(const stranger&) = delete;
  stranger& operator=(const stranger&) = delete;

  pid_t pid = 0;
};

} // namespace

TEST_CASE("a process outlives the engine, and its end with outputs reaches the next one",
          "[adoption]") {
  engine_side engine{GENERATE("on", "off")};
  const auto request = engine.shell(engine.next_key(), waits_for_go);
  engine.port().start(request);
  REQUIRE(engine.log().wait_started(request.key));
  const auto pid = engine.log().started[request.key];
  const auto launcher = engine.launcher_pid();

  engine.reopen(2);
  REQUIRE(engine.log().wait_started(request.key));
  CHECK(engine.log().started[request.key] == pid);
  CHECK(engine.launcher_pid() == launcher);
  touch(engine.path() + "/go");
  REQUIRE(engine.log().wait_ended(request.key));
  CHECK(engine.log().ended[request.key].outputs_json == R"({"done":1})");

  engine.reopen(3);
  REQUIRE(engine.log().wait_ended(request.key));
  CHECK(engine.log().ended[request.key].outputs_json == R"({"done":1})");
  engine.port().acknowledge(request.key);

  engine.reopen(4);
  engine.port().inquire(request.key);
  REQUIRE(engine.log().wait([&] { return engine.log().unknown[request.key] == 1; }));
  CHECK(engine.log().ended.empty());
}

TEST_CASE("an exit while nobody is connected is kept", "[adoption]") {
  engine_side engine;
  const auto request = engine.shell(engine.next_key(), waits_for_go);
  engine.port().start(request);
  REQUIRE(engine.log().wait_started(request.key));
  const auto pid = static_cast<pid_t>(engine.log().started[request.key]);
  engine.close();
  touch(engine.path() + "/go");
  REQUIRE(eventually([pid] { return !is_alive(pid); }));
  engine.reopen(2);
  REQUIRE(engine.log().wait_ended(request.key));
  CHECK(engine.log().ended[request.key].kind == end_kind::exited);
}

TEST_CASE("when the launcher is killed all it had is killed and reported lost", "[adoption]") {
  engine_side engine{GENERATE("on", "off")};
  const auto plain = engine.shell(engine.next_key(), "sleep 100 & echo $!; wait");
  const auto daemon = engine.shell(engine.next_key(), "setsid sleep 100 & echo $!; wait");
  const auto ended = engine.shell(engine.next_key(), "exit 5");
  REQUIRE(engine.run(ended).exit_code == 5);
  for (const auto& request : {plain, daemon})
    engine.port().start(request);
  for (const auto& request : {plain, daemon})
    REQUIRE(eventually([&] {
      const auto log = read_small_file(engine.path() + "/logs/0/r7/" +
                                           std::to_string(request.key.instance.task) + "-a1.log",
                                       64);
      return log && !log.value().empty();
    }));
  ::kill(engine.launcher_pid(), SIGKILL);
  for (const auto& request : {plain, daemon}) {
    REQUIRE(engine.log().wait_ended(request.key));
    const auto end = engine.log().ended[request.key];
    CHECK(end.kind == end_kind::lost);
    CHECK(end.message == "launcher_lost");
    CHECK(end.log_bytes > 0);
    CHECK_FALSE(is_alive(static_cast<pid_t>(engine.log().started[request.key])));
    CHECK_FALSE(is_alive(static_cast<pid_t>(std::stol(engine.printed(request.key)))));
  }
  REQUIRE(engine.log().wait([&] { return engine.log().connected == 2; }));
  CHECK(engine.log().disconnected == 1);
  // What had ended before has not changed, and new work goes on.
  CHECK(engine.log().ended[ended.key].exit_code == 5);
  CHECK(engine.run("exit 6").exit_code == 6);
}

TEST_CASE("an end that is told again after its acknowledgement leaves the place to the next task",
          "[adoption]") {
  const std::string how = GENERATE("it answers a stop", "its successor was not told");
  CAPTURE(how);
  engine_side engine{"off"};
  const auto first = engine.shell(engine.next_key(), "echo $0; echo who=first > $PINION_OUTPUT");
  REQUIRE(engine.run(first).outputs_json == R"({"who":"first"})");
  const auto launcher = engine.launcher_pid();
  REQUIRE(::kill(launcher, SIGSTOP) == 0);
  REQUIRE(eventually([&] { return stat_process(launcher).value()->state == 'T'; }));

  // What is posted now lies in the socket: the stop is read after the end was told, and a launcher
  // that is killed has read nothing of it.
  if (how == "it answers a stop")
    engine.port().stop(first.key, duration{0});
  engine.port().acknowledge(first.key);
  auto second = engine.shell(engine.next_key(), R"(
    echo $0; echo who=second >> $PINION_OUTPUT; echo kept > $TMPDIR/file; touch began
    while [ ! -e go ]; do sleep 0.02; done
    cat $TMPDIR/file; echo late=second >> $PINION_OUTPUT)");
  second.stdin_text = "there while its files are";
  engine.port().start(second);
  const auto place = engine.path() + "/work/1/";
  REQUIRE(eventually([&] { return ::access((place + "stdin").c_str(), F_OK) == 0; }));
  engine.log().wait([&] { return engine.log().ended.erase(first.key) == 1; });
  REQUIRE(::kill(launcher, how == "it answers a stop" ? SIGCONT : SIGKILL) == 0);
  REQUIRE(engine.log().wait_ended(first.key));
  REQUIRE(eventually([&] { return ::access((engine.path() + "/began").c_str(), F_OK) == 0; }));

  // As for every end that belongs to no attempt.
  engine.port().acknowledge(first.key);
  const auto third = engine.shell(engine.next_key(), "echo $0; echo who=third >> $PINION_OUTPUT");
  CHECK(engine.run(third).outputs_json == R"({"who":"third"})");
  touch(engine.path() + "/go");
  REQUIRE(engine.log().wait_ended(second.key));
  CHECK(engine.log().ended[second.key].outputs_json == R"({"late":"second","who":"second"})");
  CHECK(engine.printed(first.key) == place + "script\n");
  CHECK(engine.printed(second.key) == place + "script\nkept\n");
  CHECK(engine.printed(third.key) == engine.path() + "/work/2/script\n");
}

TEST_CASE("a launcher that looks for what it lost leaves another engine's processes alone",
          "[adoption]") {
  engine_side ours{"off"};
  engine_side theirs{"off"};
  // Both count from the same number: the keys are equal.
  const auto lost = ours.shell(ours.next_key(), "sleep 100");
  const auto kept = theirs.shell(theirs.next_key(), waits_for_go);
  REQUIRE(lost.key == kept.key);
  ours.port().start(lost);
  theirs.port().start(kept);
  REQUIRE(ours.log().wait_started(lost.key));
  REQUIRE(theirs.log().wait_started(kept.key));
  ::kill(ours.launcher_pid(), SIGKILL);
  REQUIRE(ours.log().wait_ended(lost.key));
  touch(theirs.path() + "/go");
  REQUIRE(theirs.log().wait_ended(kept.key));
  CHECK(theirs.log().ended[kept.key].kind == end_kind::exited);
  CHECK(theirs.log().ended[kept.key].outputs_json == R"({"done":1})");
}

TEST_CASE("the processes of a container that was started again are not those of before",
          "[adoption]") {
  constexpr int not_allowed = 77;
  const auto boot = boot_of_launchers();
  scratch_folder folder;
  const auto in_new_container = [&]() -> int {
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("proc", "/proc", "proc", 0, nullptr) != 0)
      return not_allowed;
    // It has the pid, and the start, of a task that the former container had.
    const stranger by_chance;
    if (leave_journal(folder.path(), boot, by_chance.pid) == 0)
      return 1;
    if (std::system(launcher_for(folder.path()).c_str()) != 0)
      return 2;
    const listening_launcher launcher{folder.path()};
    if (left_end(folder.path()).message != "host_restarted")
      return 3;
    return is_alive(by_chance.pid) ? 0 : 4;
  };
  const auto status = in_child([&] {
    const auto user = ::geteuid() == 0 ? 0 : CLONE_NEWUSER;
    if (::unshare(user | CLONE_NEWPID | CLONE_NEWNS) != 0)
      return not_allowed;
    return WEXITSTATUS(in_child(in_new_container));
  });
  if (WIFEXITED(status) && WEXITSTATUS(status) == not_allowed)
    WARN("no pid namespace can be made here");
  else
    CHECK(status == 0);
}

TEST_CASE("no journal names this boot beside a process of another that has no end", "[adoption]") {
  const auto boot = boot_of_launchers();
  const stranger by_chance;
  scratch_folder folder;
  REQUIRE(leave_journal(folder.path(), std::string(200, 'x'), by_chance.pid) != 0);
  scratch_folder other;
  const auto size = leave_journal(other.path(), boot, by_chance.pid);
  in_child([&] {
    // Room for that, but not for the end behind it.
    const rlimit limit{size, size};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return std::system(launcher_for(folder.path()).c_str()) == 0 ? 0 : 1;
  });
  { const listening_launcher killed{folder.path()}; }
  REQUIRE(std::system(launcher_for(folder.path()).c_str()) == 0);
  const listening_launcher next{folder.path()};
  CHECK(left_end(folder.path()).message == "host_restarted");
  CHECK(is_alive(by_chance.pid));
}

TEST_CASE("starts that were not answered when the launcher died are not done twice", "[adoption]") {
  engine_side engine;
  REQUIRE(engine.run("true").exit_code == 0);
  std::vector<process_key> keys;
  for (int i = 0; i < 40; ++i) {
    const auto request = engine.shell(engine.next_key(), "echo $PINION_FENCE >> starts");
    keys.push_back(request.key);
    engine.port().start(request);
    if (i == 20)
      ::kill(engine.launcher_pid(), SIGKILL);
  }
  for (const auto& key : keys)
    REQUIRE(engine.log().wait_ended(key));
  const auto text = read_small_file(engine.path() + "/starts", 1U << 20U).value();
  for (const auto& key : keys) {
    const auto mark = fence_text(key, engine.path()) + "\n";
    const auto first = text.find(mark);
    CHECK((first == std::string::npos || text.find(mark, first + 1) == std::string::npos));
    if (engine.log().ended[key].kind == end_kind::exited)
      CHECK(first != std::string::npos);
  }
}

TEST_CASE("a launcher brings its journal up to date when the disk has room again", "[adoption]") {
  engine_side engine;
  const auto request = engine.shell(engine.next_key(), waits_for_go);
  engine.port().start(request);
  REQUIRE(engine.log().wait_started(request.key));
  const auto launcher = engine.launcher_pid();
  const auto size = std::filesystem::file_size(engine.path() + "/launcher.journal");
  std::optional<limited_process> full{std::in_place, launcher, RLIMIT_FSIZE, size};
  touch(engine.path() + "/go");
  REQUIRE(engine.log().wait_ended(request.key));
  engine.log().wait([&] { return engine.log().ended.erase(request.key) == 1; });
  engine.port().acknowledge(request.key);
  engine.port().inquire(request.key);
  REQUIRE(engine.log().wait([&] {
    return engine.log().unknown[request.key] == 1 || engine.log().ended.count(request.key) != 0;
  }));
  full.reset();
  CHECK(eventually([&] { return launch_journal::read(engine.path()).value().entries.empty(); }));
}

TEST_CASE("a launcher that was told to end starts nothing more, and ends", "[adoption]") {
  engine_side engine;
  const auto last = engine.shell(
      engine.next_key(),
      "trap 'touch told' TERM; touch began; while [ ! -e go ]; do sleep 0.02 || true; done");
  engine.port().start(last);
  REQUIRE(eventually([&] { return ::access((engine.path() + "/began").c_str(), F_OK) == 0; }));
  const auto launcher = engine.launcher_pid();
  REQUIRE(::kill(launcher, SIGTERM) == 0);
  REQUIRE(eventually([&] { return ::access((engine.path() + "/told").c_str(), F_OK) == 0; }));
  const auto next = engine.shell(engine.next_key(), "sleep 100");
  engine.port().start(next);
  CHECK(engine.log().wait(
      [&] { return engine.log().disconnected > 0 || engine.log().started.count(next.key) != 0; }));
  CHECK(engine.log().started.count(next.key) == 0);
  touch(engine.path() + "/go");
  CHECK(eventually([&] { return !is_alive(launcher); }));
  // Its successor starts it.
  REQUIRE(engine.log().wait_started(next.key));
  CHECK(engine.launcher_pid() != launcher);
  CHECK(engine.log().ended[last.key].kind == end_kind::stopped);
}

TEST_CASE("a launcher that cannot listen to its children does not serve", "[adoption]") {
  for (const auto call : {SYS_signalfd4, SYS_epoll_create1, SYS_epoll_ctl}) {
    CAPTURE(call);
    scratch_folder folder;
    const auto status = in_child([&] {
      if (!answer_call(call, fails_with(EMFILE)))
        return 1;
      return WEXITSTATUS(std::system(launcher_for(folder.path()).c_str()));
    });
    const listening_launcher none{folder.path()};
    CHECK(none.pid == 0);
    CHECK(WEXITSTATUS(status) == 71);
  }
}

TEST_CASE("a second launcher in the same folder is refused", "[adoption]") {
  engine_side engine;
  REQUIRE(engine.run("true").exit_code == 0);
  const auto command =
      std::string{PINION_TEST_LAUNCHER} + " launcher --data " + engine.path() + " 2>/dev/null";
  const auto status = std::system(command.c_str());
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 75);
  CHECK(engine.run("true").exit_code == 0);
}

TEST_CASE("a deposed engine is refused, before and after a newer one came", "[adoption]") {
  engine_side engine{"on", 5};
  const auto request = engine.shell(engine.next_key(), "true");
  engine.run(request);
  const auto answer = first_of(converse(engine.path(), framed(wire::hello{1, 1, 4})));
  REQUIRE(answer);
  REQUIRE(std::holds_alternative<wire::refused>(*answer));
  CHECK_THAT(std::get<wire::refused>(*answer).why, Catch::Contains("epoch 4 is over"));
  // Over a restart of the launcher, too.
  ::kill(engine.launcher_pid(), SIGKILL);
  REQUIRE(engine.log().wait([&] { return engine.log().connected == 2; }));
  const auto again = first_of(converse(engine.path(), framed(wire::hello{1, 1, 4})));
  REQUIRE(again);
  CHECK(std::holds_alternative<wire::refused>(*again));
}

TEST_CASE("versions are negotiated", "[adoption]") {
  engine_side engine;
  REQUIRE(engine.run("true").exit_code == 0);
  const auto newer = first_of(converse(engine.path(), framed(wire::hello{1, 99, 9})));
  REQUIRE(newer);
  REQUIRE(std::holds_alternative<wire::welcome>(*newer));
  CHECK(std::get<wire::welcome>(*newer).version == protocol_max);
  const auto too_new = first_of(converse(engine.path(), framed(wire::hello{98, 99, 9})));
  REQUIRE(too_new);
  CHECK(std::holds_alternative<wire::refused>(*too_new));
}

TEST_CASE("garbage ends its connection and nothing else", "[adoption]") {
  engine_side engine;
  const auto request = engine.shell(engine.next_key(), waits_for_go);
  engine.port().start(request);
  REQUIRE(engine.log().wait_started(request.key));
  const auto hello = framed(wire::hello{1, 1, 1});
  const auto garbage = {
      std::string{"GET / HTTP/1.1\r\n\r\n"}, std::string(64, '\0'),
      std::string("\xff\xff\xff\xff", 4),    framed(wire::stop{request.key, duration{0}}),
      framed(wire::welcome{1, 1}),           std::string("\1\0\0\0\2", 5),
      std::string("\5\0\0\0\1\1\1\1\1", 9)};
  for (const auto& bytes : garbage) {
    const auto answer = first_of(converse(engine.path(), bytes));
    if (answer)
      CHECK(std::holds_alternative<wire::refused>(*answer));
  }
  CHECK(is_alive(static_cast<pid_t>(engine.log().started[request.key])));
  touch(engine.path() + "/go");
  REQUIRE(engine.log().wait_ended(request.key));
  CHECK(engine.log().ended[request.key].exit_code == 0);
}

TEST_CASE("a lease that is not renewed stops the process, one that is does not", "[adoption]") {
  engine_side engine;
  engine.close();
  std::string command = std::string{PINION_TEST_LAUNCHER} + " launcher --data " + engine.path();
  static_cast<void>(std::system(command.c_str()));
  wire::start start;
  start.key = engine.next_key();
  start.argv = {"sleep", "100"};
  start.cwd = "/";
  start.log_path = engine.path() + "/lease.log";
  start.lease = std::chrono::milliseconds{200};
  const auto bytes =
      converse(engine.path(), framed(wire::hello{1, 1, 1}) + framed(start) + framed(wire::renew{}));
  frame_buffer frames;
  frames.append(bytes);
  std::optional<process_end> end;
  for (auto next = frames.next(); next && next.value(); next = frames.next())
    if (const auto* ended = std::get_if<wire::ended>(&*next.value()))
      end = ended->end;
  REQUIRE(end);
  CHECK(end->kind == end_kind::stopped);
  CHECK(end->message == "lease_expired");
}

TEST_CASE("a launcher with nothing to do ends, and one without its folder kills its tasks",
          "[adoption]") {
  scratch_folder folder;
  const auto data = folder.path() + "/data";
  REQUIRE(make_folder(data).has_value());
  const auto command = std::string{PINION_TEST_LAUNCHER} + " launcher --idle-ms 50 --data " + data;
  REQUIRE(std::system(command.c_str()) == 0);
  // Connecting to it would keep it: it removes its socket as it ends.
  CHECK(eventually([&] { return ::access((data + "/launcher.sock").c_str(), F_OK) != 0; }));

  REQUIRE(std::system(command.c_str()) == 0);
  wire::start start;
  start.argv = {"sleep", "100"};
  start.cwd = "/";
  start.log_path = folder.path() + "/log";
  const auto bytes = converse(data, framed(wire::hello{1, 1, 1}) + framed(start));
  frame_buffer frames;
  frames.append(bytes);
  pid_t pid = 0;
  for (auto next = frames.next(); next && next.value(); next = frames.next())
    if (const auto* started = std::get_if<wire::started>(&*next.value()))
      pid = static_cast<pid_t>(started->pid);
  REQUIRE(pid > 1);
  CHECK(is_alive(pid));
  REQUIRE(remove_tree(data).has_value());
  CHECK(eventually([pid] { return !is_alive(pid); }));
}

TEST_CASE("a socket path that is too long is a clear error on both sides", "[adoption]") {
  scratch_folder folder;
  const auto data = folder.path() + '/' + std::string(100, 'd');
  REQUIRE(make_folder(data).has_value());
  local_launcher_options options;
  options.data_dir = data;
  const auto made = make_local_launcher(options);
  REQUIRE_FALSE(made.has_value());
  CHECK_THAT(made.assume_error().message, Catch::Contains("107"));
  const auto status = std::system(
      (std::string{PINION_TEST_LAUNCHER} + " launcher --data " + data + " 2>/dev/null").c_str());
  CHECK(WEXITSTATUS(status) == 78);
  options.data_dir = "relative";
  CHECK_FALSE(make_local_launcher(options).has_value());
}

} // namespace pinion::test
