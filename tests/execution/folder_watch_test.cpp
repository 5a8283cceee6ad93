#include "execution/launcher_fixture.hpp"
#include "execution/system_calls.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

namespace pinion::test {

TEST_CASE("a folder is gone when nothing has its name, or another one", "[folder]") {
  scratch_folder scratch;
  const auto path = scratch.path() + "/data";
  REQUIRE(make_folder(path).has_value());
  folder_watch watched{path};
  CHECK_FALSE(watched.is_gone());
  REQUIRE(::rename(path.c_str(), (path + "2").c_str()) == 0);
  CHECK(watched.is_gone());
  SECTION("it is there again") {
    REQUIRE(::rename((path + "2").c_str(), path.c_str()) == 0);
    CHECK_FALSE(watched.is_gone());
  }
  SECTION("another one is") {
    REQUIRE(make_folder(path).has_value());
    CHECK(watched.is_gone());
  }
  SECTION("its parent is no folder any more") {
    folder_watch below{path + "2/below"};
    REQUIRE(make_folder(path + "2/below").has_value());
    CHECK_FALSE(below.is_gone());
    REQUIRE(remove_tree(path + "2").has_value());
    { const unique_fd file{::open((path + "2").c_str(), O_WRONLY | O_CREAT, 0600)}; }
    CHECK(below.is_gone());
  }
}

TEST_CASE("a folder that cannot be looked at is not gone", "[folder]") {
  scratch_folder scratch;
  const auto looked_at = [&scratch](int error, bool before) {
    return in_child([&, error, before] {
      folder_watch watched{scratch.path()};
      if (before && watched.is_gone())
        return 1;
      if (!answer_call(SYS_newfstatat, fails_with(error)))
        return 2;
      return watched.is_gone() ? 3 : 0;
    });
  };
  for (const auto error : {EIO, ENOMEM, ESTALE, EACCES})
    for (const auto before : {false, true})
      CHECK(is_success(looked_at(error, before)));
}

} // namespace pinion::test
