#include "execution/launcher_fixture.hpp"

#include "execution/log_index.hpp"
#include "execution/system_calls.hpp"
#include "pinion/execution/attempt_files.hpp"
#include "pinion/execution/log_reader.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>
#include <sys/stat.h>

namespace pinion::test {

namespace {

constexpr instance_key instance{run_id{1234}, 5, no_element};

/// A log in a data folder, watched by hand.
struct watched_log {
  explicit watched_log(std::uint64_t limit) {
    watch =
        std::move(log_watch::open(folder.path() + '/' + log_name(instance, 1), limit, from_us(0)))
            .assume_value();
  }
  void print(const std::string& text, std::int64_t at_us) {
    REQUIRE(write_all(watch.fd(), text));
    watch.look(from_us(at_us));
  }
  log_reader reader() const {
    return std::move(log_reader::open(folder.path(), instance, 1)).assume_value();
  }
  scratch_folder folder;
  log_watch watch;
};

} // namespace

TEST_CASE("names of logs do not change", "[log]") {
  CHECK(log_name({run_id{12'345}, 3, no_element}, 2) == "logs/12/r12345/3-a2.log");
  CHECK(log_name({run_id{7}, 3, 17}, 1) == "logs/0/r7/3-17-a1.log");
}

TEST_CASE("a log is read in pieces, followed, and by its last lines", "[log]") {
  watched_log log{1U << 20U};
  log.print("one\ntwo\n", 1'000'000);
  const auto reader = log.reader();
  const auto first = reader.read(0, 5).value();
  CHECK(first.bytes == "one\nt");
  CHECK(first.next_offset == 5);
  CHECK(first.size == 8);
  const auto rest = reader.read(5).value();
  CHECK(rest.bytes == "wo\n");
  CHECK(rest.next_offset == rest.size);
  CHECK(reader.read(8).value().bytes.empty());
  CHECK(reader.read(999).value().next_offset == 8);
  log.print("three", 2'000'000);
  CHECK(reader.read(8).value().bytes == "three");
  CHECK(reader.tail_offset(1).value() == 8);
  CHECK(reader.tail_offset(2).value() == 4);
  CHECK(reader.tail_offset(3).value() == 0);
  CHECK(reader.tail_offset(99).value() == 0);
  CHECK(reader.tail_offset(0).value() == 13);
}

TEST_CASE("times come from the index, between its marks by proportion", "[log]") {
  watched_log log{1U << 20U};
  log.print(std::string(100, 'a'), 1'000'000);
  log.print(std::string(100, 'b'), 2'000'000);
  const auto reader = log.reader();
  CHECK(reader.time_of(0).value() == from_us(0));
  CHECK(reader.time_of(100).value() == from_us(1'000'000));
  CHECK(reader.time_of(150).value() == from_us(1'500'000));
  CHECK(reader.time_of(5000).value() == from_us(2'000'000));
  CHECK(reader.offset_since(from_us(1'500'000)).value() == 100);
  CHECK(reader.offset_since(from_us(0)).value() == 0);
  CHECK(reader.offset_since(from_us(9'000'000)).value() == 200);
  CHECK(reader.times_of({100, 150}).value() ==
        std::vector<instant>{from_us(1'000'000), from_us(1'500'000)});
}

TEST_CASE("over its limit a log keeps its head and its newest part, and offsets stay", "[log]") {
  constexpr std::uint64_t limit = 64U << 10U;
  watched_log log{limit};
  std::string all;
  for (int i = 0; i < 400; ++i) {
    std::string line = std::to_string(i);
    line.append(1023 - line.size(), '.').append("\n");
    all += line;
    log.print(line, i * 1000);
  }
  CHECK(log.watch.cut());
  const auto reader = log.reader();
  const auto cut = reader.cut_bytes().value();
  CHECK(reader.size().value() == all.size());
  CHECK(all.size() - cut <= limit + 4096);
  const auto head = reader.read(0).value();
  CHECK(head.bytes == all.substr(0, limit / 2));
  const auto tail = reader.read(head.next_offset).value();
  CHECK(tail.cut_bytes == cut);
  CHECK(tail.offset == limit / 2 + cut);
  CHECK(tail.bytes == all.substr(tail.offset));
  CHECK(reader.read(all.size() - 10).value().bytes == all.substr(all.size() - 10));
  struct stat status {};
  REQUIRE(::stat((log.folder.path() + '/' + log_name(instance, 1)).c_str(), &status) == 0);
  CHECK(static_cast<std::uint64_t>(status.st_blocks) * 512 <= limit + (16U << 10U));
  CHECK(reader.tail_offset(1000).value() >= tail.offset);
}

TEST_CASE("a launcher that is killed while it cuts a log leaves no zeros in its text", "[log]") {
  watched_log log{64U << 10U};
  log.print("begin\n", 1'000'000);
  const auto killed_at = GENERATE(SYS_fallocate, SYS_pwrite64);
  CAPTURE(killed_at);
  const auto status = in_child([&log, killed_at] {
    if (!write_all(log.watch.fd(), std::string(200U << 10U, 'x')) ||
        !answer_call(killed_at, SECCOMP_RET_KILL_PROCESS))
      return 1;
    // Before the last mark: no new one is written, and the cut is the first that is done.
    log.watch.look(from_us(500'000));
    return 0;
  });
  REQUIRE(WIFSIGNALED(status));
  const auto reader = log.reader();
  const auto size = reader.size().value();
  for (std::uint64_t at = 0; at < size;) {
    const auto chunk = reader.read(at).value();
    CHECK(chunk.bytes.find('\0') == std::string::npos);
    REQUIRE(chunk.next_offset > at);
    at = chunk.next_offset;
  }
}

TEST_CASE("a log that cannot be cut is read whole", "[log]") {
  watched_log log{64U << 10U};
  log.print("begin\n", 1'000'000);
  const auto error = GENERATE(EIO, EOPNOTSUPP);
  const auto status = in_child([&log, error] {
    if (!write_all(log.watch.fd(), std::string(200U << 10U, 'x')) ||
        !answer_call(SYS_fallocate, fails_with(error)))
      return 1;
    for (int i = 2; i < 5; ++i)
      log.watch.look(from_us(i * 1'000'000));
    return log.watch.cut() ? 2 : 0;
  });
  REQUIRE(is_success(status));
  CHECK(log.reader().cut_bytes().value() == 0);
  CHECK(log.reader().read(100U << 10U, 10).value().bytes == "xxxxxxxxxx");
}

TEST_CASE("the index is bounded and still covers the whole log", "[log]") {
  watched_log log{1ULL << 40U};
  for (std::int64_t i = 1; i <= 40'000; ++i)
    log.print("x", i * 100'000);
  const auto path = log.folder.path() + '/' + log_name(instance, 1) + ".idx";
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(status.st_size <=
        static_cast<off_t>(index_head_bytes + most_index_entries * index_entry_bytes));
  const auto reader = log.reader();
  const auto middle = reader.time_of(20'000).value();
  CHECK(std::abs((middle - from_us(2'000'000'000)).count()) < 1'000'000);
  CHECK(reader.time_of(40'000).value() == from_us(4'000'000'000));
}

TEST_CASE("the next step of an attempt appends to its log and its index", "[log]") {
  watched_log log{1U << 20U};
  log.print("body\n", 1'000'000);
  log.watch = {};
  log.watch = std::move(log_watch::open(log.folder.path() + '/' + log_name(instance, 1), 1U << 20U,
                                        from_us(5'000'000)))
                  .assume_value();
  log.print("check\n", 6'000'000);
  const auto reader = log.reader();
  CHECK(reader.read(0).value().bytes == "body\ncheck\n");
  CHECK(reader.time_of(3).value() < from_us(1'000'001));
  CHECK(reader.time_of(5).value() == from_us(5'000'000));
  CHECK(reader.time_of(11).value() == from_us(6'000'000));
}

TEST_CASE("an index decodes to what was encoded, and any bytes decode to something", "[log]") {
  CHECK(rc::check("index round trip", [](std::vector<std::uint32_t> steps, std::uint32_t cut) {
    log_index index;
    index.cut_end = cut;
    log_time last;
    for (const auto step : steps) {
      last = {last.offset + step, last.at + duration{step}};
      index.times.push_back(last);
    }
    const auto back = decode_log_index(encode_log_index(index));
    RC_ASSERT(back.cut_end == index.cut_end);
    RC_ASSERT(back.times.size() == index.times.size());
    for (std::size_t i = 0; i < back.times.size(); ++i)
      RC_ASSERT(
          (back.times[i].offset == index.times[i].offset && back.times[i].at == index.times[i].at));
  }));
  CHECK(rc::check("arbitrary index", [](const std::string& bytes) {
    static_cast<void>(decode_log_index(std::string("PNLGIX\0\1", 8) + bytes));
  }));
}

TEST_CASE("a log that is a link, a pipe or absent is not read", "[log]") {
  scratch_folder folder;
  CHECK(log_reader::open(folder.path(), instance, 1).assume_error().code == errc::not_found);
  for (const auto* name : {"/logs", "/logs/1", "/logs/1/r1234"})
    REQUIRE(make_folder(folder.path() + name).has_value());
  const auto path = folder.path() + '/' + log_name(instance, 1);
  REQUIRE(::symlink("/etc/passwd", path.c_str()) == 0);
  CHECK_FALSE(log_reader::open(folder.path(), instance, 1).has_value());
  CHECK_FALSE(log_watch::open(path, 1U << 20U, from_us(0)).has_value());
  REQUIRE(::unlink(path.c_str()) == 0);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_FALSE(log_reader::open(folder.path(), instance, 1).has_value());
  REQUIRE(remove_tree(folder.path() + "/logs/1/r1234").has_value());
  REQUIRE(::symlink("/etc", (folder.path() + "/logs/1/r1234").c_str()) == 0);
  CHECK_FALSE(log_reader::open(folder.path(), instance, 1).has_value());
  REQUIRE(remove_run_logs(folder.path(), instance.run).has_value());
  CHECK(::access("/etc/passwd", R_OK) == 0);
}

TEST_CASE("a task that prints far more than its limit runs on, and takes no more disk", "[log]") {
  engine_side engine;
  auto request =
      engine.shell(engine.next_key(), "echo first; head -c 600M /dev/zero; echo; echo last");
  request.log_limit_bytes = 8U << 20U;
  const auto end = engine.run(request);
  CHECK(end.kind == end_kind::exited);
  CHECK(end.exit_code == 0);
  CHECK(end.log_cut);
  CHECK(end.log_bytes == 6 + (600ULL << 20U) + 6);
  struct stat status {};
  REQUIRE(::stat(log_path(engine.path(), request.key).c_str(), &status) == 0);
  CHECK(static_cast<std::uint64_t>(status.st_blocks) * 512 <= (9ULL << 20U));
  const auto reader =
      std::move(log_reader::open(engine.path(), request.key.instance, 1)).assume_value();
  CHECK(reader.read(0, 6).value().bytes == "first\n");
  CHECK(reader.read(reader.tail_offset(1).value()).value().bytes == "last\n");
}

TEST_CASE("binary output is kept to the byte", "[log]") {
  engine_side engine;
  const auto request = engine.shell(engine.next_key(), R"(printf '\000\377\033[31m\r no newline')");
  REQUIRE(engine.run(request).exit_code == 0);
  CHECK(engine.printed(request.key) == std::string("\0\xff\033[31m\r no newline", 19));
}

} // namespace pinion::test
