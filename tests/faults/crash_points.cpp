#include "faults/crash_points.hpp"

#include "pinion/storage/codecs.hpp"
#include "pinion/storage/keys.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <unistd.h>

namespace pinion {

namespace {

using test = bool (*)(const kv_write& write);

bool puts(const kv_write& write, family in, std::string_view prefix) {
  return write.what == kv_write::kind::put && write.in == in && write.key.starts_with(prefix);
}

template <attempt_state State>
bool attempt_in(const kv_write& write) {
  if (!puts(write, family::attempts, ""))
    return false;
  const auto key = keys::decode_attempt(write.key);
  const auto row =
      key ? codecs::decode_attempt(key.value(), write.value) : result<attempt_record>{key.error()};
  return row && row.value().state == State;
}

template <instance_state State>
bool instance_in(const kv_write& write) {
  if (!puts(write, family::instances, ""))
    return false;
  const auto key = keys::decode_instance(write.key);
  const auto row = key ? codecs::decode_instance(key.value(), write.value)
                       : result<instance_record>{key.error()};
  return row && row.value().state == State;
}

bool erases(const kv_write& write, family in) {
  return write.what == kv_write::kind::erase && write.in == in;
}
bool run_over(const kv_write& write) { return erases(write, family::live); }
bool permit_back(const kv_write& write) { return erases(write, family::permits); }
bool alarm_over(const kv_write& write) {
  return erases(write, family::meta) && write.key.starts_with("alarm/");
}
template <family In>
bool row_of(const kv_write& write) {
  return puts(write, In, "");
}

struct point {
  std::string_view name;
  test is;
};

constexpr std::array points{
    point{"epoch", [](const kv_write& w) { return puts(w, family::meta, keys::epoch); }},
    point{"version", [](const kv_write& w) { return puts(w, family::definitions, "v"); }},
    point{"workflow", [](const kv_write& w) { return puts(w, family::definitions, "w"); }},
    point{"plan", [](const kv_write& w) { return puts(w, family::slots, "m"); }},
    point{"slot", [](const kv_write& w) { return puts(w, family::slots, "s"); }},
    point{"run", [](const kv_write& w) { return puts(w, family::slots, "n"); }},
    point{"request", [](const kv_write& w) { return puts(w, family::slots, "k"); }},
    point{"pre_ready", instance_in<instance_state::pre_ready>},
    point{"granted", attempt_in<attempt_state::ready>},
    point{"permit", row_of<family::permits>},
    point{"running", attempt_in<attempt_state::running>},
    point{"checking", instance_in<instance_state::dqc_check>},
    point{"ended", attempt_in<attempt_state::ended>},
    point{"permit_back", permit_back},
    point{"output", row_of<family::outputs>},
    point{"retry", instance_in<instance_state::retry_wait>},
    point{"stopping", instance_in<instance_state::stopping>},
    point{"success", instance_in<instance_state::success>},
    point{"failed", instance_in<instance_state::failed>},
    point{"run_over", run_over},
    point{"alarm", [](const kv_write& w) { return puts(w, family::meta, "alarm/"); }},
    point{"alarm_over", alarm_over},
    point{"backfill", [](const kv_write& w) { return puts(w, family::slots, "b"); }},
    point{"backfill_item", [](const kv_write& w) { return puts(w, family::slots, "j"); }},
    point{"edge", [](const kv_write& w) { return puts(w, family::slots, "e"); }},
    point{"audit", row_of<family::audit>},
    point{"expired", [](const kv_write& w) { return erases(w, family::runs); }},
};

} // namespace

std::vector<std::string_view> points_of(const kv_batch& batch) {
  std::vector<std::string_view> found;
  for (const auto& each : points)
    if (std::any_of(batch.writes.begin(), batch.writes.end(), each.is))
      found.push_back(each.name);
  return found;
}

std::vector<std::string_view> all_crash_points() {
  std::vector<std::string_view> all;
  for (const auto& each : points)
    all.push_back(each.name);
  return all;
}

bool crashing_kv::is_ordered(const kv_batch& batch) {
  if (::access(order_.gate.c_str(), F_OK) != 0)
    return false;
  const auto now = points_of(batch);
  return std::find(now.begin(), now.end(), order_.point) != now.end() && ++seen_ == order_.nth;
}

void crashing_kv::crash() const {
  ::unlink(order_.gate.c_str());
  for (;;) {
    ::kill(::getpid(), SIGKILL);
    ::pause();
  }
}

void crashing_kv::commit(kv_batch batch, committed done) {
  const bool now = is_ordered(batch);
  if (now && order_.before)
    crash();
  if (!now)
    return to_.commit(std::move(batch), std::move(done));
  to_.commit(std::move(batch), [this](const result<std::uint64_t>&) { crash(); });
}

} // namespace pinion
