#include "execution/launch_journal.hpp"
#include "execution/launcher_fixture.hpp"
#include "execution/system_calls.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <rapidcheck.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace pinion::test {

namespace {

process_key key_of(std::uint32_t task) { return {{run_id{1}, task, no_element}, {2, 1, 0}}; }

std::string journal_of(const scratch_folder& folder) {
  return read_small_file(folder.path() + "/launcher.journal", 1U << 24U).value();
}

void replace_journal(const scratch_folder& folder, std::string_view bytes) {
  const unique_fd file{
      ::open((folder.path() + "/launcher.journal").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600)};
  REQUIRE(write_all(file.get(), bytes));
}

launch_journal fresh(const scratch_folder& folder) {
  launch_journal::history from;
  from.boot_id = "boot";
  return std::move(launch_journal::open(folder.path(), from)).assume_value();
}

} // namespace

TEST_CASE("a journal gives back what was recorded", "[journal]") {
  scratch_folder folder;
  auto journal = fresh(folder);
  process_end end;
  end.kind = end_kind::signaled;
  end.signal = 9;
  end.message = "killed";
  end.log_bytes = 77;
  end.log_cut = true;
  end.started_at = from_us(3);
  end.ended_at = from_us(4);
  REQUIRE(journal.claim(key_of(1), from_us(1), 11).has_value());
  REQUIRE(journal.start(key_of(1), 42, 43, from_us(2)).has_value());
  REQUIRE(journal.claim(key_of(2), from_us(5), 12).has_value());
  REQUIRE(journal.end(key_of(2), end).has_value());
  REQUIRE(journal.claim(key_of(3), from_us(6), 13).has_value());
  REQUIRE(journal.forget(key_of(3)).has_value());
  REQUIRE(journal.raise_epoch(9).has_value());
  const auto read = launch_journal::read(folder.path()).value();
  CHECK(read.boot_id == "boot");
  CHECK(read.epoch == 9);
  REQUIRE(read.entries.size() == 2);
  const auto& one = read.entries.at(key_of(1));
  CHECK(one.pid == 42);
  CHECK(one.start_ticks == 43);
  CHECK(one.slot == 11);
  CHECK_FALSE(one.ended);
  const auto& two = read.entries.at(key_of(2));
  CHECK(two.ended);
  CHECK(two.end.kind == end_kind::signaled);
  CHECK(two.end.message == "killed");
  CHECK(two.end.log_bytes == 77);
  CHECK(two.end.log_cut);
  CHECK(two.end.ended_at == from_us(4));
}

TEST_CASE("a journal cut at any byte of its last record reads as if that had not been written",
          "[journal]") {
  scratch_folder folder;
  auto journal = fresh(folder);
  REQUIRE(journal.claim(key_of(1), from_us(1), 1).has_value());
  const auto before = journal_of(folder).size();
  REQUIRE(journal.start(key_of(1), 42, 43, from_us(2)).has_value());
  const auto whole = journal_of(folder);
  for (auto size = before; size <= whole.size(); ++size) {
    replace_journal(folder, std::string_view{whole}.substr(0, size));
    const auto read = launch_journal::read(folder.path());
    REQUIRE(read.has_value());
    REQUIRE(read.value().entries.count(key_of(1)) == 1);
    CHECK((read.value().entries.at(key_of(1)).pid == 42) == (size == whole.size()));
  }
  // The next writer carries on from what could be read.
  replace_journal(folder, std::string_view{whole}.substr(0, whole.size() - 1));
  auto next = launch_journal::open(folder.path(), launch_journal::read(folder.path()).value());
  REQUIRE(next.has_value());
  REQUIRE(next.value().claim(key_of(2), from_us(3), 2).has_value());
  CHECK(launch_journal::read(folder.path()).value().entries.size() == 2);
}

TEST_CASE("no claim is recorded behind a part of a record that could not be taken back",
          "[journal]") {
  scratch_folder folder;
  const auto limit_files = [](rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    return ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
  };
  const auto status = in_child([&folder, &limit_files] {
    auto journal = fresh(folder);
    if (!journal.claim(key_of(1), from_us(1), 1))
      return 1;
    const auto size = journal_of(folder).size();
    ::signal(SIGXFSZ, SIG_IGN);
    if (!limit_files(size + 5) || !answer_call(SYS_ftruncate, fails_with(EIO)))
      return 2;
    if (journal.claim(key_of(2), from_us(2), 2) || journal_of(folder).size() != size + 5)
      return 3;
    // Too little even for the journal anew.
    if (!limit_files(size - 5) || journal.claim(key_of(3), from_us(3), 3))
      return 4;
    return limit_files(RLIM_INFINITY) && journal.claim(key_of(4), from_us(4), 4) ? 0 : 5;
  });
  CHECK(status == 0);
  const auto read = launch_journal::read(folder.path()).value();
  CHECK(read.entries.size() == 2);
  CHECK(read.entries.count(key_of(1)) == 1);
  CHECK(read.entries.count(key_of(4)) == 1);
}

TEST_CASE("what a full disk kept out of the journal is written once there is room", "[journal]") {
  scratch_folder folder;
  const auto limit_files = [](rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    return ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
  };
  const auto status = in_child([&folder, &limit_files] {
    auto journal = fresh(folder);
    for (std::uint32_t task = 1; task <= 3; ++task)
      if (!journal.claim(key_of(task), from_us(task), task))
        return 1;
    if (!journal.end(key_of(2), {}))
      return 2;
    ::signal(SIGXFSZ, SIG_IGN);
    if (!limit_files(journal_of(folder).size()))
      return 3;
    if (journal.start(key_of(3), 42, 43, from_us(4)) || journal.end(key_of(1), {}) ||
        journal.forget(key_of(2)))
      return 4;
    if (journal.known().entries.at(key_of(3)).pid != 42 ||
        journal.known().entries.count(key_of(2)) != 0)
      return 5;
    return limit_files(RLIM_INFINITY) && journal.claim(key_of(4), from_us(5), 4) ? 0 : 6;
  });
  CHECK(status == 0);
  const auto read = launch_journal::read(folder.path()).value();
  CHECK(read.entries.size() == 3);
  CHECK(read.entries.at(key_of(1)).ended);
  CHECK(read.entries.at(key_of(3)).pid == 42);
  CHECK(read.entries.count(key_of(4)) == 1);
}

TEST_CASE("no flipped bit in the last record is taken for truth", "[journal]") {
  scratch_folder folder;
  auto journal = fresh(folder);
  const auto before = journal_of(folder).size();
  REQUIRE(journal.claim(key_of(1), from_us(1), 1).has_value());
  const auto whole = journal_of(folder);
  for (auto at = before; at < whole.size(); ++at) {
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    replace_journal(folder, bytes);
    CHECK(launch_journal::read(folder.path()).value().entries.empty());
  }
}

TEST_CASE("a journal stays small when what it knows is acknowledged", "[journal]") {
  scratch_folder folder;
  auto journal = fresh(folder);
  process_end end;
  end.message = std::string(200, 'm');
  for (std::uint32_t i = 0; i < 5000; ++i) {
    REQUIRE(journal.claim(key_of(i), from_us(i), i).has_value());
    REQUIRE(journal.end(key_of(i), end).has_value());
    if (i >= 10)
      REQUIRE(journal.forget(key_of(i)).has_value());
  }
  CHECK(journal_of(folder).size() < (300U << 10U));
  CHECK(launch_journal::read(folder.path()).value().entries.size() == 10);
}

TEST_CASE("what is no journal, or of a newer format, is refused", "[journal]") {
  scratch_folder folder;
  CHECK(launch_journal::read(folder.path()).value().entries.empty());
  replace_journal(folder, "hello world");
  CHECK(launch_journal::read(folder.path()).assume_error().code == errc::corrupt);
  replace_journal(folder, std::string_view{"PNLJRN\0\2more", 12});
  CHECK(launch_journal::read(folder.path()).assume_error().code == errc::newer_format);
  replace_journal(folder, std::string_view{"PNLJRN", 6});
  CHECK(launch_journal::read(folder.path()).has_value());
}

TEST_CASE("no bytes make the reader of a journal fail", "[journal]") {
  scratch_folder folder;
  CHECK(rc::check("arbitrary tails", [&folder](const std::string& tail) {
    replace_journal(folder, std::string{"PNLJRN\0\1", 8} + tail);
    RC_ASSERT(launch_journal::read(folder.path()).has_value());
  }));
}

} // namespace pinion::test
