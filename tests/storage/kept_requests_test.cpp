#include "kv_helpers.hpp"

#include <catch2/catch.hpp>
#include <pinion/storage/kept_requests.hpp>
#include <pinion/storage/memory_kv.hpp>

using namespace pinion;
using namespace std::string_literals;

namespace {

kept_request answered() {
  kept_request made;
  made.who = "ann";
  made.key = "k1";
  made.fingerprint = "ff";
  made.at = from_us(258);
  made.come = kept_request::stage::answered;
  made.verb = "trigger";
  made.object = "r7";
  made.status = 201;
  made.body = "{}";
  return made;
}

} // namespace

TEST_CASE("the stored form of a kept request does not change", "[kept_requests]") {
  kv_batch batch;
  put_kept_request(batch, answered());
  REQUIRE(batch.writes.size() == 2);
  CHECK(batch.writes[0].in == family::meta);
  CHECK(batch.writes[0].key == "request/ann\0k1"s);
  CHECK(batch.writes[0].value == "\1\2ff\1\x84\4\2\7trigger\2r7\xc9\1\2{}"s);
  CHECK(batch.writes[1].in == family::meta);
  CHECK(batch.writes[1].key == "requested/\0\0\0\0\0\0\1\2ann\0k1"s);
  CHECK(batch.writes[1].value == "\2\0\0\0\0\0\0\0"s);
}

TEST_CASE("kept requests are found by user and key and listed by age", "[kept_requests]") {
  memory_kv kv;
  const auto commit = [&](kv_batch batch) {
    kv.commit(std::move(batch), [](const result<std::uint64_t>& done) { REQUIRE(done); });
  };
  auto later = answered();
  later.key = "a";
  later.at = from_us(1'000);
  kv_batch batch;
  put_kept_request(batch, later);
  put_kept_request(batch, answered());
  commit(std::move(batch));
  CHECK(find_kept_request(kv, "ann", "k1").value() == answered());
  CHECK_FALSE(find_kept_request(kv, "bob", "k1").value());
  CHECK(kept_requests_by_age(kv).value() ==
        std::vector<kept_request_age>{{"ann", "k1", from_us(258), 2},
                                      {"ann", "a", from_us(1'000), 2}});
  kv_batch erase;
  erase_kept_request(erase, answered());
  commit(std::move(erase));
  CHECK_FALSE(find_kept_request(kv, "ann", "k1").value());
  CHECK(kept_requests_by_age(kv).value().size() == 1);
}

TEST_CASE("a change and the mark of its request are written together", "[kept_requests]") {
  audit_record audit;
  audit.verb = "cancel";
  audit.object = "r3";
  kept_request asked;
  asked.who = "ann";
  asked.key = "k";
  kv_batch batch;
  put_audit(batch, audit, &asked);
  REQUIRE(batch.writes.size() == 3);
  const auto mark = decode_kept_request(batch.writes[1].key, batch.writes[1].value).value();
  CHECK(mark.come == kept_request::stage::done);
  CHECK(mark.verb == "cancel");
  CHECK(mark.object == "r3");
  kv_batch unmarked;
  put_audit(unmarked, audit, nullptr);
  CHECK(unmarked.writes.size() == 1);
}

TEST_CASE("damaged rows of kept requests are refused", "[kept_requests]") {
  kv_batch batch;
  put_kept_request(batch, answered());
  const auto& [row, age] = std::pair{batch.writes[0], batch.writes[1]};
  for (std::size_t length = 0; length < row.value.size(); ++length)
    CHECK_FALSE(decode_kept_request(row.key, row.value.substr(0, length)));
  CHECK_FALSE(decode_kept_request("request/ann", row.value));
  CHECK(decode_kept_request(row.key, "\2").error().code == errc::newer_format);
  CHECK_FALSE(decode_kept_request_age(age.key, "1"));
  CHECK_FALSE(decode_kept_request_age("requested/1234567", age.value));
}
