#include "pinion/storage/data_folder.hpp"
#include "pinion/storage/store_reader.hpp"
#include "storage/sound_store.hpp"
#include "storage/temporary_folder.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
namespace fs = std::filesystem;

namespace {

/// A kept data folder as its owner finds it; the repository's own is not written to.
fs::path copy_of(const std::string& name, const fs::path& into) {
  auto at = into / name;
  fs::copy(fs::path{PINION_KEPT_STORES} / name, at, fs::copy_options::recursive);
  fs::permissions(at, fs::perms::owner_all);
  return at;
}

/// Fields that came later have their defaults in an old row: both are the same record then.
template <class Record>
void check_same(const result<std::optional<Record>>& kept, const Record& wanted) {
  REQUIRE(kept);
  REQUIRE(kept.value());
  CHECK(codecs::encode(*kept.value()) == codecs::encode(wanted));
}

} // namespace

TEST_CASE("a store of every format is read, whole, as it was written", "[kept_stores]") {
  const auto name = GENERATE(as<std::string>{}, "format-1");
  test::temporary_folder folder;
  const auto opened = data_folder::open(copy_of(name, folder.path()));
  REQUIRE(opened);
  const auto& at = opened.value();
  const auto kv = rocks_kv::open({at.database(), at.mirror(), durability::sync});
  REQUIRE(kv);
  const auto report = check_store(*kv.value(), test::sound_readers()).value();
  CHECK(report.findings.empty());
  CHECK(report.rows.size() >= 33); // Of each kind that there was.

  const test::sound_store wanted;
  const store_reader rows{*kv.value()};
  check_same(rows.run(wanted.ended.id), wanted.ended);
  check_same(rows.run(wanted.running.id), wanted.running);
  check_same(rows.attempt(wanted.attempt.instance, 1), wanted.attempt);
  check_same(rows.slot({"main", "dw.w", "t", wanted.fired.slot}), wanted.fired);
  check_same(rows.slot({"main", "dw.w", "t", wanted.planned.slot}), wanted.planned);
  check_same(rows.backfill(1), wanted.backfill);
  check_same(rows.backfill_item_at(1, 0), wanted.item);
  const auto edges = rows.edges_of(wanted.running.id).value();
  REQUIRE(edges.size() == 1);
  CHECK(codecs::encode(edges.front()) == codecs::encode(wanted.settled));
  const auto permits = rows.permits().value();
  REQUIRE(permits.size() == 1);
  CHECK(codecs::encode(permits.front()) == codecs::encode(wanted.permit));
}

TEST_CASE("a store of every format is written to and goes on", "[kept_stores]") {
  const auto name = GENERATE(as<std::string>{}, "format-1");
  test::temporary_folder folder;
  const auto path = copy_of(name, folder.path());
  {
    const auto at = data_folder::open(path).value();
    const auto kv = rocks_kv::open({at.database(), at.mirror(), durability::sync}).value();
    CHECK(test::commit(*kv, test::put(family::meta, "next", "1")).value() == 2);
  }
  const auto at = data_folder::open(path).value();
  const auto kv = rocks_kv::open({at.database(), at.mirror(), durability::sync}).value();
  CHECK(kv->get(family::meta, "next").value());
  CHECK(check_store(*kv, test::sound_readers()).value().findings.empty());
}
