#include <catch2/catch.hpp>

#include "api/request_keeper.hpp"
#include "api_fixture.hpp"

using namespace pinion;
using namespace pinion::testing;

namespace {

/// The API over the fake engine, asked with an Idempotency-Key.
struct keeper_fixture : api_fixture {
  answer keyed(const std::string& key, const std::string& target, const json& body) {
    return send("POST", target, to_text(body), {{"idempotency-key", key}});
  }
  /// As after a restart: what was under way is known by rows alone.
  void restart() { api = make_api({&engine, &clock, nullptr, nullptr, {}, ""}); }

  kept_request row(const std::string& key) {
    const auto found = find_kept_request(engine.kv, "alice", key).value();
    REQUIRE(found);
    return *found;
  }
  std::size_t rows() { return kept_requests_by_age(engine.kv).value().size(); }
};

const json hold_it{{"reason", "works"}};

} // namespace

TEST_CASE_METHOD(keeper_fixture, "a repeated request gets its first answer and does nothing again",
                 "[idempotency]") {
  const auto first = keyed("k1", "/api/v1/hold", hold_it);
  CHECK(first.status == 200);
  CHECK_FALSE(first.headers.contains("Idempotent-Replayed"));
  CHECK(row("k1").come == kept_request::stage::answered);
  for (int i = 0; i < 2; ++i) {
    const auto again = keyed(i == 0 ? "k1" : "\"k1\"", "/api/v1/hold", hold_it);
    CHECK(again.status == first.status);
    CHECK(again.body == first.body);
    CHECK(again.headers.at("Idempotent-Replayed") == "true");
    restart();
  }
  CHECK(engine.calls.size() == 1);
  CHECK(engine.last_caller.request->key == "k1");
}

TEST_CASE_METHOD(keeper_fixture, "without a key nothing is kept", "[idempotency]") {
  post("/api/v1/hold", hold_it);
  post("/api/v1/hold", hold_it);
  CHECK(engine.calls.size() == 2);
  CHECK(rows() == 0);
  CHECK_FALSE(engine.last_caller.request);
}

TEST_CASE_METHOD(keeper_fixture, "another request under a used key is refused", "[idempotency]") {
  keyed("k1", "/api/v1/hold", hold_it);
  for (const auto& other : {keyed("k1", "/api/v1/unhold", hold_it),
                            keyed("k1", "/api/v1/hold", {{"reason", "other"}})}) {
    CHECK(other.status == 422);
    CHECK(other.body["error"]["code"] == "key_reused");
  }
  CHECK(engine.calls.size() == 1);
}

TEST_CASE_METHOD(keeper_fixture, "the keys of one user are not those of another", "[idempotency]") {
  kv_batch batch;
  kept_request of_bob;
  of_bob.who = "bob";
  of_bob.key = "k1";
  of_bob.at = clock.wall_now();
  put_kept_request(batch, of_bob);
  commit(std::move(batch));
  CHECK(keyed("k1", "/api/v1/hold", hold_it).status == 200);
}

TEST_CASE_METHOD(keeper_fixture, "a request that is under way is not begun again",
                 "[idempotency]") {
  engine.keeping.emplace();
  CHECK(keyed("k1", "/api/v1/hold", hold_it).status == 0);
  const auto again = keyed("k1", "/api/v1/hold", hold_it);
  CHECK(again.status == 409);
  CHECK(again.body["error"]["code"] == "in_progress");
  CHECK(again.headers.at("Retry-After") == "1");
  CHECK(keyed("k1", "/api/v1/unhold", hold_it).status == 422);
  const auto kept = std::exchange(engine.keeping, std::nullopt);
  for (const auto& write : *kept)
    write();
  CHECK(keyed("k1", "/api/v1/hold", hold_it).status == 200);
  CHECK(engine.calls.size() == 1);
}

TEST_CASE_METHOD(keeper_fixture, "refusals of the engine are kept, bad requests are not",
                 "[idempotency]") {
  engine.refusal = problem{errc::refused, "no", {}};
  CHECK(keyed("k1", "/api/v1/hold", hold_it).status == 409);
  engine.refusal.reset();
  CHECK(keyed("k1", "/api/v1/hold", hold_it).status == 409);
  CHECK(keyed("k2", "/api/v1/hold", {{"nonsense", 1}}).status == 400);
  CHECK(keyed("k2", "/api/v1/hold", hold_it).status == 200);
}

TEST_CASE_METHOD(keeper_fixture, "after a crash a mark without an answer says what was done",
                 "[idempotency]") {
  keyed("k1", "/api/v1/hold", hold_it);
  auto mark = row("k1");
  const auto fingerprint = mark.fingerprint;
  const auto write = [&] {
    kv_batch batch;
    put_kept_request(batch, mark);
    commit(std::move(batch));
    restart();
  };
  mark.come = kept_request::stage::done;
  mark.verb = "hold";
  mark.object = "engine";
  mark.body.clear();
  write();
  const auto lost = keyed("k1", "/api/v1/hold", hold_it);
  CHECK(lost.status == 409);
  CHECK(lost.body["error"]["code"] == "answer_lost");
  CHECK(lost.body["error"]["message"].get<std::string>().find("hold engine") != std::string::npos);
  mark.come = kept_request::stage::begun;
  write();
  const auto unknown = keyed("k1", "/api/v1/hold", hold_it);
  CHECK(unknown.status == 409);
  CHECK(unknown.body["error"]["code"] == "outcome_unknown");
  add_run(10);
  mark.come = kept_request::stage::done;
  mark.verb = "trigger";
  mark.object = "r10";
  write();
  const auto run = keyed("k1", "/api/v1/hold", hold_it);
  CHECK(run.status == 201);
  CHECK(run.body["id"] == "r10");
  CHECK(engine.calls.size() == 1);
}

TEST_CASE_METHOD(keeper_fixture, "an answer that did not come leaves the outcome unknown",
                 "[idempotency]") {
  engine.refusal = problem{errc::unavailable, std::string{no_answer} + ": time", {}};
  CHECK(keyed("k1", "/api/v1/hold", hold_it).status == 503);
  engine.refusal.reset();
  const auto again = keyed("k1", "/api/v1/hold", hold_it);
  CHECK(again.status == 503);
  CHECK(again.body["error"]["code"] == "outcome_unknown");
  CHECK(engine.calls.size() == 1);
  // One that the engine refused for the moment was not carried out.
  engine.refusal = problem{errc::unavailable, "just being decided", {}};
  CHECK(keyed("k2", "/api/v1/hold", hold_it).status == 503);
  engine.refusal.reset();
  CHECK(keyed("k2", "/api/v1/hold", hold_it).status == 200);
}

TEST_CASE_METHOD(keeper_fixture, "keys are forgotten after a day", "[idempotency]") {
  keyed("k1", "/api/v1/hold", hold_it);
  keyed("k2", "/api/v1/hold", hold_it);
  clock.advance(request_keeper::kept_for);
  CHECK(keyed("k1", "/api/v1/hold", hold_it).status == 200);
  CHECK(engine.calls.size() == 3);
  CHECK(rows() == 1);
}

TEST_CASE_METHOD(keeper_fixture, "no more keys are kept than are stated", "[idempotency]") {
  kv_batch batch;
  kept_request old;
  old.who = "alice";
  old.at = clock.wall_now();
  for (std::size_t i = 0; i < request_keeper::most_kept; ++i) {
    old.key = "old" + std::to_string(i);
    old.at += duration{1};
    put_kept_request(batch, old);
  }
  commit(std::move(batch));
  clock.advance(std::chrono::hours{1});
  for (int i = 0; i < 20; ++i)
    CHECK(keyed("new" + std::to_string(i), "/api/v1/hold", hold_it).status == 200);
  CHECK(rows() == request_keeper::most_kept);
  CHECK_FALSE(find_kept_request(engine.kv, "alice", "old0").value());
  CHECK(find_kept_request(engine.kv, "alice", "old20").value());
}

TEST_CASE_METHOD(keeper_fixture, "the answer of a key that is used anew counts no more",
                 "[idempotency]") {
  kv_batch batch;
  kept_request old;
  old.who = "alice";
  old.key = "k1";
  old.at = clock.wall_now();
  old.come = kept_request::stage::answered;
  old.body = std::string(request_keeper::most_bytes - 1, 'x');
  put_kept_request(batch, old);
  commit(std::move(batch));
  clock.advance(request_keeper::kept_for);
  CHECK(keyed("k1", "/api/v1/hold", hold_it).status == 200);
  // There is room for both.
  CHECK(keyed("k2", "/api/v1/hold", hold_it).status == 200);
  CHECK(rows() == 2);
}

TEST_CASE_METHOD(keeper_fixture, "keys that are none are refused", "[idempotency]") {
  for (const std::string bad : {"", "\"\"", "a b", "a\"b", "a\\b", "\x80"}) {
    CAPTURE(bad);
    CHECK(keyed(bad, "/api/v1/hold", hold_it).status == 400);
  }
  CHECK(keyed(std::string(256, 'x'), "/api/v1/hold", hold_it).status == 400);
  CHECK(keyed(std::string(255, 'x'), "/api/v1/hold", hold_it).status == 200);
  CHECK(engine.calls.size() == 1);
}
