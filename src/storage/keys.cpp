#include "pinion/storage/keys.hpp"

#include "storage/byte_order.hpp"

#include <cassert>

namespace pinion::keys {
namespace {

constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;

std::uint64_t ordered(instant at) noexcept {
  return static_cast<std::uint64_t>(to_us(at)) ^ sign_bit;
}

instant from_ordered(std::uint64_t value) noexcept {
  return from_us(static_cast<std::int64_t>(value ^ sign_bit));
}

/// Builds a key part by part.
class writer {
public:
  writer() = default;
  explicit writer(char tag) { bytes_ += tag; }

  writer& name(std::string_view text) {
    assert(is_name(text));
    bytes_ += text;
    bytes_ += '\0';
    return *this;
  }
  writer& u8(std::uint8_t value) {
    bytes_ += static_cast<char>(value);
    return *this;
  }
  writer& u32(std::uint32_t value) {
    append_big<4>(bytes_, value);
    return *this;
  }
  writer& u64(std::uint64_t value) {
    append_big<8>(bytes_, value);
    return *this;
  }
  writer& time(instant at) { return u64(ordered(at)); }
  writer& instance(const instance_key& key) {
    return u64(key.run.value).u32(key.task).u32(key.element);
  }
  writer& rest(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  std::string take() { return std::move(bytes_); }

private:
  std::string bytes_;
};

/// Takes a key apart; after a part that is not there everything reads as zero and `done` is false.
class parser {
public:
  explicit parser(std::string_view bytes) noexcept : left_{bytes} {}
  parser(std::string_view bytes, char tag) noexcept : left_{bytes} {
    good_ = !left_.empty() && left_.front() == tag;
    if (good_)
      left_.remove_prefix(1);
  }

  std::string name() {
    const auto end = left_.find('\0');
    if (!good_ || end == std::string_view::npos) {
      good_ = false;
      return {};
    }
    std::string text{left_.substr(0, end)};
    left_.remove_prefix(end + 1);
    return text;
  }
  std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number(1)); }
  std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() noexcept { return number(8); }
  instant time() noexcept { return from_ordered(u64()); }
  instance_key instance() noexcept {
    instance_key key;
    key.run = run_id{u64()};
    key.task = u32();
    key.element = u32();
    return key;
  }
  std::string rest() {
    std::string text{left_};
    left_ = {};
    return text;
  }
  void require(bool holds) noexcept { good_ = good_ && holds; }
  bool done() const noexcept { return good_ && left_.empty(); }

private:
  std::uint64_t number(std::size_t bytes) noexcept {
    if (!good_ || left_.size() < bytes) {
      good_ = false;
      return 0;
    }
    const auto value = read_big(left_.substr(0, bytes));
    left_.remove_prefix(bytes);
    return value;
  }

  std::string_view left_;
  bool good_ = true;
};

problem not_a_key(const char* kind, std::string_view bytes) {
  constexpr auto digits = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes.substr(0, 64)) {
    hex += digits[static_cast<unsigned char>(byte) >> 4U];
    hex += digits[static_cast<unsigned char>(byte) & 15U];
  }
  return {
      errc::corrupt, std::string{"the store holds a key that is no "} + kind + ": 0x" + hex, {}};
}

template <class Key>
result<Key> finish(const parser& parsed, Key key, const char* kind, std::string_view bytes) {
  if (!parsed.done())
    return not_a_key(kind, bytes);
  return key;
}

std::string slot_like(char tag, const slot_key& key) {
  return writer{tag}.name(key.lane).name(key.workflow).name(key.trigger).time(key.slot).take();
}

result<slot_key> decode_slot_like(char tag, const char* kind, std::string_view bytes) {
  parser in{bytes, tag};
  slot_key key;
  key.lane = in.name();
  key.workflow = in.name();
  key.trigger = in.name();
  key.slot = in.time();
  return finish(in, std::move(key), kind, bytes);
}

result<std::string> decode_single(char tag, const char* kind, std::string_view bytes) {
  parser in{bytes, tag};
  auto name = in.name();
  return finish(in, std::move(name), kind, bytes);
}

} // namespace

bool is_name(std::string_view text) noexcept { return text.find('\0') == std::string_view::npos; }

std::string after(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff)
    prefix.pop_back();
  if (!prefix.empty())
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

std::string workflow(std::string_view id) { return writer{'w'}.name(id).take(); }
std::string workflows() { return "w"; }
std::string version(const version_key& key) {
  return writer{'v'}.name(key.workflow).u32(key.version).take();
}
std::string versions_of(std::string_view workflow) { return writer{'v'}.name(workflow).take(); }
std::string trigger(const trigger_key& key) {
  return writer{'t'}.name(key.workflow).name(key.trigger).take();
}
std::string cursor(const trigger_key& key) {
  return writer{'u'}.name(key.workflow).name(key.trigger).take();
}
std::string cursors_of(std::string_view workflow) { return writer{'u'}.name(workflow).take(); }
std::string rule_from(std::string_view workflow) { return writer{'z'}.name(workflow).take(); }
std::string triggers() { return "t"; }
std::string triggers_of(std::string_view workflow) { return writer{'t'}.name(workflow).take(); }
std::string project(std::string_view name) { return writer{'p'}.name(name).take(); }
std::string projects() { return "p"; }
std::string task_switch(const task_key& key) {
  return writer{'x'}.name(key.workflow).name(key.task).take();
}
std::string task_switches_of(std::string_view workflow) {
  return writer{'x'}.name(workflow).take();
}

std::string slot(const slot_key& key) { return slot_like('s', key); }
std::string slots_of(std::string_view lane) { return writer{'s'}.name(lane).take(); }
std::string slots_of(std::string_view lane, std::string_view workflow) {
  return writer{'s'}.name(lane).name(workflow).take();
}
std::string slots_of(std::string_view lane, std::string_view workflow, std::string_view trigger) {
  return writer{'s'}.name(lane).name(workflow).name(trigger).take();
}
std::string natural(const slot_key& key) { return slot_like('n', key); }
std::string plan(const slot_key& key) {
  return writer{'m'}.time(key.slot).name(key.lane).name(key.workflow).name(key.trigger).take();
}
std::string plan() { return "m"; }
std::string plan_from(instant slot) { return writer{'m'}.time(slot).take(); }
std::string request(const request_key& key) {
  return writer{'k'}.name(key.workflow).rest(key.key).take();
}

std::string naturals_of(std::string_view lane, std::string_view workflow) {
  return writer{'n'}.name(lane).name(workflow).take();
}
std::string naturals_of(std::string_view lane, std::string_view workflow,
                        std::string_view trigger) {
  return writer{'n'}.name(lane).name(workflow).name(trigger).take();
}
std::string edge(const edge_key& key) {
  return writer{'e'}.u64(key.run.value).u32(key.task).u32(key.need).take();
}
std::string edges_of(run_id run) { return writer{'e'}.u64(run.value).take(); }
std::string backfill(std::uint64_t id) { return writer{'b'}.u64(id).take(); }
std::string backfills() { return "b"; }
std::string backfill_item(const backfill_item_key& key) {
  return writer{'j'}.u64(key.backfill).u32(key.position).take();
}
std::string backfill_items_of(std::uint64_t id) { return writer{'j'}.u64(id).take(); }

std::string run(run_id id) { return writer{}.u64(id.value).take(); }
std::string rows_of(run_id id) { return run(id); }
std::string instance(const instance_key& key) { return writer{}.instance(key).take(); }
std::string attempt(const attempt_key& key) {
  return writer{}.instance(key.instance).u32(key.number).take();
}
std::string attempts_of(const instance_key& key) { return instance(key); }

std::string permit(const permit_key& key) {
  return writer{}.name(key.project).name(key.pool).instance(key.holder).u32(key.attempt).take();
}
std::string permits_of(std::string_view project, std::string_view pool) {
  return writer{}.name(project).name(pool).take();
}

std::string runs_by_workflow(std::string_view lane, std::string_view workflow) {
  return writer{'w'}.name(lane).name(workflow).take();
}
std::string runs_by_workflow(std::string_view lane, std::string_view workflow, run_state state) {
  return writer{'x'}.name(lane).name(workflow).u8(static_cast<std::uint8_t>(state)).take();
}
std::string runs_by_trigger(std::string_view lane, std::string_view workflow,
                            std::string_view trigger) {
  return writer{'t'}.name(lane).name(workflow).name(trigger).take();
}
std::string runs_by_state(std::string_view lane, run_state state) {
  return writer{'s'}.name(lane).u8(static_cast<std::uint8_t>(state)).take();
}
std::string runs_by_instance_state(std::string_view lane, instance_state state) {
  return writer{'i'}.name(lane).u8(static_cast<std::uint8_t>(state)).take();
}
std::string newest_first(std::string prefix, run_id id) {
  append_big<8>(prefix, ~id.value);
  return prefix;
}
std::string slot_outcome(const slot_key& key, pinion::slot_outcome outcome) {
  return writer{'o'}
      .name(key.lane)
      .u8(static_cast<std::uint8_t>(outcome))
      .u64(~ordered(key.slot))
      .name(key.workflow)
      .name(key.trigger)
      .take();
}
std::string slots_by_outcome(std::string_view lane, pinion::slot_outcome outcome) {
  return writer{'o'}.name(lane).u8(static_cast<std::uint8_t>(outcome)).take();
}
std::string slots_by_outcome(std::string_view lane, pinion::slot_outcome outcome, instant slot) {
  return writer{'o'}.name(lane).u8(static_cast<std::uint8_t>(outcome)).u64(~ordered(slot)).take();
}
std::string counter(const counter_key& key) {
  return writer{'c'}
      .name(key.lane)
      .name(key.workflow)
      .u8(static_cast<std::uint8_t>(key.state))
      .take();
}
std::string counters(std::string_view lane) { return writer{'c'}.name(lane).take(); }
std::string counters_of(std::string_view lane, std::string_view workflow) {
  return writer{'c'}.name(lane).name(workflow).take();
}

std::string backfills_by_workflow(std::string_view workflow) {
  return writer{'b'}.name(workflow).take();
}
std::string backfill_by_workflow(std::string_view workflow, std::uint64_t id) {
  return writer{'b'}.name(workflow).u64(~id).take();
}
std::string item_by_state(const backfill_item_key& key, backfill_item_state state) {
  return writer{'j'}
      .u64(key.backfill)
      .u8(static_cast<std::uint8_t>(state))
      .u32(key.position)
      .take();
}
std::string items_by_state(std::uint64_t backfill, backfill_item_state state) {
  return writer{'j'}.u64(backfill).u8(static_cast<std::uint8_t>(state)).take();
}
std::string item_counter(std::uint64_t backfill, backfill_item_state state) {
  return writer{'d'}.u64(backfill).u8(static_cast<std::uint8_t>(state)).take();
}
std::string open_item(const open_item_key& key) {
  return open_items_of(key.workflow, key.trigger, key.slot) +
         writer{}.u64(key.item.backfill).u32(key.item.position).take();
}
std::string open_items_of(std::string_view workflow) { return writer{'y'}.name(workflow).take(); }
std::string open_items_of(std::string_view workflow, std::string_view trigger, instant slot) {
  return writer{'y'}.name(workflow).name(trigger).time(slot).take();
}

std::string audit(std::uint64_t sequence) { return writer{}.u64(sequence).take(); }

result<std::string> decode_workflow(std::string_view bytes) {
  return decode_single('w', "workflow", bytes);
}

result<version_key> decode_version(std::string_view bytes) {
  parser in{bytes, 'v'};
  version_key key;
  key.workflow = in.name();
  key.version = in.u32();
  return finish(in, std::move(key), "version", bytes);
}

result<trigger_key> decode_trigger(std::string_view bytes) {
  parser in{bytes, 't'};
  trigger_key key;
  key.workflow = in.name();
  key.trigger = in.name();
  return finish(in, std::move(key), "trigger", bytes);
}

result<std::string> decode_project(std::string_view bytes) {
  return decode_single('p', "project", bytes);
}

result<slot_key> decode_slot(std::string_view bytes) {
  return decode_slot_like('s', "slot", bytes);
}

result<slot_key> decode_natural(std::string_view bytes) {
  return decode_slot_like('n', "natural key", bytes);
}

result<slot_key> decode_plan(std::string_view bytes) {
  parser in{bytes, 'm'};
  slot_key key;
  key.slot = in.time();
  key.lane = in.name();
  key.workflow = in.name();
  key.trigger = in.name();
  return finish(in, std::move(key), "planned slot", bytes);
}

result<request_key> decode_request(std::string_view bytes) {
  parser in{bytes, 'k'};
  request_key key;
  key.workflow = in.name();
  key.key = in.rest();
  return finish(in, std::move(key), "request key", bytes);
}

result<run_id> decode_run(std::string_view bytes) {
  parser in{bytes};
  const run_id id{in.u64()};
  return finish(in, id, "run", bytes);
}

result<instance_key> decode_instance(std::string_view bytes) {
  parser in{bytes};
  const auto key = in.instance();
  return finish(in, key, "instance", bytes);
}

result<attempt_key> decode_attempt(std::string_view bytes) {
  parser in{bytes};
  attempt_key key;
  key.instance = in.instance();
  key.number = in.u32();
  return finish(in, key, "attempt", bytes);
}

result<permit_key> decode_permit(std::string_view bytes) {
  parser in{bytes};
  permit_key key;
  key.project = in.name();
  key.pool = in.name();
  key.holder = in.instance();
  key.attempt = in.u32();
  return finish(in, std::move(key), "permit", bytes);
}

result<run_id> decode_newest_first(std::string_view bytes, std::size_t prefix_bytes) {
  if (bytes.size() != prefix_bytes + 8)
    return not_a_key("run in an index", bytes);
  return run_id{~read_big(bytes.substr(prefix_bytes))};
}

result<slot_key> decode_slot_outcome(std::string_view bytes) {
  parser in{bytes, 'o'};
  slot_key key;
  key.lane = in.name();
  in.require(in.u8() <= static_cast<std::uint8_t>(pinion::slot_outcome::paused));
  key.slot = from_ordered(~in.u64());
  key.workflow = in.name();
  key.trigger = in.name();
  return finish(in, std::move(key), "slot in a list of outcomes", bytes);
}

result<counter_key> decode_counter(std::string_view bytes) {
  parser in{bytes, 'c'};
  counter_key key;
  key.lane = in.name();
  key.workflow = in.name();
  const auto state = in.u8();
  in.require(state < run_state_count);
  key.state = static_cast<run_state>(state);
  return finish(in, std::move(key), "counter", bytes);
}

result<task_key> decode_task_switch(std::string_view bytes) {
  parser in{bytes, 'x'};
  task_key key;
  key.workflow = in.name();
  key.task = in.name();
  return finish(in, std::move(key), "task switch", bytes);
}

result<edge_key> decode_edge(std::string_view bytes) {
  parser in{bytes, 'e'};
  edge_key key;
  key.run = run_id{in.u64()};
  key.task = in.u32();
  key.need = in.u32();
  return finish(in, key, "edge", bytes);
}

result<std::uint64_t> decode_backfill(std::string_view bytes) {
  parser in{bytes, 'b'};
  const auto id = in.u64();
  return finish(in, id, "backfill", bytes);
}

result<backfill_item_key> decode_backfill_item(std::string_view bytes) {
  parser in{bytes, 'j'};
  backfill_item_key key;
  key.backfill = in.u64();
  key.position = in.u32();
  return finish(in, key, "slot of a backfill", bytes);
}

result<std::uint64_t> decode_backfill_by_workflow(std::string_view bytes) {
  parser in{bytes, 'b'};
  static_cast<void>(in.name());
  const auto id = ~in.u64();
  return finish(in, id, "backfill of a workflow", bytes);
}

result<backfill_item_key> decode_item_by_state(std::string_view bytes) {
  parser in{bytes, 'j'};
  backfill_item_key key;
  key.backfill = in.u64();
  in.require(in.u8() <= static_cast<std::uint8_t>(backfill_item_state::cancelled));
  key.position = in.u32();
  return finish(in, key, "slot of a backfill in a state", bytes);
}

result<open_item_key> decode_open_item(std::string_view bytes) {
  parser in{bytes, 'y'};
  open_item_key key;
  key.workflow = in.name();
  key.trigger = in.name();
  key.slot = in.time();
  key.item.backfill = in.u64();
  key.item.position = in.u32();
  return finish(in, std::move(key), "slot that a backfill has to do", bytes);
}

result<std::uint64_t> decode_audit(std::string_view bytes) {
  parser in{bytes};
  const auto sequence = in.u64();
  return finish(in, sequence, "audit record", bytes);
}

} // namespace pinion::keys
