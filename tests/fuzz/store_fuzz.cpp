#include "fuzz_target.hpp"

#include "pinion/storage/codecs.hpp"
#include "pinion/storage/kept_requests.hpp"

using namespace pinion;
using fuzz::require;

namespace {

/// What can be decoded can be encoded, and is then a fixed point.
template <class Decode>
void check_value(Decode decode, std::string_view bytes) {
  const auto record = decode(bytes);
  if (!record)
    return require(!record.error().message.empty(), "a refusal has a sentence");
  const auto again = codecs::encode(record.value());
  const auto once_more = decode(again);
  require(once_more.has_value(), "what was encoded can be decoded");
  require(codecs::encode(once_more.value()) == again, "encoding is a fixed point");
}

void read_kept_request(std::string_view bytes) {
  constexpr std::string_view key{"request/a\0k", 11};
  const auto record = decode_kept_request(key, bytes);
  if (!record)
    return;
  kv_batch batch;
  put_kept_request(batch, record.value());
  require(batch.writes[0].key == key && batch.writes[0].value == bytes,
          "a kept request is written as it was read");
}

void read_value(std::uint8_t kind, std::string_view bytes) {
  using namespace codecs;
  switch (kind % 16) {
  case 0:
    return check_value([](auto b) { return decode_run({}, b); }, bytes);
  case 1:
    return check_value([](auto b) { return decode_instance({}, b); }, bytes);
  case 2:
    return check_value([](auto b) { return decode_attempt({}, b); }, bytes);
  case 3:
    return check_value([](auto b) { return decode_permit({}, b); }, bytes);
  case 4:
    return check_value([](auto b) { return decode_output({}, b); }, bytes);
  case 5:
    return check_value([](auto b) { return decode_slot({}, b); }, bytes);
  case 6:
    return check_value([](auto b) { return decode_trigger({}, b); }, bytes);
  case 7:
    return check_value([](auto b) { return decode_workflow({}, b); }, bytes);
  case 8:
    return check_value([](auto b) { return decode_version({}, b); }, bytes);
  case 9:
    return check_value([](auto b) { return decode_audit({}, b); }, bytes);
  case 10:
    return check_value([](auto b) { return decode_edge({}, b); }, bytes);
  case 11:
    return check_value([](auto b) { return decode_task_switch({}, b); }, bytes);
  case 12:
    return check_value([](auto b) { return decode_backfill({}, b); }, bytes);
  case 13:
    return check_value([](auto b) { return decode_backfill_item({}, b); }, bytes);
  case 14:
    static_cast<void>(decode_project(bytes));
    return;
  default:
    static_cast<void>(decode_run_id(bytes));
    static_cast<void>(decode_counter(bytes));
    read_kept_request(bytes);
  }
}

/// A key that can be decoded is the one that its parts make.
template <class Decode, class Encode>
void check_key(Decode decode, Encode encode, std::string_view bytes) {
  const auto key = decode(bytes);
  if (key)
    require(encode(key.value()) == bytes, "a key is what its parts make");
}

void read_key(std::string_view bytes) {
  check_key(
      keys::decode_workflow, [](const auto& k) { return keys::workflow(k); }, bytes);
  check_key(keys::decode_version, keys::version, bytes);
  check_key(keys::decode_trigger, keys::trigger, bytes);
  check_key(
      keys::decode_project, [](const auto& k) { return keys::project(k); }, bytes);
  check_key(keys::decode_slot, keys::slot, bytes);
  check_key(keys::decode_natural, keys::natural, bytes);
  check_key(
      keys::decode_plan, [](const auto& k) { return keys::plan(k); }, bytes);
  check_key(keys::decode_request, keys::request, bytes);
  check_key(keys::decode_run, keys::run, bytes);
  check_key(keys::decode_instance, keys::instance, bytes);
  check_key(keys::decode_attempt, keys::attempt, bytes);
  check_key(keys::decode_permit, keys::permit, bytes);
  check_key(keys::decode_counter, keys::counter, bytes);
  check_key(keys::decode_task_switch, keys::task_switch, bytes);
  check_key(keys::decode_edge, keys::edge, bytes);
  check_key(keys::decode_backfill, keys::backfill, bytes);
  check_key(keys::decode_backfill_item, keys::backfill_item, bytes);
  check_key(keys::decode_open_item, keys::open_item, bytes);
  check_key(keys::decode_audit, keys::audit, bytes);
  static_cast<void>(keys::decode_slot_outcome(bytes));
  static_cast<void>(decode_kept_request_age(bytes, bytes.substr(0, 8)));
  static_cast<void>(keys::decode_item_by_state(bytes));
  static_cast<void>(keys::decode_backfill_by_workflow(bytes));
}

} // namespace

/// The first byte says which value the rest is; 255: a key of any kind.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = fuzz::text_of(data, size);
  const auto kind = fuzz::take_byte(bytes);
  if (kind == 255)
    read_key(bytes);
  else
    read_value(kind, bytes);
  return 0;
}
