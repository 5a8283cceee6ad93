#include "pinion/storage/data_folder.hpp"
#include "pinion/storage/rocks_kv.hpp"
#include "storage/sound_store.hpp"
#include "storage/temporary_folder.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

using namespace pinion;
namespace fs = std::filesystem;

namespace {

constexpr int runs = 40;

/// A store with tables and a log that has rows which no table has, as a killed engine leaves it.
void leave_store(const fs::path& at) {
  test::temporary_folder original;
  const auto options = test::options_in(original.path());
  const auto fill = [&](int from) {
    const auto kv = rocks_kv::open(options).value();
    for (int i = from; i < from + runs / 2; ++i)
      REQUIRE(test::commit(*kv, test::put(family::runs, std::to_string(i), std::string(300, 'x'))));
    fs::remove_all(at);
    fs::copy(original.path(), at, fs::copy_options::recursive);
  };
  fill(100);
  fill(100 + runs / 2);
}

/// The file of the store whose name begins and ends so; the largest of several.
fs::path file_of(const fs::path& at, const std::string& begin, const std::string& end) {
  fs::path found;
  for (const auto& entry : fs::directory_iterator{at / "store"}) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(begin) && name.ends_with(end) &&
        (found.empty() || entry.file_size() > fs::file_size(found)))
      found = entry.path();
  }
  return found;
}

void flip_byte(const fs::path& file, std::uintmax_t offset) {
  std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
  bytes.seekg(static_cast<std::streamoff>(offset));
  const auto byte = static_cast<char>(bytes.get() ^ 0x10);
  bytes.seekp(static_cast<std::streamoff>(offset));
  bytes.put(byte);
}

struct file_kind {
  std::string name;
  std::string begin;
  std::string end;
};

const std::vector<file_kind> kinds{{"a table", "", ".sst"},
                                   {"the log", "", ".log"},
                                   {"the manifest", "MANIFEST-", ""},
                                   {"CURRENT", "CURRENT", ""}};

/// What became of a damaged store: the first failure, or nothing if all rows can be read.
std::optional<problem> first_failure(const fs::path& at) {
  const auto opened = rocks_kv::open(test::options_in(at));
  if (!opened)
    return opened.error();
  int seen = 0;
  const auto read =
      opened.value()->scan(family::runs, {}, {}, [&](std::string_view, std::string_view value) {
        seen += value == std::string(300, 'x') ? 1 : 0;
        return true;
      });
  if (!read)
    return read.error();
  // Silently fewer rows, or others, would be the worst of all.
  CHECK(seen == runs);
  return std::nullopt;
}

} // namespace

TEST_CASE("damage to any file of a store is named, with the mend", "[store_damage]") {
  test::temporary_folder folder;
  const auto whole = folder.path() / "whole";
  leave_store(whole);
  REQUIRE_FALSE(first_failure([&] {
    fs::copy(whole, folder.path() / "copy", fs::copy_options::recursive);
    return folder.path() / "copy";
  }()));
  for (const auto& kind : kinds) {
    const auto name = file_of(whole, kind.begin, kind.end).filename().string();
    REQUIRE_FALSE(name.empty());
    const auto size = fs::file_size(whole / "store" / name);
    struct damage {
      std::string what;
      std::function<void(const fs::path&)> make;
      bool certain; ///< It cannot be survived.
    };
    std::vector<damage> all{
        {"missing", [](const fs::path& file) { fs::remove(file); }, true},
        {"empty", [](const fs::path& file) { fs::resize_file(file, 0); }, true},
        {"cut in half", [&](const fs::path& file) { fs::resize_file(file, size / 2); }, true}};
    for (std::uintmax_t at = 1; at < size; at += std::max<std::uintmax_t>(size / 9, 1))
      all.push_back({"flipped at " + std::to_string(at),
                     [at](const fs::path& file) { flip_byte(file, at); }, false});
    for (const auto& each : all) {
      DYNAMIC_SECTION(kind.name << ' ' << each.what) {
        const auto copy = folder.path() / "damaged";
        fs::copy(whole, copy, fs::copy_options::recursive);
        each.make(copy / "store" / name);
        const auto why = first_failure(copy);
        if (each.certain)
          REQUIRE(why);
        if (!why)
          continue;
        CAPTURE(why->message, why->suggestion);
        CHECK(why->code == errc::corrupt);
        // A log that ends early is told by the counter of commits, which does not know where.
        if (why->message.find("acknowledged commits are missing") == std::string::npos)
          CHECK(why->message.find(name) != std::string::npos);
        CHECK(why->suggestion.find("store restore") != std::string::npos);
      }
    }
  }
}

TEST_CASE("a damaged CURRENT is mended with the line that the message tells", "[store_damage]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_store(at);
  const auto manifest = file_of(at, "MANIFEST-", "").filename().string();
  std::ofstream{at / "store" / "CURRENT"} << "MANIFEST-9";
  const auto why = first_failure(at);
  REQUIRE(why);
  CHECK_THAT(why->suggestion, Catch::Contains("put the line " + manifest));
  std::ofstream{at / "store" / "CURRENT"} << manifest << '\n';
  CHECK_FALSE(first_failure(at));
}
