#include "execution/staging.hpp"

#include "execution/launcher_fixture.hpp"
#include "execution/system_calls.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

namespace pinion::test {

namespace {

process_key key_of(std::uint32_t task) { return {{run_id{1}, task, no_element}, {2, 1, 0}}; }

start_request request_of(std::uint32_t task) {
  start_request out;
  out.key = key_of(task);
  out.argv = {"true"};
  out.cwd = "/";
  return out;
}

/// A data folder and the files of its attempts.
struct staged_folder {
  /// As after a crash of the engine.
  void reopen() { files = open(); }
  std::unique_ptr<staging> open() const {
    return std::make_unique<staging>(staging::open(folder.path()).value());
  }
  std::uint32_t stage(std::uint32_t task) { return files->stage(request_of(task)).value().slot; }
  void print(std::uint32_t slot, const std::string& text) const {
    const unique_fd file{::open(output_of(slot).c_str(), O_WRONLY | O_TRUNC)};
    REQUIRE(write_all(file.get(), text));
  }
  std::string printed(std::uint32_t slot) const {
    return read_small_file(output_of(slot), 4096).value();
  }
  std::string outputs(std::uint32_t task) const {
    process_end end;
    REQUIRE(files->collect(key_of(task), end).has_value());
    return end.outputs_json;
  }
  std::string output_of(std::uint32_t slot) const {
    return folder.path() + "/work/" + std::to_string(slot) + "/output";
  }

  scratch_folder folder;
  std::unique_ptr<staging> files = open();
};

} // namespace

TEST_CASE("a process whose slot was given up cannot have it again", "[staging]") {
  staged_folder at;
  const auto slot = at.stage(1);
  at.print(slot, "who=1");
  at.files->release(key_of(1));
  SECTION("while it is free") {
    at.files->adopt(key_of(1), slot);
    CHECK(at.outputs(1) == "{}");
    at.files->release(key_of(1));
    CHECK(at.stage(2) == slot);
    CHECK(at.stage(3) != slot);
  }
  SECTION("while another has it") {
    REQUIRE(at.stage(2) == slot);
    at.print(slot, "who=2");
    at.files->adopt(key_of(1), slot);
    CHECK(at.outputs(1) == "{}");
    at.files->release(key_of(1));
    CHECK(at.outputs(2) == R"({"who":2})");
    CHECK(at.stage(3) != slot);
  }
}

TEST_CASE("a slot of a former engine is given out once, whenever its process was released",
          "[staging]") {
  staged_folder at;
  const auto slot = at.stage(1);
  at.reopen();
  at.files->adopt(key_of(1), slot);
  const auto told_all_first = GENERATE(true, false);
  if (told_all_first)
    at.files->all_adopted({});
  at.files->release(key_of(1));
  if (!told_all_first)
    at.files->all_adopted({});
  // As at the next connection.
  at.files->all_adopted({});
  CHECK(at.stage(2) == slot);
  CHECK(at.stage(3) != slot);
}

TEST_CASE("a slot in which a launcher still looks for a process waits for its end", "[staging]") {
  staged_folder at;
  const auto slot = at.stage(1);
  at.print(slot, "who=1");
  at.reopen();
  at.files->all_adopted({slot});
  CHECK(at.stage(2) != slot);
  at.files->adopt(key_of(1), slot);
  CHECK(at.outputs(1) == R"({"who":1})");
  // The launcher may know the process under way at one connection and look for it at the next.
  at.files->all_adopted({slot});
  at.files->adopt(key_of(1), slot);
  at.files->release(key_of(1));
  CHECK(at.stage(3) == slot);
}

TEST_CASE("a slot that a former engine gave on is free when both processes are released",
          "[staging]") {
  staged_folder at;
  const auto slot = at.stage(1);
  at.print(slot, "who=2");
  at.reopen();
  // The first has ended, and its launcher could not record that it may be forgotten.
  at.files->adopt(key_of(1), slot);
  SECTION("released before the other is told of") {
    at.files->release(key_of(1));
    at.files->adopt(key_of(2), slot);
    at.files->all_adopted({});
  }
  SECTION("released when both are known") {
    at.files->adopt(key_of(2), slot);
    at.files->all_adopted({});
    at.files->release(key_of(1));
  }
  SECTION("released while the other is looked for") {
    at.files->all_adopted({slot});
    at.files->release(key_of(1));
    at.files->adopt(key_of(2), slot);
  }
  CHECK(at.stage(3) != slot);
  CHECK(at.outputs(2) == R"({"who":2})");
  at.files->release(key_of(2));
  CHECK(at.printed(slot).empty());
  CHECK(at.stage(4) == slot);
}

TEST_CASE("a process that ran before it was staged again keeps the files it runs with",
          "[staging]") {
  staged_folder at;
  const auto former = at.stage(1);
  at.reopen();
  const auto ours = at.stage(1);
  REQUIRE(ours != former);
  at.print(former, "who=1");
  at.files->adopt(key_of(1), former);
  at.files->all_adopted({});
  CHECK(at.outputs(1) == R"({"who":1})");
  CHECK(at.stage(1) == former);
  CHECK(at.stage(2) == ours);
}

TEST_CASE("slots that cannot be listed are not taken for free", "[staging]") {
  staged_folder at;
  at.stage(1);
  const auto open_with = [&at](int error) {
    return in_child([&at, error] {
      if (!answer_call(SYS_openat, fails_with(error)))
        return 2;
      const auto made = staging::open(at.folder.path());
      return !made && made.error().code == errc::unavailable ? 0 : 1;
    });
  };
  CHECK(is_success(open_with(EMFILE)));
  // Where there is no folder yet, there is nothing in it.
  CHECK(staging::open(at.folder.path() + "/new").has_value());
}

TEST_CASE("a slot that the launcher tells of is not given out, known here or not", "[staging]") {
  staged_folder at;
  at.files->adopt(key_of(1), 3);
  at.files->all_adopted({});
  for (std::uint32_t task = 2; task < 6; ++task)
    CHECK(at.stage(task) != 3);
}

TEST_CASE("outputs that cannot be read are none, and no success either", "[staging]") {
  staged_folder at;
  at.print(at.stage(1), "who=1");
  const auto collect = [&at](int error, const std::function<bool(bool, const process_end&)>& is) {
    return in_child([&at, &is, error] {
      process_end end;
      if (!answer_call(SYS_read, fails_with(error)))
        return 2;
      const auto collected = at.files->collect(key_of(1), end);
      return is(collected.has_value(), end) && end.outputs_json == "{}" ? 0 : 1;
    });
  };
  CHECK(is_success(collect(EIO, [](bool done, const process_end& end) {
    return done && end.outputs_problem.find("(EIO)") != std::string::npos;
  })));
  // That passes: it is tried again.
  CHECK(is_success(collect(ENOMEM, [](bool done, const process_end& end) {
    return !done && end.outputs_problem.empty();
  })));
}

} // namespace pinion::test
