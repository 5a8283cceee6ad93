#pragma once

#include "pinion/model/backfill.hpp"
#include "pinion/model/records.hpp"
#include "pinion/storage/codecs.hpp"
#include "pinion/storage/keys.hpp"

#include <rapidcheck.h>
#include <string>

/// Records for the tests of storage: arbitrary ones for properties, and plain ones by hand.
namespace pinion::test {

inline constexpr instant day{duration{1'795'132'800'000'000}}; ///< 2026-11-20T00:00Z.

inline run_record run_of(std::uint64_t id, std::string workflow, run_state state,
                         instant slot = day) {
  run_record run;
  run.id = run_id{id};
  run.workflow = std::move(workflow);
  run.trigger = "nightly";
  run.version = 3;
  run.slot = slot + std::chrono::minutes{id};
  run.state = state;
  return run;
}

inline instance_record instance_of(std::uint64_t run, std::uint32_t task, instance_state state,
                                   std::uint32_t element = no_element) {
  instance_record instance;
  instance.key = {run_id{run}, task, element};
  instance.state = state;
  return instance;
}

inline slot_record slot_of(std::string workflow, std::string trigger, instant slot,
                           slot_outcome outcome) {
  slot_record record;
  record.workflow = std::move(workflow);
  record.trigger = std::move(trigger);
  record.slot = slot;
  record.outcome = outcome;
  return record;
}

inline workflow_record workflow_of(std::string id, std::uint32_t version, std::string hash) {
  workflow_record record;
  record.id = std::move(id);
  record.version = version;
  record.hash = std::move(hash);
  return record;
}

inline version_record version_of(std::string workflow, std::uint32_t version, std::string hash) {
  version_record record;
  record.workflow = std::move(workflow);
  record.version = version;
  record.hash = std::move(hash);
  record.definition = "{}";
  return record;
}

inline trigger_record trigger_of(std::string workflow, std::string trigger, instant since) {
  trigger_record record;
  record.workflow = std::move(workflow);
  record.trigger = std::move(trigger);
  record.since = since;
  return record;
}

/// Text without a 0 byte.
inline rc::Gen<std::string> any_name() {
  return rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
}

/// Any bytes, 0 among them.
inline rc::Gen<std::string> any_text() { return rc::gen::arbitrary<std::string>(); }

inline rc::Gen<instant> any_instant() {
  return rc::gen::map(rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(),
                                     rc::gen::just(std::int64_t{0}),
                                     rc::gen::inRange<std::int64_t>(to_us(day), to_us(day) + 1000)),
                      [](std::int64_t us) { return from_us(us); });
}

template <class Enum>
rc::Gen<Enum> any_of(std::size_t count) {
  return rc::gen::map(rc::gen::inRange<int>(0, static_cast<int>(count)),
                      [](int value) { return static_cast<Enum>(value); });
}

inline instance_key any_instance_key() {
  return {run_id{*rc::gen::arbitrary<std::uint64_t>()}, *rc::gen::arbitrary<std::uint32_t>(),
          *rc::gen::elementOf(std::vector<std::uint32_t>{no_element, 0, 1, 300})};
}

inline run_record any_run() {
  run_record r;
  r.id = run_id{*rc::gen::arbitrary<std::uint64_t>()};
  r.lane = *any_name();
  r.workflow = *any_name();
  r.version = *rc::gen::arbitrary<std::uint32_t>();
  r.trigger = *any_name();
  r.slot = *any_instant();
  r.interval_start = *any_instant();
  r.interval_end = *any_instant();
  r.state = *any_of<run_state>(run_state_count);
  r.why = *any_of<reason>(48);
  r.message = *any_text();
  r.params = *rc::gen::elementOf(std::vector<std::string>{"{}", "", R"({"a":1})"});
  r.priority = *rc::gen::arbitrary<std::uint8_t>();
  r.ignore_overlap = *rc::gen::arbitrary<bool>();
  r.admitted = *rc::gen::arbitrary<bool>();
  r.cancel_requested = *rc::gen::arbitrary<bool>();
  r.cancel_failed = *rc::gen::arbitrary<bool>();
  r.created_at = *any_instant();
  r.last_at = *any_instant();
  r.has_parent = *rc::gen::arbitrary<bool>();
  if (r.has_parent)
    r.parent = any_instance_key();
  r.requested_by = *any_text();
  r.request_key = *any_text();
  r.note = *any_text();
  for (auto& count : r.counts)
    count = *rc::gen::arbitrary<std::uint32_t>();
  r.incarnation = *rc::gen::arbitrary<std::uint32_t>();
  r.dry = *rc::gen::arbitrary<bool>();
  r.isolated = *rc::gen::arbitrary<bool>();
  r.backfill = *rc::gen::element<std::uint64_t>(0, 0, 7, 300);
  if (*rc::gen::arbitrary<bool>())
    r.modes.emplace_back(*rc::gen::arbitrary<std::uint32_t>(), *any_of<task_mode>(3));
  return r;
}

inline instance_record any_instance() {
  instance_record r;
  r.key = any_instance_key();
  r.state = *any_of<instance_state>(instance_state_count);
  r.why = *any_of<reason>(48);
  r.message = *any_text();
  r.attempt = *rc::gen::arbitrary<std::uint32_t>();
  r.epoch = *rc::gen::arbitrary<std::uint64_t>();
  r.retries_used = *rc::gen::arbitrary<std::uint32_t>();
  r.stop_as = *any_of<instance_state>(instance_state_count);
  r.warned = *rc::gen::arbitrary<bool>();
  r.has_outputs = *rc::gen::arbitrary<bool>();
  r.placeholder = *rc::gen::arbitrary<bool>();
  r.triggered_at = *any_instant();
  r.waiting_at = *any_instant();
  r.ready_at = *any_instant();
  r.ended_at = *any_instant();
  r.retry_at = *any_instant();
  r.element_key = *any_text();
  r.element_value = *any_text();
  r.called = run_id{*rc::gen::arbitrary<std::uint64_t>()};
  r.mode = *any_of<task_mode>(3);
  r.look = *rc::gen::element<std::uint32_t>(0, 0, 7, 300);
  r.poll_since = *any_instant();
  return r;
}

inline bound_edge any_edge() {
  bound_edge e;
  e.task = *rc::gen::arbitrary<std::uint32_t>();
  e.need = *rc::gen::element<std::uint32_t>(0, 300, bound_edge::first_previous,
                                            bound_edge::first_previous + 5, bound_edge::after_gate);
  e.workflow = *rc::gen::element(std::string{"p.a"}, std::string{"p.b"});
  e.trigger = *rc::gen::element(std::string{"t"}, std::string{"u"});
  e.upstream_task = *rc::gen::element(std::string{}, std::string{"load"});
  e.state = *any_of<need_state>(2);
  e.missing = *any_of<missing_policy>(4);
  e.list = *rc::gen::arbitrary<bool>();
  e.slots = *rc::gen::container<std::vector<instant>>(any_instant());
  return e;
}

inline slot_record any_bound_slot() {
  auto slot = slot_of(*any_name(), *any_name(), *any_instant(), *any_of<slot_outcome>(6));
  slot.dry = *rc::gen::arbitrary<bool>();
  slot.lateness = duration{*rc::gen::arbitrary<std::int64_t>()};
  const auto edges = *rc::gen::inRange(0, 4);
  for (int i = 0; i < edges; ++i)
    slot.edges.push_back(any_edge());
  return slot;
}

/// A slot of "p.w" with an edge of each kind.
inline slot_record bound_slot() {
  auto slot = slot_of("p.w", "t", instant{duration{1000}}, slot_outcome::planned);
  slot.dry = true;
  const auto at = [](std::int64_t us) { return instant{duration{us}}; };
  bound_edge load;
  load.workflow = "p.u";
  load.trigger = "hourly";
  load.upstream_task = "load";
  load.need = 2;
  load.slots = {at(900), at(910), at(920), at(930)};
  bound_edge list;
  list.task = 1;
  list.need = 3;
  list.workflow = "p.u";
  list.trigger = "hourly";
  list.list = true;
  list.state = need_state::done;
  list.missing = missing_policy::skip;
  list.slots = {at(899)};
  bound_edge previous;
  previous.task = 1;
  previous.need = bound_edge::first_previous;
  previous.workflow = "p.w";
  previous.trigger = "t";
  bound_edge gate;
  gate.task = 2;
  gate.need = bound_edge::after_gate;
  gate.workflow = "p";
  gate.trigger = "q";
  gate.missing = missing_policy::skip;
  gate.slots = {at(1000)};
  slot.edges = {load, list, previous, gate};
  return slot;
}

inline backfill_item item_of(std::uint64_t backfill, std::uint32_t position,
                             backfill_item_state state) {
  backfill_item item;
  item.backfill = backfill;
  item.position = position;
  item.workflow = "p.w";
  item.trigger = "t";
  item.slot = day + std::chrono::hours{position};
  item.state = state;
  return item;
}

inline attempt_record any_attempt() {
  attempt_record r;
  r.instance = any_instance_key();
  r.number = *rc::gen::arbitrary<std::uint32_t>();
  r.epoch = *rc::gen::arbitrary<std::uint64_t>();
  r.state = *any_of<attempt_state>(5);
  r.worker = *any_text();
  r.boot_id = *any_text();
  r.outcome = *any_of<instance_state>(instance_state_count);
  r.message = *any_text();
  r.pid = *rc::gen::arbitrary<std::int64_t>();
  r.exited = *rc::gen::arbitrary<bool>();
  r.exit_code = *rc::gen::arbitrary<int>();
  r.signal = *rc::gen::arbitrary<int>();
  r.ready_at = *any_instant();
  r.ended_at = *any_instant();
  r.log_bytes = *rc::gen::arbitrary<std::uint64_t>();
  r.log_cut = *rc::gen::arbitrary<bool>();
  r.rendered = *any_text();
  r.looks = *rc::gen::element<std::uint32_t>(0, 0, 7, 300);
  const auto pools = *rc::gen::inRange(0, 4);
  for (int i = 0; i < pools; ++i)
    r.permits.push_back({*any_name(), *rc::gen::arbitrary<std::uint32_t>()});
  return r;
}

} // namespace pinion::test
