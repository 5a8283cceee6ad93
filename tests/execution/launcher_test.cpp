#include "execution/launcher_fixture.hpp"

#include "execution/launcher_starter.hpp"
#include "execution/process_scan.hpp"
#include "execution/protocol.hpp"
#include "pinion/execution/executor.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <sys/stat.h>

namespace pinion::test {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in{text};
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

/// Pids that a task has printed, one a line.
std::vector<pid_t> pids_in(const std::string& text) {
  std::vector<pid_t> out;
  for (const auto& line : lines_of(text))
    out.push_back(static_cast<pid_t>(std::stol(line)));
  return out;
}

bool none_alive(const std::vector<pid_t>& pids) {
  return std::none_of(pids.begin(), pids.end(), is_alive);
}

} // namespace

TEST_CASE("a command that exits with 0 is reported with its exit code and its log", "[launcher]") {
  engine_side engine{GENERATE("on", "off")};
  const auto key = engine.next_key();
  const auto end = engine.run(engine.shell(key, "echo hello; echo there >&2"));
  CHECK(end.kind == end_kind::exited);
  CHECK(end.exit_code == 0);
  CHECK(end.message.empty());
  CHECK(end.log_bytes == 12);
  CHECK_FALSE(end.log_cut);
  CHECK(end.outputs_json == "{}");
  CHECK(engine.printed(key) == "hello\nthere\n");
  CHECK(end.started_at <= end.ended_at);
}

TEST_CASE("exit codes and signals are told apart", "[launcher]") {
  engine_side engine;
  CHECK(engine.run("exit 3").exit_code == 3);
  CHECK(engine.run("exit 255").exit_code == 255);
  CHECK(engine.run("false | true").exit_code == 1);
  CHECK(engine.run("false\necho not reached").exit_code == 1);
  const auto killed = engine.run("kill -9 $$");
  CHECK(killed.kind == end_kind::signaled);
  CHECK(killed.signal == SIGKILL);
  CHECK(killed.message == "killed by SIGKILL");
  const auto dumped = engine.run("ulimit -c 0; kill -ABRT $$");
  CHECK(dumped.kind == end_kind::signaled);
  CHECK(dumped.signal == SIGABRT);
}

TEST_CASE("what cannot be executed did not start, and the message names it", "[launcher]") {
  engine_side engine;
  const auto end_of = [&engine](std::vector<std::string> argv, const std::string& cwd) {
    auto request = engine.shell(engine.next_key(), "true");
    REQUIRE(set_list_command(request, std::move(argv)).has_value());
    request.cwd = cwd;
    return engine.run(std::move(request));
  };
  const auto missing = end_of({"no-such-command"}, "/");
  CHECK(missing.kind == end_kind::not_started);
  CHECK(missing.message ==
        "there is no command no-such-command in PATH: No such file or directory (ENOENT)");
  CHECK(end_of({"/no/such/file"}, "/").message ==
        "cannot execute /no/such/file: No such file or directory (ENOENT)");
  CHECK(end_of({"/etc/passwd"}, "/").message ==
        "cannot execute /etc/passwd: Permission denied (EACCES)");
  const auto nowhere = end_of({"true"}, "/no/such/folder");
  CHECK(nowhere.kind == end_kind::not_started);
  CHECK(nowhere.message ==
        "cannot enter the working folder /no/such/folder: No such file or directory (ENOENT)");

  const auto script = engine.path() + "/script";
  {
    const unique_fd file{::open(script.c_str(), O_WRONLY | O_CREAT, 0700)};
    REQUIRE(write_all(file.get(), "#!/no/interpreter\n"));
  }
  CHECK(end_of({script}, "/").message == "cannot execute " + script +
                                             ": the interpreter in its first line is missing: "
                                             "No such file or directory (ENOENT)");
  {
    const unique_fd file{::open(script.c_str(), O_WRONLY | O_TRUNC)};
    REQUIRE(write_all(file.get(), "true\n"));
  }
  CHECK_THAT(end_of({script}, "/").message, Catch::Contains("no \"#!\" line"));
}

TEST_CASE("an environment that the system does not take ends the attempt with a sentence",
          "[launcher]") {
  engine_side engine;
  auto request = engine.shell(engine.next_key(), "echo ${#BIG}");
  request.environment.emplace_back("BIG", std::string(100'000, 'x'));
  const auto key = request.key;
  CHECK(engine.run(request).exit_code == 0);
  CHECK(engine.printed(key) == "100000\n");

  request.key = engine.next_key();
  request.environment.back().second = std::string(2U << 20U, 'x');
  const auto large = engine.run(request);
  CHECK(large.kind == end_kind::not_started);
  CHECK_THAT(large.message, Catch::Contains("E2BIG"));

  request.key = engine.next_key();
  request.environment.back().second = std::string(9U << 20U, 'x');
  const auto larger = engine.run(request);
  CHECK(larger.kind == end_kind::not_started);
  CHECK_THAT(larger.message, Catch::Contains("more than 8388608"));
}

TEST_CASE("a task sees the environment that was built, and nothing else", "[launcher]") {
  engine_side engine;
  auto request =
      engine.shell(engine.next_key(), "env; test -d $TMPDIR -a -w $TMPDIR; test -d "
                                      "$PINION_WORKSPACE; cat $PINION_INPUTS $PINION_PARAMS");
  request.environment.emplace_back("LEVEL", "a=b\nc");
  request.environment.emplace_back("PINION_FENCE", "forged");
  request.inputs_json = R"({"a":{"n":1}})";
  const auto key = request.key;
  REQUIRE(engine.run(request).exit_code == 0);
  const auto text = engine.printed(key);
  const auto lines = lines_of(text);
  CHECK(std::count(lines.begin(), lines.end(), "LEVEL=a=b") == 1);
  CHECK(std::count(lines.begin(), lines.end(), "PINION_FENCE=" + fence_text(key, engine.path())) ==
        1);
  CHECK(text.find("forged") == std::string::npos);
  CHECK_THAT(text, Catch::EndsWith(R"({"a":{"n":1}}{})"));
  std::vector<std::string> names;
  for (const auto& line : lines)
    if (const auto equals = line.find('='); equals != std::string::npos && line.front() != '{')
      names.push_back(line.substr(0, equals));
  std::sort(names.begin(), names.end());
  // PWD, SHLVL and _ are bash's own.
  CHECK(names == std::vector<std::string>{"HOME", "LANG", "LEVEL", "PATH", "PINION_FENCE",
                                          "PINION_INPUTS", "PINION_OUTPUT", "PINION_PARAMS",
                                          "PINION_WORKSPACE", "PWD", "SHLVL", "TMPDIR", "USER",
                                          "_"});
}

TEST_CASE("a task has descriptors 0, 1, 2, a session of its own and default signals",
          "[launcher]") {
  engine_side engine{GENERATE("on", "off")};
  const auto key = engine.next_key();
  auto request = engine.shell(key, "true");
  REQUIRE(set_python_command(request, R"(
import os, signal
print(sorted(int(fd) for fd in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + fd)))
print(os.getsid(0) == os.getpid() == os.getpgid(0))
print([l.split()[1] for l in open('/proc/self/status') if l.startswith('SigBlk')])
print(os.readlink('/proc/self/fd/0'))
)",
                             {}, "/usr/bin/python3")
              .has_value());
  REQUIRE(engine.run(request).exit_code == 0);
  CHECK(engine.printed(key) == "[0, 1, 2]\nTrue\n['0000000000000000']\n/dev/null\n");
}

TEST_CASE("standard input, script arguments and the working folder arrive", "[launcher]") {
  engine_side engine;
  auto request = engine.shell(engine.next_key(), "cat; echo $1; pwd");
  request.stdin_text = std::string("a\0b\n", 4);
  request.script_args = {"one two"};
  request.cwd = "/usr";
  const auto key = request.key;
  REQUIRE(engine.run(request).exit_code == 0);
  CHECK(engine.printed(key) == std::string("a\0b\n", 4) + "one two\n/usr\n");
}

TEST_CASE("outputs come with the success, and a broken file with its reason", "[launcher]") {
  engine_side engine;
  const auto good = engine.run("echo path=/data/x >> $PINION_OUTPUT; echo n=3 >> $PINION_OUTPUT");
  CHECK(nlohmann::json::parse(good.outputs_json) == nlohmann::json{{"path", "/data/x"}, {"n", 3}});
  CHECK(good.outputs_problem.empty());
  const auto failed = engine.run("echo n=3 >> $PINION_OUTPUT; exit 1");
  CHECK(failed.outputs_json == "{}");
  const auto large =
      engine.run("(printf big=; head -c 70000 /dev/zero | tr '\\0' x) >> $PINION_OUTPUT");
  CHECK(large.exit_code == 0);
  CHECK_THAT(large.outputs_problem, Catch::Contains("\"big\"") && Catch::Contains("65536"));
  const auto link = engine.run("rm $PINION_OUTPUT; ln -s /etc/passwd $PINION_OUTPUT");
  CHECK_THAT(link.outputs_problem, Catch::Contains("no plain file"));
  const auto pipe = engine.run("rm $PINION_OUTPUT; mkfifo $PINION_OUTPUT");
  CHECK_THAT(pipe.outputs_problem, Catch::Contains("no plain file"));
}

TEST_CASE("a place is handed on clean, whatever the task before did to it", "[launcher]") {
  engine_side engine;
  const auto mess = engine.shell(engine.next_key(), R"(
    mkdir -p $TMPDIR/a/b; echo x > $TMPDIR/a/b/c; chmod 0 $TMPDIR/a/b/c
    ln -s /etc $TMPDIR/etc; echo k=1 > $PINION_OUTPUT; rm $0; ln -s /etc/passwd $0)");
  REQUIRE(engine.run(mess).exit_code == 0);
  engine.port().acknowledge(mess.key);
  const auto look =
      engine.shell(engine.next_key(), "ls -A $TMPDIR; cat $PINION_OUTPUT; readlink $0 || true");
  const auto end = engine.run(look);
  CHECK(end.exit_code == 0);
  CHECK(engine.printed(look.key).empty());
  CHECK(::access("/etc/passwd", R_OK) == 0);
}

TEST_CASE("a timeout stops the process and its children, also without anyone connected",
          "[launcher]") {
  engine_side engine{GENERATE("on", "off")};
  auto request = engine.shell(engine.next_key(), "echo $$; sleep 100 & echo $!; wait");
  request.timeout = std::chrono::milliseconds{300};
  const auto key = request.key;
  const auto end = engine.run(request);
  CHECK(end.kind == end_kind::timed_out);
  CHECK(end.message == "its timeout passed");
  CHECK(end.ended_at - end.started_at >= std::chrono::milliseconds{300});
  const auto pids = pids_in(engine.printed(key));
  REQUIRE(pids.size() == 2);
  CHECK(none_alive(pids));
}

TEST_CASE("a launcher that was held up past a deadline takes no process that had ended for late",
          "[launcher]") {
  engine_side engine;
  auto request = engine.shell(engine.next_key(), "while [ ! -e go ]; do sleep 0.02; done; exit 3");
  request.timeout = std::chrono::seconds{3};
  engine.port().start(request);
  REQUIRE(engine.log().wait_started(request.key));
  const auto begun = steady_now();
  const auto pid = static_cast<pid_t>(engine.log().started[request.key]);
  const auto launcher = engine.launcher_pid();
  REQUIRE(::kill(launcher, SIGSTOP) == 0);
  REQUIRE(eventually([&] { return stat_process(launcher).value()->state == 'T'; }));
  { const unique_fd go{::open((engine.path() + "/go").c_str(), O_WRONLY | O_CREAT, 0600)}; }
  REQUIRE(eventually([pid] { return !is_alive(pid); }));
  REQUIRE(eventually([&] { return steady_now() > begun + request.timeout; }));
  REQUIRE(::kill(launcher, SIGCONT) == 0);
  REQUIRE(engine.log().wait_ended(request.key));
  CHECK(engine.log().ended[request.key].kind == end_kind::exited);
  CHECK(engine.log().ended[request.key].exit_code == 3);
}

TEST_CASE("a process that ignores SIGTERM is killed after the grace", "[launcher]") {
  engine_side engine{GENERATE("on", "off")};
  const auto request = engine.shell(
      engine.next_key(),
      "trap '' TERM; echo $$; sleep 100 & echo $!; echo ready >&2; while :; do wait; done");
  engine.port().start(request);
  REQUIRE(engine.log().wait_started(request.key));
  REQUIRE(
      eventually([&] { return engine.printed(request.key).find("ready") != std::string::npos; }));
  engine.port().stop(request.key, std::chrono::milliseconds{300});
  REQUIRE(engine.log().wait_ended(request.key));
  const auto end = engine.log().ended[request.key];
  CHECK(end.kind == end_kind::stopped);
  CHECK(end.signal == SIGKILL);
  auto text = engine.printed(request.key);
  CHECK(none_alive(pids_in(text.substr(0, text.find("ready")))));
}

TEST_CASE("a stop without grace kills, a stopped process is woken by a stop", "[launcher]") {
  engine_side engine;
  const auto now = engine.shell(engine.next_key(), "trap '' TERM; sleep 100");
  engine.port().start(now);
  engine.port().stop(now.key, duration{0});
  REQUIRE(engine.log().wait_ended(now.key));
  CHECK(engine.log().ended[now.key].kind == end_kind::stopped);
  const auto asleep = engine.shell(engine.next_key(), "kill -STOP $$");
  engine.port().start(asleep);
  REQUIRE(engine.log().wait_started(asleep.key));
  const auto pid = static_cast<pid_t>(engine.log().started[asleep.key]);
  REQUIRE(eventually([pid] { return stat_process(pid).value()->state == 'T'; }));
  engine.port().stop(asleep.key, std::chrono::seconds{20});
  REQUIRE(engine.log().wait_ended(asleep.key));
  CHECK(engine.log().ended[asleep.key].kind == end_kind::stopped);
}

TEST_CASE("what a task forks and leaves is gone when its end is reported", "[launcher]") {
  engine_side engine{GENERATE("on", "off")};
  SECTION("in its group") {
    const auto request = engine.shell(engine.next_key(), "sleep 100 & echo $!");
    CHECK(engine.run(request).kind == end_kind::exited);
    CHECK(none_alive(pids_in(engine.printed(request.key))));
  }
  SECTION("in a session of its own, by a double fork, ignoring SIGTERM") {
    const auto request = engine.shell(engine.next_key(), R"(
      (setsid bash -c 'trap "" TERM; echo $$; setsid sleep 100 & echo $!; exec >/dev/null 2>&1; while :; do wait; done' &)
      while [ $(wc -l < /proc/$$/fd/1) -lt 2 ]; do sleep 0.02; done)");
    const auto end = engine.run(request);
    CHECK(end.kind == end_kind::exited);
    CHECK(end.exit_code == 0);
    const auto pids = pids_in(engine.printed(request.key));
    REQUIRE(pids.size() == 2);
    CHECK(none_alive(pids));
  }
  SECTION("in a session of its own, its main thread ended and another one going on") {
    auto request = engine.shell(engine.next_key(), "true");
    REQUIRE(set_python_command(request, R"(
import ctypes, os, platform, threading, time
left = os.fork()
if left == 0:
    os.setsid()
    threading.Thread(target=time.sleep, args=(100,)).start()
    ctypes.CDLL(None).syscall(60 if platform.machine() == 'x86_64' else 93, 0)
while open(f'/proc/{left}/stat').read().rsplit(')', 1)[1].split()[0] != 'Z':
    time.sleep(0.01)
print(left)
)",
                               {}, "/usr/bin/python3")
                .has_value());
    CHECK(engine.run(request).kind == end_kind::exited);
    const auto pids = pids_in(engine.printed(request.key));
    REQUIRE(pids.size() == 1);
    CHECK(none_alive(pids));
  }
}

TEST_CASE("an end is not reported while nobody can look for what the task left", "[launcher]") {
  engine_side engine{"off"};
  const auto request = engine.shell(engine.next_key(), R"(
    (setsid bash -c 'echo $$; exec sleep 100 >/dev/null 2>&1' &)
    while [ ! -e go ]; do sleep 0.02; done)");
  engine.port().start(request);
  REQUIRE(engine.log().wait_started(request.key));
  REQUIRE(eventually([&] { return !pids_in(engine.printed(request.key)).empty(); }));
  const auto launcher = engine.launcher_pid();
  std::optional<limited_process> no_descriptors{std::in_place, launcher, RLIMIT_NOFILE, 0U};
  { const unique_fd go{::open((engine.path() + "/go").c_str(), O_WRONLY | O_CREAT, 0600)}; }
  const auto pid = static_cast<pid_t>(engine.log().started[request.key]);
  REQUIRE(eventually([pid] { return ::kill(pid, 0) != 0; }));
  // Its answer comes after what it told when it reaped the process.
  engine.port().inquire(request.key);
  REQUIRE(engine.log().wait([&] {
    return engine.log().started_times[request.key] >= 2 || engine.log().ended.count(request.key);
  }));
  CHECK(engine.log().ended.count(request.key) == 0);
  no_descriptors.reset();
  REQUIRE(engine.log().wait_ended(request.key));
  CHECK(none_alive(pids_in(engine.printed(request.key))));
}

TEST_CASE("a key starts once, however often it is asked for", "[launcher]") {
  engine_side engine;
  const auto request = engine.shell(
      engine.next_key(),
      "echo x >> count; test ! -e go || exit 0; while [ ! -e go ]; do sleep 0.02; done");
  // Before the connection stands, both are one; after it, each is answered.
  engine.port().start(request);
  engine.port().start(request);
  REQUIRE(engine.log().wait_started(request.key));
  engine.port().start(request);
  REQUIRE(engine.log().wait([&] { return engine.log().started_times[request.key] >= 2; }));
  engine.port().start(request);
  { const unique_fd go{::open((engine.path() + "/go").c_str(), O_WRONLY | O_CREAT, 0600)}; }
  REQUIRE(engine.log().wait_ended(request.key));
  // Ended, not acknowledged: still not again.
  engine.log().wait([&] {
    engine.log().ended.clear();
    return true;
  });
  engine.port().start(request);
  REQUIRE(engine.log().wait_ended(request.key));
  CHECK(read_small_file(engine.path() + "/count", 64).value() == "x\n");
}

TEST_CASE("a start for which no descriptor is left waits for one", "[launcher]") {
  engine_side engine;
  REQUIRE(engine.run("true").exit_code == 0);
  const auto launcher = engine.launcher_pid();
  std::optional<limited_process> no_descriptors{std::in_place, launcher, RLIMIT_NOFILE, 0U};
  auto request = engine.shell(engine.next_key(), "cat");
  request.stdin_text = "read";
  engine.port().start(request);
  // It is answered after the start was tried.
  const auto other = engine.next_key();
  engine.port().inquire(other);
  REQUIRE(engine.log().wait([&] { return engine.log().unknown[other] == 1; }));
  no_descriptors.reset();
  REQUIRE(engine.log().wait_ended(request.key));
  CHECK(engine.log().ended[request.key].message.empty());
  REQUIRE(engine.log().ended[request.key].kind == end_kind::exited);
  CHECK(engine.printed(request.key) == "read");
}

TEST_CASE("a launcher that can take no connection sleeps until it can", "[launcher]") {
  engine_side engine;
  REQUIRE(engine.run("true").exit_code == 0);
  const auto launcher = engine.launcher_pid();
  std::optional<limited_process> no_descriptors{std::in_place, launcher, RLIMIT_NOFILE, 0U};
  const auto waiting = connect_launcher(engine.path());
  REQUIRE(waiting.has_value());
  const auto times_slept = [&] {
    const auto status = read_small_file("/proc/" + std::to_string(launcher) + "/status", 8192);
    const std::string name = "\nvoluntary_ctxt_switches:";
    return std::stol(status.value().substr(status.value().find(name) + name.size()));
  };
  // It has begun to look at the connection when this is answered.
  const auto other = engine.next_key();
  engine.port().inquire(other);
  REQUIRE(engine.log().wait([&] { return engine.log().unknown[other] == 1; }));
  const auto before = times_slept();
  CHECK(eventually([&] { return times_slept() >= before + 3; }));
  no_descriptors.reset();
  std::string hello;
  append_frame(hello, wire::hello{1, 99, 9});
  REQUIRE(write_all(waiting.value().get(), hello));
  // The engine's place is taken by the newer one.
  CHECK(engine.log().wait([&] { return engine.log().disconnected > 0; }));
}

TEST_CASE("an unknown key is unknown, and forgotten after the acknowledgement", "[launcher]") {
  engine_side engine;
  const auto stranger = engine.next_key();
  engine.port().inquire(stranger);
  REQUIRE(engine.log().wait([&] { return engine.log().unknown[stranger] == 1; }));
  engine.port().stop(stranger, duration{0});
  REQUIRE(engine.log().wait([&] { return engine.log().unknown[stranger] == 2; }));
  const auto request = engine.shell(engine.next_key(), "true");
  engine.run(request);
  engine.port().acknowledge(request.key);
  engine.port().inquire(request.key);
  REQUIRE(engine.log().wait([&] { return engine.log().unknown[request.key] == 1; }));
}

TEST_CASE("what was acknowledged before it could be asked for is not started", "[launcher]") {
  engine_side engine;
  engine.run("true");
  const auto launcher = engine.launcher_pid();
  REQUIRE(launcher > 1);
  // It takes the connection and greets nobody: what is asked now waits for the welcome.
  REQUIRE(::kill(launcher, SIGSTOP) == 0);
  REQUIRE(eventually([&] {
    const auto about = read_small_file("/proc/" + std::to_string(launcher) + "/stat", 4096);
    return about && about.value().find(") T ") != std::string::npos;
  }));
  engine.reopen(1);
  auto request = engine.shell(engine.next_key(), "echo x >> count");
  request.stdin_text = "there while its files are";
  const auto has_files = [&] {
    const std::filesystem::path work{engine.path() + "/work"};
    return std::filesystem::exists(work) &&
           std::any_of(std::filesystem::directory_iterator{work}, {},
                       [](const auto& slot) { return exists(slot.path() / "stdin"); });
  };
  engine.port().start(request);
  REQUIRE(eventually(has_files));
  engine.port().acknowledge(request.key);
  REQUIRE(eventually([&] { return !has_files(); }));
  REQUIRE(::kill(launcher, SIGCONT) == 0);
  engine.port().inquire(request.key);
  REQUIRE(engine.log().wait([&] { return engine.log().unknown[request.key] == 1; }));
  CHECK_FALSE(read_small_file(engine.path() + "/count", 64));
}

TEST_CASE("a thousand short processes are all reaped, each end once", "[launcher]") {
  engine_side engine;
  std::vector<process_key> keys;
  for (int i = 0; i < 1000; ++i) {
    auto request = engine.shell(engine.next_key(), "true");
    REQUIRE(set_list_command(request, {"/bin/true"}).has_value());
    keys.push_back(request.key);
    engine.port().start(std::move(request));
  }
  REQUIRE(engine.log().wait([&] { return engine.log().ended.size() == keys.size(); }));
  for (const auto& key : keys)
    CHECK(engine.log().ended[key].kind == end_kind::exited);
}

} // namespace pinion::test
