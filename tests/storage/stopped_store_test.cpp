#include "pinion/storage/stopped_store.hpp"

#include "pinion/storage/store_mend.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/sound_store.hpp"
#include "storage/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fstream>

using namespace pinion;
namespace fs = std::filesystem;

namespace {

/// A data folder with a sound store and `damage`, closed.
void leave_store(const fs::path& at, const std::function<void(kv_batch&)>& damage = {}) {
  const auto folder = data_folder::open(at).value();
  const auto kv = rocks_kv::open({folder.database(), folder.mirror(), durability::sync}).value();
  kv_batch batch;
  test::sound_store{}.write_to(batch);
  if (damage)
    damage(batch);
  REQUIRE(test::commit(*kv, std::move(batch)));
}

/// All files and their sizes.
std::map<std::string, std::uintmax_t> files_of(const fs::path& at) {
  std::map<std::string, std::uintmax_t> found;
  for (const auto& entry : fs::recursive_directory_iterator{at})
    if (entry.is_regular_file())
      found[entry.path().string()] = entry.file_size();
  return found;
}

} // namespace

TEST_CASE("a stopped store is read and nothing in it changes", "[stopped_store]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_store(at);
  const auto before = files_of(at);
  {
    const auto store = stopped_store::open(at).value();
    const auto report = check_store(store->rows(), test::sound_readers()).value();
    CHECK(report.findings.empty());
    CHECK(store->check_files());
    CHECK_FALSE(store->missing());
    CHECK(store->figures().commits == 1);
  }
  CHECK(files_of(at) == before);
}

TEST_CASE("a store on its way to another format is not read", "[stopped_store]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  {
    const auto opened = data_folder::open(at).value();
    const auto kv = rocks_kv::open({opened.database(), opened.mirror(), durability::sync}).value();
    REQUIRE(test::commit(*kv, test::put(family::meta, std::string{format_step_row}, "x")));
  }
  const auto store = stopped_store::open(at);
  REQUIRE_FALSE(store);
  CHECK(store.error().code == errc::refused);
  CHECK(store.error().suggestion == "start the engine on it once: that brings it to format 1");
}

TEST_CASE("a store that an engine has is not read behind its back", "[stopped_store]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_store(at);
  const auto engine = data_folder::open(at).value();
  const auto store = stopped_store::open(at);
  REQUIRE_FALSE(store);
  CHECK(store.error().code == errc::in_use);
}

TEST_CASE("no engine starts while a stopped store is read", "[stopped_store]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_store(at);
  const auto store = stopped_store::open(at).value();
  CHECK(data_folder::open(at).error().code == errc::in_use);
}

TEST_CASE("a folder that is none is not made", "[stopped_store]") {
  test::temporary_folder folder;
  const auto store = stopped_store::open(folder.path() / "absent");
  REQUIRE_FALSE(store);
  CHECK(store.error().code == errc::not_found);
  CHECK_FALSE(fs::exists(folder.path() / "absent"));
}

TEST_CASE("acknowledged commits that are missing are told by a stopped store", "[stopped_store]") {
  test::temporary_folder folder;
  leave_store(folder.path() / "d");
  leave_store(folder.path() / "e", [](kv_batch& batch) { batch.put(family::meta, "more", "1"); });
  {
    const auto newer = data_folder::open(folder.path() / "e").value();
    const auto kv = rocks_kv::open({newer.database(), newer.mirror(), durability::sync}).value();
    REQUIRE(test::commit(*kv, test::put(family::meta, "again", "1")));
  }
  fs::copy_file(folder.path() / "e" / "COMMIT", folder.path() / "d" / "COMMIT",
                fs::copy_options::overwrite_existing);
  const auto store = stopped_store::open(folder.path() / "d").value();
  REQUIRE(store->missing());
  CHECK_THAT(store->missing()->message, Catch::Contains("acknowledged commits are missing"));
}

TEST_CASE("mending writes what other rows say, and an audit record", "[stopped_store]") {
  test::temporary_folder folder;
  const auto at = folder.path() / "d";
  leave_store(at, [](kv_batch& batch) { batch.put(family::live, keys::run({99}), {}); });
  std::vector<store_finding> findings;
  {
    const auto store = stopped_store::open(at).value();
    findings = check_store(store->rows(), test::sound_readers()).value().findings;
  }
  REQUIRE(findings.size() == 1);
  CHECK(mend_store(at, findings, "ada", test::day).value() == 1);
  const auto store = stopped_store::open(at).value();
  CHECK(check_store(store->rows(), test::sound_readers()).value().findings.empty());
  const auto audit = store_reader{store->rows()}.list_audit({}, {}).value();
  REQUIRE(audit.items.size() == 4);
  CHECK(audit.items.front().who == "ada");
  CHECK(audit.items.front().verb == "store mend");
}
