#include "bench_case.hpp"
#include "pinion/definitions/loader.hpp"
#include "pinion/storage/rocks_kv.hpp"
#include "pinion/timing/schedule.hpp"
#include "resident_memory.hpp"
#include "stopwatch.hpp"

#include <condition_variable>
#include <mutex>
#include <stdexcept>

namespace pinion::bench {

namespace {

/// A commit of `rows` rows of 150 bytes under keys of 24, beginning at number `first`.
kv_batch batch_of(std::uint64_t first, std::uint32_t rows) {
  kv_batch out;
  for (std::uint64_t i = first; i < first + rows; ++i) {
    auto key = std::to_string(i);
    key.insert(0, 24 - key.size(), '0');
    out.put(family::instances, std::move(key), std::string(150, static_cast<char>(i % 251)));
  }
  return out;
}

/// Commits a second with `under_way` of them handed over at any time.
double commits_a_second(rocks_kv& kv, std::uint32_t commits, std::uint32_t rows,
                        std::uint32_t under_way) {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint32_t ended = 0;
  bool well = true;
  const stopwatch whole;
  for (std::uint32_t i = 0; i < commits; ++i) {
    {
      std::unique_lock lock{mutex};
      changed.wait(lock, [&] { return i - ended < under_way; });
    }
    kv.commit(batch_of(std::uint64_t{i} * rows, rows), [&](const result<std::uint64_t>& number) {
      const std::lock_guard lock{mutex};
      ++ended;
      well = well && number;
      changed.notify_one();
    });
  }
  std::unique_lock lock{mutex};
  changed.wait(lock, [&] { return ended == commits; });
  if (!well)
    throw std::runtime_error{"a commit failed"};
  return commits / whole.seconds();
}

std::string yaml_of(std::uint32_t tasks) {
  std::string text{"workflow: large\ntasks:\n"};
  for (std::uint32_t i = 0; i < tasks; ++i) {
    const auto number = std::to_string(i);
    text += "  t" + number + ":\n    run: echo " + number + "\n";
    if (i > 0)
      text += "    needs: [t" + std::to_string(i / 2) + "]\n";
  }
  return text;
}

double slot_nanoseconds(const char* expression, const char* zone_name, std::uint32_t slots) {
  const auto parsed = cron_expression::parse(expression);
  const auto zone = zone::load(zone_name);
  if (!parsed || !zone)
    throw std::runtime_error{std::string{"cannot read "} + expression + " in " + zone_name};
  const schedule when = cron_schedule{parsed.value(), zone.value()};
  instant at = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
  const stopwatch whole;
  for (std::uint32_t i = 0; i < slots; ++i)
    at = next_slot(when, at).value();
  keep(at);
  return whole.seconds() * 1e9 / slots;
}

} // namespace

std::vector<figure> measure_store(const surroundings& at) {
  auto opened = rocks_kv::open({at.folder / "store", at.folder / "COMMIT", durability::sync});
  if (!opened)
    throw std::runtime_error{opened.error().message};
  auto& kv = *opened.value();
  constexpr std::uint32_t rows = 256;
  const auto single = commits_a_second(kv, at.count(2'000, 100), 1, 1);
  const auto grouped = commits_a_second(kv, at.count(1'000, 50), rows, 4);
  return {{"store.single", single}, {"store.rows", grouped * rows}};
}

std::vector<figure> measure_cron(const surroundings& at) {
  const auto slots = at.count(100'000, 10'000);
  return {{"cron.daily", slot_nanoseconds("0 2 * * *", "Europe/Berlin", slots)},
          {"cron.minutes", slot_nanoseconds("*/5 * * * *", "UTC", slots)}};
}

std::vector<figure> measure_load(const surroundings& at) {
  const auto text = yaml_of(at.count(100'000, 10'000));
  const auto before = resident_bytes();
  const stopwatch whole;
  const auto loaded = load_text("large.yaml", text, {});
  const auto seconds = whole.seconds();
  if (!loaded.ok())
    throw std::runtime_error{loaded.errors.front().message};
  constexpr double mega = 1e6;
  return {{"load", seconds},
          {"load.memory", (resident_bytes() - before) / mega},
          {"load.peak", peak_bytes() / mega}};
}

} // namespace pinion::bench
