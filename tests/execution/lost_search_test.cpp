#include "execution/lost_search.hpp"

#include "execution/cgroups.hpp"
#include "execution/launcher_fixture.hpp"
#include "execution/system_calls.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <sys/resource.h>
#include <thread>

namespace pinion::test {

namespace {

/// A process that led a session and is gone, and the one that it left in it.
struct left_session {
  enum class group { of_leader, own, of_leader_by_other_user };

  /// The process left behind has `environment` and nothing else.
  explicit left_session(const std::string& environment, group in = group::of_leader) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    leader = ::fork();
    if (leader == 0) {
      ::setsid();
      const auto left = ::fork();
      if (left == 0)
        stay(ends[1], environment, in);
      ::_exit(left > 0 ? 0 : 1);
    }
    ::close(ends[1]);
    const unique_fd from{ends[0]};
    start_ticks = stat_process(leader).value()->start_ticks;
    REQUIRE(::read(from.get(), &member, sizeof member) == sizeof member);
    char none = 0;
    // It has been executed when its end of the pipe is closed.
    REQUIRE(::read(from.get(), &none, 1) == 0);
    REQUIRE(::waitpid(leader, nullptr, 0) == leader);
  }
  ~left_session() { ::kill(member, SIGKILL); }
  left_session(const left_session&) = delete;
  left_session& operator=(const left_session&) = delete;

  pid_t leader = 0;
  std::uint64_t start_ticks = 0;
  pid_t member = 0;

private:
  [[noreturn]] static void stay(int to, const std::string& environment, group in) {
    if (in == group::own)
      ::setpgid(0, 0);
    const auto as_other = in == group::of_leader_by_other_user;
    // Who may not change its user can still have an environment that is nobody's to read.
    if (as_other && ::setuid(65'534) != 0)
      ::prctl(PR_SET_DUMPABLE, 0);
    const auto self = ::getpid();
    static_cast<void>(::write(to, &self, sizeof self));
    while (as_other && ::geteuid() != 65'534) {
      ::close(to);
      ::pause();
    }
    const char* const argv[] = {"sleep", "100", nullptr};
    const char* const envp[] = {environment.c_str(), nullptr};
    ::execve("/bin/sleep", const_cast<char**>(argv), const_cast<char**>(envp));
    ::_exit(127);
  }
};

/// A process whose main thread has ended while another one goes on: its state is Z.
struct headless_process {
  headless_process() {
    pid = ::fork();
    if (pid == 0) {
      std::thread{[] {
        while (true)
          ::pause();
      }}.detach();
      ::syscall(SYS_exit, 0);
    }
    REQUIRE(eventually([this] { return read().state == 'Z'; }));
  }
  ~headless_process() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  headless_process(const headless_process&) = delete;
  headless_process& operator=(const headless_process&) = delete;
  process_stat read() const { return stat_process(pid).value().value(); }

  pid_t pid = 0;
};

constexpr process_key key{{run_id{1}, 0, no_element}, {2, 1, 0}};

lost_search search_for(pid_t pid, std::uint64_t start_ticks, const scratch_folder& folder) {
  launch_journal::history from;
  from.entries[key].pid = pid;
  from.entries[key].start_ticks = start_ticks;
  return {from, folder.path()};
}

lost_search search_for(const left_session& session, const scratch_folder& folder) {
  return search_for(session.leader, session.start_ticks, folder);
}

/// This process gets no more descriptors, as where too many files are open, or gets them again.
void allow_descriptors(bool allowed) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = allowed ? limit.rlim_max : 0;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

TEST_CASE("what a lost process left in its session is killed before it is given up, also without "
          "its environment",
          "[lost]") {
  scratch_folder folder;
  const left_session session{"HOME=/",
                             GENERATE(left_session::group::of_leader, left_session::group::own)};
  auto search = search_for(session, folder);
  CHECK(search.step().empty());
  CHECK(eventually([&] { return !is_alive(session.member); }));
  CHECK(search.step().empty());
  CHECK(search.step() == std::vector<process_key>{key});
  CHECK(search.done());
}

TEST_CASE("what leads back to a process that came to the pid later is left alone", "[lost]") {
  scratch_folder folder;
  SECTION("it bears the mark of another") {
    const left_session session{"PINION_FENCE=r9.0.-.1.1.0@another.folder"};
    auto search = search_for(session, folder);
    CHECK(search.step().empty());
    CHECK(search.step() == std::vector<process_key>{key});
    CHECK(is_alive(session.member));
  }
  SECTION("it is another user's") {
    const left_session session{"HOME=/", left_session::group::of_leader_by_other_user};
    auto search = search_for(session, folder);
    CHECK(search.step().empty());
    CHECK(search.step() == std::vector<process_key>{key});
    CHECK(is_alive(session.member));
  }
  SECTION("it is not known when the one that is sought began") {
    left_session session{"HOME=/"};
    session.start_ticks = 0;
    auto search = search_for(session, folder);
    CHECK(search.step().empty());
    CHECK(search.step() == std::vector<process_key>{key});
    CHECK(is_alive(session.member));
  }
  SECTION("it began before the one that is sought") {
    left_session session{"HOME=/"};
    session.start_ticks += 1'000'000;
    auto search = search_for(session, folder);
    CHECK(search.step().empty());
    CHECK(search.step() == std::vector<process_key>{key});
    CHECK(is_alive(session.member));
  }
}

TEST_CASE("a look that fails finds nothing and gives nothing up", "[lost]") {
  scratch_folder folder;
  const left_session session{"HOME=/"};
  auto search = search_for(session, folder);
  CHECK(in_child([&search] {
          allow_descriptors(false);
          for (int look = 0; look < 3; ++look)
            if (!search.step().empty())
              return 1;
          allow_descriptors(true);
          search.step();
          return 0;
        }) == 0);
  CHECK(eventually([&] { return !is_alive(session.member); }));
}

TEST_CASE("a cgroup folder that cannot be opened now is not taken for gone", "[lost]") {
  scratch_folder folder;
  CHECK(in_child([&folder] {
          allow_descriptors(false);
          return kill_cgroup_folder(folder.path()) ? 1 : 0;
        }) == 0);
  CHECK(kill_cgroup_folder(folder.path() + "/gone"));
}

TEST_CASE("a lost process is alive as long as one of its threads is", "[lost]") {
  scratch_folder folder;
  const headless_process left;
  auto search = search_for(left.pid, left.read().start_ticks, folder);
  CHECK(search.step().empty());
  // Only then it is a zombie that can be waited for.
  siginfo_t ended{};
  CHECK(eventually([&] {
    return ::waitid(P_PID, static_cast<id_t>(left.pid), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == left.pid;
  }));
  CHECK(search.step().empty());
  CHECK(search.step() == std::vector<process_key>{key});
}

} // namespace pinion::test
