#include <catch2/catch.hpp>

#include "api_fixture.hpp"
#include "pinion/api/event_stream.hpp"

#include <sstream>

using namespace pinion;
using namespace pinion::testing;

namespace {

struct seen_event {
  std::string id;
  std::string name;
  json data;
};

std::vector<seen_event> events_in(const std::string& text) {
  std::vector<seen_event> events;
  std::istringstream lines{text};
  seen_event now;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      events.push_back(std::exchange(now, {}));
    } else if (line.starts_with("id: ")) {
      now.id = line.substr(4);
    } else if (line.starts_with("event: ")) {
      now.name = line.substr(7);
    } else if (line.starts_with("data: ")) {
      now.data = json::parse(line.substr(6), nullptr, false);
    }
  }
  return events;
}

std::vector<std::string> names(const std::vector<seen_event>& events) {
  std::vector<std::string> out;
  for (const auto& one : events)
    out.push_back(one.name);
  return out;
}

class watching : public api_fixture {
public:
  std::shared_ptr<event_stream> open(const std::string& target, const std::string& last_id = {}) {
    http_request request;
    request.method = "GET";
    request.last_event_id = last_id;
    REQUIRE(parse_target(target, request));
    std::shared_ptr<event_stream> stream;
    api.dispatch(std::move(request), [&](http_reply reply) {
      status = reply.status;
      stream = reply.events;
    });
    return stream;
  }
  /// What came since the last look.
  static std::vector<seen_event> taken(event_stream& from) { return events_in(from.take()); }

  void set_state(run_record& run, run_state state) {
    const auto before = run;
    run.state = state;
    kv_batch batch;
    put_run(batch, run, &before);
    commit(std::move(batch));
  }
  void write(const instance_record& record) {
    kv_batch batch;
    put_instance(batch, record);
    commit(std::move(batch));
  }

  unsigned status = 0;
};

} // namespace

TEST_CASE_METHOD(watching, "a watcher hears of each run that changes, with its object", "[watch]") {
  add_run(1);
  const auto stream = open("/api/v1/watch?kind=runs");
  REQUIRE(stream);
  auto events = taken(*stream);
  REQUIRE(names(events) == std::vector<std::string>{"ready"});
  const auto first = std::stoull(events[0].id);
  auto run = add_run(2);
  events = taken(*stream);
  REQUIRE(names(events) == std::vector<std::string>{"item"});
  CHECK(events[0].data["id"] == "r2");
  CHECK(std::stoull(events[0].id) > first);
  set_state(run, run_state::success);
  events = taken(*stream);
  REQUIRE(events.size() == 1);
  CHECK(events[0].data["state"] == "success");
}

TEST_CASE_METHOD(watching, "what no longer passes by its state is gone, others are not told",
                 "[watch]") {
  const auto stream = open("/api/v1/watch?kind=runs&state=running&workflow=dw.load");
  auto run = add_run(3);
  auto ended = add_run(4, run_state::failed);
  auto events = taken(*stream);
  CHECK(names(events) == std::vector<std::string>{"ready", "item", "gone"});
  set_state(run, run_state::success);
  events = taken(*stream);
  REQUIRE(names(events) == std::vector<std::string>{"gone"});
  CHECK(events[0].data["id"] == "r3");
  const auto other = open("/api/v1/watch?kind=runs&owner=nobody");
  set_state(run, run_state::failed);
  CHECK(names(taken(*other)) == std::vector<std::string>{"ready"});
  CHECK(ended.state == run_state::failed);
}

TEST_CASE_METHOD(watching, "instances are watched by run and task", "[watch]") {
  const auto run = add_run(5);
  const auto stream = open("/api/v1/watch?kind=instances&run=r5&task=train");
  taken(*stream);
  write(instance(run, 1, 0, instance_state::success, "DEU"));
  write(instance(run, 0, no_element, instance_state::failed));
  const auto events = taken(*stream);
  REQUIRE(names(events) == std::vector<std::string>{"item"});
  CHECK(events[0].data["id"] == "r5/train:DEU");
  CHECK(events[0].data["state"] == "success");
}

TEST_CASE_METHOD(watching, "slots are told once they are decided", "[watch]") {
  const auto stream = open("/api/v1/watch?kind=slots&workflow=dw.load");
  taken(*stream);
  add_slots({slot(0, slot_outcome::planned)});
  CHECK(taken(*stream).empty());
  add_slots({slot(-1, slot_outcome::missed)});
  const auto events = taken(*stream);
  REQUIRE(names(events) == std::vector<std::string>{"item"});
  CHECK(events[0].data["outcome"] == "missed");
}

TEST_CASE_METHOD(watching, "attempts of an instance, and audit records of a thing, are told by row",
                 "[watch]") {
  const auto run = add_run(5);
  write(instance(run, 0, no_element, instance_state::running));
  const auto tries = open("/api/v1/watch?kind=attempts&ref=r5/first");
  const auto changes = open("/api/v1/watch?kind=audit&object=dw.load");
  REQUIRE(tries);
  REQUIRE(changes);
  taken(*tries);
  taken(*changes);
  kv_batch batch;
  for (const std::uint32_t task : {0U, 1U}) {
    attempt_record attempt;
    attempt.instance = {run.id, task, no_element};
    attempt.number = 1;
    put_attempt(batch, attempt);
  }
  std::uint64_t sequence = 40;
  for (const auto* object : {"dw.load/night", "dw.loader", "r5"}) {
    audit_record record;
    record.sequence = ++sequence;
    record.object = object;
    record.verb = "pause";
    put_audit(batch, record);
  }
  commit(std::move(batch));
  auto events = taken(*tries);
  REQUIRE(names(events) == std::vector<std::string>{"item"});
  CHECK(events[0].data["instance"] == "r5/first");
  events = taken(*changes);
  REQUIRE(names(events) == std::vector<std::string>{"item"});
  CHECK(events[0].data["object"] == "dw.load/night");
}

TEST_CASE_METHOD(watching, "of lists that stand in many rows it is told that they changed",
                 "[watch]") {
  const auto versions = open("/api/v1/watch?kind=versions");
  const auto workflows = open("/api/v1/watch?kind=workflows");
  REQUIRE(versions);
  REQUIRE(workflows);
  taken(*versions);
  taken(*workflows);
  add_slots({slot(-1, slot_outcome::missed)});
  CHECK(taken(*versions).empty());
  CHECK(names(taken(*workflows)) == std::vector<std::string>{"changed"});
  CHECK_FALSE(open("/api/v1/watch?kind=pools&project=dw"));
  CHECK(status == 400);
}

TEST_CASE_METHOD(watching, "a client that comes back gets what it missed, once", "[watch]") {
  const auto stream = open("/api/v1/watch?kind=runs");
  auto run = add_run(6);
  const auto events = taken(*stream);
  const auto id = events.back().id;
  stream->close();
  set_state(run, run_state::success);
  add_run(7);
  const auto again = open("/api/v1/watch?kind=runs", id);
  const auto missed = taken(*again);
  REQUIRE(names(missed) == std::vector<std::string>{"ready", "item", "item"});
  CHECK(missed[1].data["id"] == "r6");
  CHECK(missed[2].data["id"] == "r7");
  SECTION("or is told to list again, if that is not known any more") {
    CHECK(names(taken(*open("/api/v1/watch?kind=runs&after=0"))).front() == "reset");
    CHECK(names(taken(*open("/api/v1/watch?kind=runs&after=99999999"))).front() == "reset");
  }
}

TEST_CASE_METHOD(watching, "who is too far behind is told to list again", "[watch]") {
  const auto stream = open("/api/v1/watch?kind=instances");
  taken(*stream);
  const auto run = add_run(8);
  taken(*stream);
  kv_batch batch;
  for (std::uint32_t i = 0; i < 3'000; ++i)
    put_instance(batch, instance(run, 1, i, instance_state::success, std::to_string(i)));
  commit(std::move(batch));
  CHECK(names(taken(*stream)) == std::vector<std::string>{"reset"});
  SECTION("also if it does not take what waits for it") {
    for (int round = 0; round < 40; ++round) {
      kv_batch part;
      for (std::uint32_t i = 0; i < 100; ++i)
        put_instance(part, instance(run, 1, i, instance_state::running, std::to_string(i)));
      commit(std::move(part));
    }
    const auto waiting = stream->take();
    CHECK(waiting.size() <= event_stream::max_pending_bytes);
    CHECK(waiting.find("event: reset") != std::string::npos);
  }
}

TEST_CASE_METHOD(watching, "there are only so many watchers, and one that left makes room",
                 "[watch]") {
  std::vector<std::shared_ptr<event_stream>> all;
  for (int i = 0; i < 64; ++i) {
    all.push_back(open("/api/v1/watch?kind=runs"));
    REQUIRE(all.back());
  }
  CHECK_FALSE(open("/api/v1/watch?kind=runs"));
  CHECK(status == 503);
  all.front()->close();
  CHECK(open("/api/v1/watch?kind=runs"));
}

TEST_CASE_METHOD(watching, "bad questions are refused before anything is watched", "[watch]") {
  for (const auto* target :
       {"/api/v1/watch", "/api/v1/watch?kind=wheel", "/api/v1/watch?kind=attempts",
        "/api/v1/watch?kind=runs&state=odd", "/api/v1/watch?kind=runs&sate=x",
        "/api/v1/watch?kind=runs&after=x", "/api/v1/watch?kind=instances&state=odd",
        "/api/v1/logs/follow?ref=%2F"}) {
    CAPTURE(target);
    CHECK_FALSE(open(target));
    CHECK(status == 400);
  }
  CHECK_FALSE(open("/api/v1/logs/follow?ref=r99"));
  CHECK(status == 404);
}

TEST_CASE_METHOD(watching, "who follows logs hears of attempts, and of the end", "[watch]") {
  auto run = add_run(9);
  auto at = instance(run, 2, no_element, instance_state::running);
  at.attempt = 1;
  const auto stream = open("/api/v1/logs/follow?ref=r9/side");
  REQUIRE(stream);
  CHECK(names(taken(*stream)) == std::vector<std::string>{"ready"});
  write(at);
  auto events = taken(*stream);
  REQUIRE(names(events) == std::vector<std::string>{"log"});
  CHECK(events[0].data["attempt"] == "r9/side#1");
  CHECK(events[0].data["ended"] == false);
  at.attempt = 2;
  write(at);
  events = taken(*stream);
  REQUIRE(names(events) == std::vector<std::string>{"log", "log"});
  CHECK(events[0].data["ended"] == true);
  CHECK(events[1].data["attempt"] == "r9/side#2");
  at.state = instance_state::success;
  write(at);
  CHECK(names(taken(*stream)).back() == "end");
  CHECK(stream->ended());
}

TEST_CASE_METHOD(watching, "following what has ended ends at once", "[watch]") {
  add_run(10, run_state::success);
  const auto stream = open("/api/v1/logs/follow?ref=r10");
  REQUIRE(stream);
  CHECK(names(taken(*stream)) == std::vector<std::string>{"ready", "end"});
}

TEST_CASE_METHOD(watching, "the engine at a glance names what runs longest", "[top]") {
  const auto run = add_run(10);
  engine.at_work = {{run.id, 1, 0}};
  engine.state.slots = 4;
  const auto top = get("/api/v1/top").body;
  CHECK(top["running"] == 1);
  CHECK(top["slowest"][0]["id"] == "r10/train:DEU");
  CHECK(top["slowest"][0]["running_s"].get<double>() > 0);
  CHECK(top["runs"]["running"] == 1);
  CHECK(top["pools"].size() == 2);
  CHECK(top["slots"]["capacity"] == 4);
  CHECK(get("/api/v1/top?limit=0").status == 400);
}

TEST_CASE_METHOD(watching, "what changed unheard makes watchers list again, and followers look",
                 "[watch]") {
  auto run = add_run(10);
  const auto list = open("/api/v1/watch?kind=runs");
  const auto follow = open("/api/v1/logs/follow?ref=r10");
  taken(*list);
  taken(*follow);
  const auto before = run;
  run.state = run_state::success;
  kv_batch batch;
  put_run(batch, run, &before);
  std::uint64_t number = 0;
  engine.kv.commit(std::move(batch),
                   [&](const result<std::uint64_t>& done) { number = done.value(); });
  engine.feed.publish(number, {});
  CHECK(names(taken(*list)) == std::vector<std::string>{"reset"});
  CHECK(names(taken(*follow)) == std::vector<std::string>{"reset", "end"});
}
