#include <catch2/catch.hpp>

#include "../../tools/pinionctl/table.hpp"

using namespace pinion::ctl;

TEST_CASE("columns line up where characters take two cells or none", "[table]") {
  table uut{{{"NAME"}, {"STATE", true}}};
  uut.add({"补货", "success"});
  uut.add({"e\u0301te", "failed"});
  uut.add({"plain"});
  const auto text = uut.text([](const std::string& cell, bool, bool) { return cell; });
  CHECK(text == "NAME   STATE\n补货   success\ne\u0301te    failed\nplain\n");
  CHECK(display_width("补货") == 4);
  CHECK(display_width("\xff\xfe") == 2);
}
