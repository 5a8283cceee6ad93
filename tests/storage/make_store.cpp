// Writes the data folder that is kept in tests/storage/stores for each format: `storage_make_store
// DIR`. To be run once for a format, by the program that writes it.

#include "pinion/storage/data_folder.hpp"
#include "storage/sound_store.hpp"

#include <cstdio>

using namespace pinion;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: storage_make_store DIR\n");
    return 2;
  }
  const auto folder = data_folder::open(argv[1]);
  if (!folder) {
    std::fprintf(stderr, "%s\n", folder.error().message.c_str());
    return 1;
  }
  const auto kv =
      rocks_kv::open({folder.value().database(), folder.value().mirror(), durability::sync});
  if (!kv) {
    std::fprintf(stderr, "%s\n", kv.error().message.c_str());
    return 1;
  }
  kv_batch batch;
  test::sound_store{}.write_to(batch);
  return test::commit(*kv.value(), std::move(batch)) && kv.value()->close() ? 0 : 1;
}
