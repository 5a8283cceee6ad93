#include "pinion/storage/data_folder.hpp"

#include "storage/locked_out.hpp"
#include "storage/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace pinion;
namespace fs = std::filesystem;

namespace {

void write_file(const fs::path& file, const std::string& text) { std::ofstream{file} << text; }

problem failure_of(const fs::path& folder) {
  const auto opened = data_folder::open(folder);
  REQUIRE_FALSE(opened);
  return opened.error();
}

} // namespace

TEST_CASE("a data folder is made for its owner alone, parents included", "[data_folder]") {
  test::temporary_folder place;
  const auto folder = data_folder::open(place.path() / "a" / "b/");
  REQUIRE(folder);
  CHECK(folder.value().path() == place.path() / "a" / "b");
  CHECK((fs::status(place.path() / "a" / "b").permissions() & fs::perms::mask) ==
        fs::perms::owner_all);
  std::ifstream format{place.path() / "a" / "b" / "FORMAT"};
  std::string line;
  std::getline(format, line);
  CHECK(line == "pinion data folder, format 1");
}

TEST_CASE("a data folder is held by one, who is named to others", "[data_folder]") {
  test::temporary_folder place;
  {
    auto held = data_folder::open(place.path() / "d");
    REQUIRE(held);
    const data_folder moved = std::move(held).value();
    const auto refused = failure_of(place.path() / "d");
    CHECK(refused.code == errc::in_use);
    CHECK_THAT(refused.message, Catch::EndsWith("process " + std::to_string(::getpid())));
  }
  CHECK(data_folder::open(place.path() / "d"));
}

TEST_CASE("a folder that others may enter is refused with the mend", "[data_folder]") {
  test::temporary_folder place;
  REQUIRE(data_folder::open(place.path() / "d"));
  REQUIRE(::chmod((place.path() / "d").c_str(), 0755) == 0);
  const auto refused = failure_of(place.path() / "d");
  CHECK(refused.code == errc::refused);
  CHECK(refused.suggestion == "chmod 700 " + (place.path() / "d").string());
  REQUIRE(::chmod((place.path() / "d").c_str(), 0710) == 0);
  CHECK(data_folder::open(place.path() / "d"));
}

TEST_CASE("another user's folder is refused", "[data_folder]") {
  if (::geteuid() != 0)
    return; // Only root can give a folder away.
  test::temporary_folder place;
  REQUIRE(::chown(place.path().c_str(), 12345, 12345) == 0);
  const auto refused = failure_of(place.path());
  CHECK(refused.code == errc::refused);
  CHECK_THAT(refused.message, Catch::Contains("belongs to user 12345"));
}

TEST_CASE("a folder with other things in it is refused and left as it is", "[data_folder]") {
  test::temporary_folder place;
  write_file(place.path() / "thesis.txt", "x");
  const auto refused = failure_of(place.path());
  CHECK(refused.code == errc::refused);
  CHECK_THAT(refused.message, Catch::Contains("thesis.txt"));
  CHECK_FALSE(fs::exists(place.path() / "LOCK"));
}

TEST_CASE("a folder whose beginning was cut short is begun again", "[data_folder]") {
  test::temporary_folder place;
  write_file(place.path() / "LOCK", "123\n");
  write_file(place.path() / "FORMAT.new", "pin");
  CHECK(data_folder::open(place.path()));
}

TEST_CASE("the format of a data folder is checked", "[data_folder]") {
  test::temporary_folder place;
  write_file(place.path() / "FORMAT", "pinion data folder, format 2\n");
  CHECK(failure_of(place.path()).code == errc::newer_format);
  for (const auto* text :
       {"", "1", "pinion data folder, format 1", "pinion data folder, format x\n"}) {
    write_file(place.path() / "FORMAT", text);
    CHECK(failure_of(place.path()).code == errc::corrupt);
  }
}

TEST_CASE("a file in the place of the folder is refused", "[data_folder]") {
  test::temporary_folder place;
  write_file(place.path() / "d", "x");
  CHECK(failure_of(place.path() / "d").code == errc::refused);
  CHECK(failure_of(place.path() / "d" / "e").code == errc::os_failure);
}

TEST_CASE("a path that is too long for its socket is refused", "[data_folder]") {
  CHECK(check_socket_path("/" + std::string(106, 'a')));
  const auto refused = check_socket_path("/" + std::string(107, 'a'));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid);
  CHECK(failure_of("/tmp/" + std::string(100, 'a')).code == errc::invalid);
  CHECK_FALSE(fs::exists("/tmp/" + std::string(100, 'a')));
}

TEST_CASE("a renamed folder goes on, a copied one is refused until it is said to be moved",
          "[data_folder]") {
  test::temporary_folder place;
  const auto at = [&](const char* name) { return place.path() / name; };
  const auto claim = [](const fs::path& folder, bool moved = false) {
    const auto opened = data_folder::open(folder);
    REQUIRE(opened);
    return opened.value().claim_place(moved);
  };
  REQUIRE(claim(at("first")));
  REQUIRE(claim(at("first")));
  fs::rename(at("first"), at("renamed"));
  REQUIRE(claim(at("renamed")));
  fs::copy(at("renamed"), at("copy"), fs::copy_options::recursive);
  REQUIRE(::chmod(at("copy").c_str(), 0700) == 0);
  const auto refused = claim(at("copy"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::refused);
  CHECK_THAT(refused.error().message, Catch::Contains("is a copy of a data folder"));
  CHECK_THAT(refused.error().suggestion, Catch::Contains("--moved on"));
  CHECK(claim(at("copy"), true));
  CHECK(claim(at("copy")));
  write_file(at("copy") / "PLACE", "somewhere\n");
  const auto damaged = claim(at("copy"));
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().code == errc::corrupt);
  CHECK(claim(at("renamed")));
}

TEST_CASE("a folder that is renamed, removed or replaced while it is open is missed",
          "[data_folder]") {
  test::temporary_folder place;
  const auto opened = data_folder::open(place.path() / "d");
  REQUIRE(opened);
  CHECK(opened.value().check_in_place());
  fs::rename(place.path() / "d", place.path() / "e");
  CHECK_FALSE(opened.value().check_in_place());
  REQUIRE(data_folder::open(place.path() / "d"));
  const auto missed = opened.value().check_in_place();
  REQUIRE_FALSE(missed);
  CHECK(missed.error().code == errc::storage_failure);
}

TEST_CASE("a folder that cannot be looked at is not one that is absent", "[data_folder]") {
  test::temporary_folder place;
  fs::permissions(place.path(), fs::perms{0755});
  const auto outside = place.path() / "closed";
  const auto inside = outside / "d";
  fs::create_directory(outside);
  REQUIRE(data_folder::open(inside));
  const test::locked_out meanwhile{outside};
  const auto existing = data_folder::open_existing(inside);
  REQUIRE_FALSE(existing);
  CHECK(existing.error().code == errc::os_failure);
  CHECK_THAT(existing.error().message, Catch::Contains("Permission denied"));
  const auto fresh = data_folder::check_new(inside);
  REQUIRE_FALSE(fresh);
  CHECK(fresh.error().code == errc::os_failure);
  CHECK(failure_of(inside).code == errc::os_failure);
}
