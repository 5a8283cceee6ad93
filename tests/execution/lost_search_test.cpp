#include "execution/lost_search.hpp"

#include "execution/launcher_fixture.hpp"
#include "execution/process_scan.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <sys/wait.h>

namespace pinion::test {

namespace {

/// A process that led a session and is gone, and the one that it left in it.
struct left_session {
  enum class group { of_leader, own };

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
    start_ticks = stat_process(leader)->start_ticks;
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
    const auto self = ::getpid();
    static_cast<void>(::write(to, &self, sizeof self));
    const char* const argv[] = {"sleep", "100", nullptr};
    const char* const envp[] = {environment.c_str(), nullptr};
    ::execve("/bin/sleep", const_cast<char**>(argv), const_cast<char**>(envp));
    ::_exit(127);
  }
};

constexpr process_key key{{run_id{1}, 0, no_element}, {2, 1, 0}};

lost_search search_for(const left_session& session, const scratch_folder& folder) {
  launch_journal::history from;
  from.entries[key].pid = session.leader;
  from.entries[key].start_ticks = session.start_ticks;
  return {from, folder.path()};
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
  SECTION("it began before the one that is sought") {
    left_session session{"HOME=/"};
    session.start_ticks += 1'000'000;
    auto search = search_for(session, folder);
    CHECK(search.step().empty());
    CHECK(search.step() == std::vector<process_key>{key});
    CHECK(is_alive(session.member));
  }
}

} // namespace pinion::test
