#include "pinion/storage/codecs.hpp"

#include "storage/records.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace pinion;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

/// A whole row of each kind, to be damaged.
std::vector<std::string> one_of_each() {
  attempt_record attempt;
  attempt.worker = "local";
  attempt.permits = {{"gpu", 2}};
  return {codecs::encode(test::run_of(1, "p.w", run_state::running)),
          codecs::encode(test::instance_of(1, 2, instance_state::running)),
          codecs::encode(attempt),
          codecs::encode(permit_record{}),
          codecs::encode(output_record{{}, R"({"a":1})"}),
          codecs::encode(slot_record{}),
          codecs::encode(trigger_record{}),
          codecs::encode(workflow_record{}),
          codecs::encode(version_record{}),
          codecs::encode(audit_record{}),
          codecs::encode_project("{}"),
          codecs::encode_run_id(run_id{300}),
          codecs::encode(edge_record{}),
          codecs::encode(task_switch{}),
          codecs::encode(backfill_record{}),
          codecs::encode(backfill_item{}),
          codecs::encode(test::bound_slot())};
}

/// How decoding the n-th of `one_of_each` fails.
errc failure_of(std::size_t kind, std::string_view bytes) {
  const auto code = [](const auto& decoded) { return decoded ? errc::none : decoded.error().code; };
  switch (kind) {
  case 0:
    return code(codecs::decode_run({}, bytes));
  case 1:
    return code(codecs::decode_instance({}, bytes));
  case 2:
    return code(codecs::decode_attempt({}, bytes));
  case 3:
    return code(codecs::decode_permit({}, bytes));
  case 4:
    return code(codecs::decode_output({}, bytes));
  case 5:
    return code(codecs::decode_slot({}, bytes));
  case 6:
    return code(codecs::decode_trigger({}, bytes));
  case 7:
    return code(codecs::decode_workflow({}, bytes));
  case 8:
    return code(codecs::decode_version({}, bytes));
  case 9:
    return code(codecs::decode_audit({}, bytes));
  case 10:
    return code(codecs::decode_project(bytes));
  case 11:
    return code(codecs::decode_run_id(bytes));
  case 12:
    return code(codecs::decode_edge({}, bytes));
  case 13:
    return code(codecs::decode_task_switch({}, bytes));
  case 14:
    return code(codecs::decode_backfill({}, bytes));
  case 15:
    return code(codecs::decode_backfill_item({}, bytes));
  default:
    return code(codecs::decode_slot({}, bytes));
  }
}

instant at(std::int64_t us) { return instant{duration{us}}; }

/// The same row as a later format writes it, where that adds nothing.
std::string in_format(char format, std::string bytes) {
  bytes.front() = format;
  return bytes;
}

} // namespace

// Golden rows: bytes that a store may hold. A new format adds rows here; none is ever changed.

TEST_CASE("the stored form of a run does not change", "[codecs]") {
  run_record r;
  r.id = run_id{7};
  r.workflow = "p.w";
  r.version = 300;
  r.trigger = "t";
  r.slot = at(1000);
  r.interval_start = at(940);
  r.created_at = at(1001);
  r.admitted_at = at(1002);
  r.state = run_state::running;
  r.why = reason::by_user;
  r.message = "m";
  r.params = "[]";
  r.priority = 5;
  r.admitted = true;
  r.has_parent = true;
  r.parent = {run_id{6}, 1, no_element};
  r.requested_by = "u";
  r.request_key = "k";
  r.note = "n";
  r.counts[0] = 128;
  r.counts[14] = 1;
  r.incarnation = 2;
  const auto bytes = "\1\4main\3p.w\xac\2\1t\2\x1c\1m\3[]\5\x12"
                     "\x2b\xd0\x0f\x77\x7a\2"
                     "\6\1\xff\xff\xff\xff\x0f\1u\1k\1n"
                     "\x80\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1\2"s;
  CHECK(codecs::encode(r) == in_format('\2', bytes));
  const auto read = codecs::decode_run(run_id{7}, bytes).value();
  CHECK(read.id == run_id{7});
  CHECK(codecs::encode(read) == in_format('\2', bytes));
  CHECK(read.parent == r.parent);
  CHECK(read.interval_start == r.interval_start);
}

TEST_CASE("the stored form of a run of a backfill does not change", "[codecs]") {
  run_record r;
  r.workflow = "w";
  r.trigger = "t";
  r.dry = true;
  r.isolated = true;
  r.backfill = 300;
  r.modes = {{1, task_mode::frozen}, {200, task_mode::dry}};
  const auto bytes = "\2\4main\1w\0\1t\0\0\0\0\0\xe0\0\0\0\0"
                     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                     "\xac\2\2\1\1\xc8\1\2"s;
  CHECK(codecs::encode(r) == bytes);
  const auto read = codecs::decode_run({}, bytes).value();
  CHECK(codecs::encode(read) == bytes);
  CHECK(read.dry);
  CHECK(read.isolated);
  CHECK(read.backfill == 300);
  CHECK(read.modes == r.modes);
  // What format 1 does not know it cannot hold.
  CHECK(failure_of(0, in_format('\1', bytes)) == errc::corrupt);
}

TEST_CASE("the stored form of an instance does not change", "[codecs]") {
  instance_record r;
  r.state = instance_state::stopping;
  r.why = reason::stop_requested;
  r.message = "m";
  r.attempt = 2;
  r.epoch = 130;
  r.retries_used = 1;
  r.losses = 3;
  r.step = 4;
  r.priority = 9;
  r.stop_as = instance_state::cancelled;
  r.stop_reason = reason::by_user;
  r.warned = true;
  r.placeholder = true;
  r.triggered_at = at(64);
  r.retry_at = at(65);
  r.element_key = "DEU";
  r.element_value = "7";
  r.called = run_id{8};
  const auto bytes = "\1\x09\x2b\1m\2\x82\1\1\3\4\x09\x0c\x1c\5\x81\2\x80\1\2\3DEU\2"
                     "7\x08"s;
  CHECK(codecs::encode(r) == in_format('\4', bytes));
  CHECK(codecs::encode(codecs::decode_instance({}, bytes).value()) == in_format('\4', bytes));
  r.mode = task_mode::dry;
  auto dry = in_format('\2', bytes);
  dry[14] = '\x0d';
  dry.insert(15, 1, '\2');
  CHECK(codecs::encode(r) == in_format('\4', dry));
  CHECK(codecs::decode_instance({}, dry).value().mode == task_mode::dry);
  CHECK(failure_of(1, in_format('\1', dry)) == errc::corrupt);
  r.look = 5;
  r.poll_since = at(66);
  auto looked = in_format('\4', dry) + "\5\1\x84\1"s;
  looked[14] = '\x1d';
  CHECK(codecs::encode(r) == looked);
  CHECK(codecs::decode_instance({}, looked).value().look == 5);
  CHECK(codecs::decode_instance({}, looked).value().poll_since == at(66));
  CHECK(failure_of(1, in_format('\2', looked)) == errc::corrupt);
  // From format 4 on: pools of its own.
  r.repooled = true;
  r.pools = {{"gpu", 2}};
  auto repooled = looked;
  repooled[14] = '\x3d';
  repooled.insert(16, "\1\3gpu\2"s);
  CHECK(codecs::encode(r) == repooled);
  CHECK(codecs::decode_instance({}, repooled).value().pools == r.pools);
  CHECK(failure_of(1, in_format('\3', repooled)) == errc::corrupt);
}

TEST_CASE("the stored form of an attempt does not change", "[codecs]") {
  attempt_record r;
  r.epoch = 1;
  r.state = attempt_state::ended;
  r.worker = "w";
  r.boot_id = "b";
  r.outcome = instance_state::failed;
  r.why = reason::exit_nonzero;
  r.message = "m";
  r.pid = 100;
  r.exited = true;
  r.exit_code = -1;
  r.signal = 9;
  r.ready_at = at(5);
  r.ended_at = at(4);
  r.log_bytes = 128;
  r.log_cut = true;
  r.permits = {{"gpu", 2}};
  const auto bytes = "\1\1\3\1w\1b\x0b\7\1m\xc8\1\3\1\x12\5\x0a\1\x80\1\0\1\3gpu\2"s;
  CHECK(codecs::encode(r) == in_format('\3', bytes) + "\0\0"s);
  CHECK(codecs::encode(codecs::decode_attempt({}, bytes).value()) ==
        in_format('\3', bytes) + "\0\0"s);
  r.looks = 4;
  auto looked = in_format('\2', bytes) + '\4';
  looked[13] = '\7';
  CHECK(codecs::encode(r) == in_format('\3', looked) + "\0\0"s);
  CHECK(codecs::decode_attempt({}, looked).value().looks == 4);
  CHECK(failure_of(2, in_format('\1', looked)) == errc::corrupt);
  // From format 3 on: the version that it ran with, and what it wrote.
  r.version = 300;
  r.outputs = "[]";
  const auto told = in_format('\3', looked) + "\xac\2\3[]"s;
  CHECK(codecs::encode(r) == told);
  const auto read = codecs::decode_attempt({}, told).value();
  CHECK(read.version == 300);
  CHECK(read.outputs == "[]");
}

TEST_CASE("the stored forms of permits, outputs and slots do not change", "[codecs]") {
  permit_record permit;
  permit.permits = 3;
  permit.since = at(1);
  CHECK(codecs::encode(permit) == "\1\3\1\2"s);
  CHECK(codecs::encode(output_record{{}, "[1]"}) == "\1\4[1]"s);
  slot_record slot;
  slot.outcome = slot_outcome::late;
  slot.why = reason::misfire_policy;
  slot.version = 2;
  slot.run = run_id{9};
  slot.lateness = 64us;
  slot.decided_at = at(1);
  CHECK(codecs::encode(slot) == "\2\2\x28\2\x09\1\2\x80\1\0"s);
  CHECK(codecs::decode_slot({"l", "w", "t", at(3)}, "\1\2\x28\2\x09\1\2\x80\1"s).value().lateness ==
        64us);
}

TEST_CASE("the stored form of a slot with needs does not change", "[codecs]") {
  const auto slot = test::bound_slot();
  const auto bytes = "\2\0\0\0\0\0\0\3\4"
                     "\0\0\2\3p.u\6hourly\4load\0\0\4\xc7\1\x14\0\0"
                     "\1\x1c\3\1\3\1\xc9\1"
                     "\1\x09\0\3p.w\1t\0\0\0"
                     "\2\x0a\1p\1q\0\3\1\0"s;
  CHECK(codecs::encode(slot) == bytes);
  const auto read = codecs::decode_slot({"main", "p.w", "t", at(1000)}, bytes).value();
  CHECK(read.dry);
  CHECK(read.edges == slot.edges);
}

TEST_CASE("the stored forms of edges, switches and backfills do not change", "[codecs]") {
  edge_record edge;
  edge.outcome = edge_record::counts_as::failed;
  edge.message = "m";
  edge.outputs = "[1]";
  edge.at = at(1);
  CHECK(codecs::encode(edge) == "\1\2\1m\4[1]\1\2"s);
  task_switch frozen;
  frozen.mode = task_mode::frozen;
  frozen.by = "u";
  frozen.reason = "r";
  frozen.at = at(1);
  CHECK(codecs::encode(frozen) == "\1\1\1u\1r\1\2"s);
  backfill_record backfill;
  backfill.workflow = "p.w";
  backfill.trigger = "t";
  backfill.state = backfill_state::paused;
  backfill.descending = true;
  backfill.leave_rest = true;
  backfill.reprocess = reprocess_policy::all;
  backfill.parallel = 3;
  backfill.total = 128;
  backfill.tasks = {"a", "b"};
  backfill.hours = {64us, 0us};
  backfill.params = {{"k", "7"}};
  backfill.created_by = "u";
  backfill.reason = "r";
  backfill.created_at = at(1);
  CHECK(codecs::encode(backfill) == "\1\3p.w\1t\1\x23\2\3\x80\1\2\1a\1b\x80\1\0\1\1k\2"
                                    "7\1u\1r\1\2"s);
  backfill_item item;
  item.workflow = "p.w";
  item.trigger = "t";
  item.slot = at(1);
  item.state = backfill_item_state::running;
  item.run = run_id{9};
  item.message = "m";
  CHECK(codecs::encode(item) == "\1\3p.w\1t\1\2\1\x09\1m"s);
}

TEST_CASE("a slot with needs and a backfill come back as they were written", "[codecs]") {
  CHECK(rc::check([] {
    const auto slot = test::any_bound_slot();
    const keys::slot_key key{slot.lane, slot.workflow, slot.trigger, slot.slot};
    const auto read = codecs::decode_slot(key, codecs::encode(slot)).value();
    RC_ASSERT(read.edges == slot.edges);
    RC_ASSERT(read.dry == slot.dry);
    RC_ASSERT(read.lateness == slot.lateness);
    backfill_record backfill;
    backfill.tasks = *rc::gen::container<std::vector<std::string>>(test::any_text());
    backfill.hours = {duration{*rc::gen::arbitrary<std::int64_t>()},
                      duration{*rc::gen::arbitrary<std::int64_t>()}};
    backfill.isolated = *rc::gen::arbitrary<bool>();
    backfill.created_at = *test::any_instant();
    const auto again = codecs::decode_backfill(0, codecs::encode(backfill)).value();
    RC_ASSERT(again.tasks == backfill.tasks);
    RC_ASSERT(again.hours == backfill.hours);
    RC_ASSERT(again.isolated == backfill.isolated);
    RC_ASSERT(again.created_at == backfill.created_at);
  }));
}

TEST_CASE("a need on a day of hours costs little more than a byte a slot", "[codecs]") {
  auto slot = test::slot_of("p.w", "t", test::day, slot_outcome::planned);
  slot.edges.resize(1);
  slot.edges[0].workflow = "p.hourly";
  slot.edges[0].trigger = "hourly";
  const auto plain = codecs::encode(slot).size();
  for (int hour = 0; hour < 24; ++hour)
    slot.edges[0].slots.push_back(test::day - 24h + std::chrono::hours{hour});
  CHECK(codecs::encode(slot).size() < plain + 40);
}

TEST_CASE("the stored forms of triggers, workflows and versions do not change", "[codecs]") {
  trigger_record trigger;
  trigger.since = at(1);
  trigger.cursor = at(3);
  trigger.paused = true;
  trigger.paused_by = "u";
  trigger.paused_reason = "r";
  CHECK(codecs::encode(trigger) == "\1\1\3\2\4\1u\1r"s);
  workflow_record workflow;
  workflow.version = 2;
  workflow.hash = "h";
  workflow.source = "s";
  workflow.retired = true;
  workflow.updated_at = at(1);
  CHECK(codecs::encode(workflow) == "\1\2\1h\1s\2\2\2\0\0"s);
  version_record version;
  version.hash = "h";
  version.created_at = at(1);
  version.created_by = "u";
  version.definition = "[]";
  CHECK(codecs::encode(version) == "\1\1h\1\2\1u\3[]"s);
}

TEST_CASE("the stored forms of the rest do not change", "[codecs]") {
  audit_record audit;
  audit.at = at(1);
  audit.who = "u";
  audit.verb = "cancel";
  audit.object = "r1";
  audit.reason = "r";
  CHECK(codecs::encode(audit) == "\1\1\2\1u\6cancel\2r1\1r\0"s);
  CHECK(codecs::encode_project("{}") == "\1\0"s);
  CHECK(codecs::encode_project("[]") == "\1\3[]"s);
  CHECK(codecs::encode_run_id(run_id{300}) == "\1\xac\2"s);
  CHECK(codecs::encode_counter(-2) == "\xfe\xff\xff\xff\xff\xff\xff\xff"s);
}

TEST_CASE("a run comes back as it was written", "[codecs]") {
  CHECK(rc::check([] {
    const auto run = test::any_run();
    const auto bytes = codecs::encode(run);
    const auto read = codecs::decode_run(run.id, bytes).value();
    RC_ASSERT(codecs::encode(read) == bytes);
    RC_ASSERT(read.slot == run.slot);
    RC_ASSERT(read.admitted_at == run.admitted_at);
    RC_ASSERT(read.last_at == run.last_at);
    RC_ASSERT(read.params == run.params);
    RC_ASSERT(read.counts == run.counts);
    RC_ASSERT(read.note == run.note);
    RC_ASSERT(read.dry == run.dry);
    RC_ASSERT(read.backfill == run.backfill);
    RC_ASSERT(read.modes == run.modes);
  }));
}

TEST_CASE("an instance comes back as it was written", "[codecs]") {
  CHECK(rc::check([] {
    const auto instance = test::any_instance();
    const auto bytes = codecs::encode(instance);
    const auto read = codecs::decode_instance(instance.key, bytes).value();
    RC_ASSERT(codecs::encode(read) == bytes);
    RC_ASSERT(read.key == instance.key);
    RC_ASSERT(read.ended_at == instance.ended_at);
    RC_ASSERT(read.element_value == instance.element_value);
    RC_ASSERT(read.placeholder == instance.placeholder);
    RC_ASSERT(read.mode == instance.mode);
    RC_ASSERT(read.look == instance.look);
    RC_ASSERT(read.poll_since == instance.poll_since);
  }));
}

TEST_CASE("an attempt comes back as it was written", "[codecs]") {
  CHECK(rc::check([] {
    const auto attempt = test::any_attempt();
    const auto bytes = codecs::encode(attempt);
    const auto read = codecs::decode_attempt({attempt.instance, attempt.number}, bytes).value();
    RC_ASSERT(codecs::encode(read) == bytes);
    RC_ASSERT(read.permits == attempt.permits);
    RC_ASSERT(read.looks == attempt.looks);
    RC_ASSERT(read.pid == attempt.pid);
    RC_ASSERT(read.exit_code == attempt.exit_code);
  }));
}

TEST_CASE("a typical instance takes well under 150 bytes", "[codecs]") {
  auto instance = test::instance_of(123'456, 12, instance_state::success, 7);
  instance.attempt = 1;
  instance.epoch = 12;
  for (auto* time : {&instance.triggered_at, &instance.waiting_at, &instance.pre_ready_at,
                     &instance.first_ready_at, &instance.ready_at, &instance.started_at,
                     &instance.body_ended_at, &instance.ended_at})
    *time = test::day + 90min;
  instance.ended_at += 12min;
  CHECK(codecs::encode(instance).size() < 60);
}

TEST_CASE("every cut of every row is refused as corrupt", "[codecs]") {
  const auto rows = one_of_each();
  for (std::size_t kind = 0; kind < rows.size(); ++kind) {
    CAPTURE(kind);
    REQUIRE(failure_of(kind, rows[kind]) == errc::none);
    for (std::size_t length = 0; length < rows[kind].size(); ++length)
      CHECK(failure_of(kind, rows[kind].substr(0, length)) == errc::corrupt);
    CHECK(failure_of(kind, rows[kind] + '\0') == errc::corrupt);
  }
}

TEST_CASE("a row of a newer format is told apart from a damaged one", "[codecs]") {
  const auto rows = one_of_each();
  for (std::size_t kind = 0; kind < rows.size(); ++kind) {
    CAPTURE(kind);
    auto row = rows[kind];
    ++row[0];
    CHECK(failure_of(kind, row) == errc::newer_format);
    row[0] = 0;
    CHECK(failure_of(kind, row) == errc::corrupt);
  }
}

TEST_CASE("no bytes make a decoder do anything but answer or refuse", "[codecs]") {
  CHECK(rc::check([] {
    const auto bytes = *rc::gen::element("\1"s, "\2"s) + *rc::gen::arbitrary<std::string>();
    const auto kind = *rc::gen::inRange<std::size_t>(0, 17);
    const auto failure = failure_of(kind, bytes);
    RC_ASSERT(failure == errc::none || failure == errc::corrupt ||
              (failure == errc::newer_format && bytes.front() == 2));
  }));
}

TEST_CASE("a state that does not exist is refused", "[codecs]") {
  auto row = codecs::encode(instance_record{});
  row[1] = 15;
  CHECK(failure_of(1, row) == errc::corrupt);
}

TEST_CASE("a counter is eight bytes", "[codecs]") {
  CHECK(codecs::decode_counter(codecs::encode_counter(-5)).value() == -5);
  CHECK(codecs::decode_counter("1234567").error().code == errc::corrupt);
}
