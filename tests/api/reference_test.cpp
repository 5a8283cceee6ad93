#include <catch2/catch.hpp>

#include "pinion/api/reference.hpp"

#include <rapidcheck.h>

using namespace pinion;

namespace {

reference parsed(std::string_view text) {
  CAPTURE(text);
  auto made = parse_reference(text);
  REQUIRE(made);
  return std::move(made.value());
}

} // namespace

TEST_CASE("workflows, versions and triggers are told apart", "[reference]") {
  CHECK(parsed("retail.replenish").workflow == "retail.replenish");
  CHECK_FALSE(parsed("retail.replenish").names_run());
  CHECK(parsed("retail.replenish:v7").version == 7U);
  CHECK(parsed("retail.replenish/nightly").trigger == "nightly");
  CHECK_FALSE(parsed("retail.replenish/nightly").names_run());
}

TEST_CASE("a run is named by slot, newest, business date or number", "[reference]") {
  const auto slot = parsed("retail.replenish/nightly@2026-11-20T02:00+08:00");
  CHECK(slot.selects == run_selector::slot);
  CHECK(slot.trigger == "nightly");
  CHECK(slot.when == "2026-11-20T02:00+08:00");
  const auto manual = parsed("a.b/@manual@2026-11-20T02:00:00.000001+08:00");
  CHECK(manual.trigger == "@manual");
  CHECK(manual.when == "2026-11-20T02:00:00.000001+08:00");
  CHECK(parsed("a.b@latest").selects == run_selector::latest);
  CHECK(parsed("a.b/t@latest:failed").state == "failed");
  const auto biz = parsed("a.b@biz:2026-11-19");
  CHECK(biz.selects == run_selector::biz);
  CHECK(biz.when == "2026-11-19");
  CHECK(parsed("r123").run == 123);
}

TEST_CASE("an instance stands behind its run, with index and attempt", "[reference]") {
  const auto plain = parsed("r123/model_ra");
  CHECK(plain.task == "model_ra");
  CHECK_FALSE(plain.index);
  CHECK_FALSE(plain.attempt);
  const auto element = parsed("r123/train:DEU#2");
  CHECK(element.task == "train");
  CHECK(element.index == "DEU");
  CHECK(element.attempt == 2U);
  const auto long_form = parsed("a.b/t@2026-11-20T02:00+08:00/train:x#y");
  CHECK(long_form.when == "2026-11-20T02:00+08:00");
  CHECK(long_form.index == "x#y");
  CHECK(parsed("a.b@latest/train").task == "train");
}

TEST_CASE("what is no reference is refused with the forms", "[reference]") {
  for (const auto* bad : {"",
                          "a",
                          "a.b.c",
                          ".b",
                          "a.",
                          "a.b:7",
                          "a.b:v0",
                          "a.b:v",
                          "a.b/",
                          "a.b/t@",
                          "a.b@latest:well",
                          "a.b@biz:",
                          "r0",
                          "r1/",
                          "r1/-x",
                          "r1/a:",
                          "r1/../etc",
                          "a.b/t/task",
                          "a.b:v1@latest",
                          "r99999999999999999999999",
                          "../../etc/passwd",
                          "-rf",
                          "$(x)",
                          "a.b/t u"}) {
    CAPTURE(bad);
    const auto refused = parse_reference(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid);
    CHECK_FALSE(refused.error().suggestion.empty());
  }
}

TEST_CASE("no text breaks the reader of references", "[reference]") {
  CHECK(rc::check("total", [](const std::string& text) { (void)parse_reference(text); }));
}
