#include "pinion/execution/executor.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace pinion::test {

TEST_CASE("shell text runs under the shell that was chosen", "[executor]") {
  const auto argv = [](const std::string& shell) {
    start_request out;
    REQUIRE(set_shell_command(out, "true", shell).has_value());
    CHECK(out.script == "true\n");
    return out.argv;
  };
  using words = std::vector<std::string>;
  CHECK(argv("bash") == words{"/bin/bash", "-eo", "pipefail"});
  CHECK(argv("/opt/bin/bash") == words{"/opt/bin/bash", "-eo", "pipefail"});
  CHECK(argv("sh") == words{"sh", "-e"});
  CHECK(argv("zsh") == words{"zsh"});
}

TEST_CASE("python scripts get their arguments after the script", "[executor]") {
  start_request out;
  REQUIRE(set_python_command(out, "print(1)", {"a"}).has_value());
  CHECK(out.argv == std::vector<std::string>{"python3", "-u"});
  CHECK(out.script_args == std::vector<std::string>{"a"});
}

TEST_CASE("commands that cannot be executed are refused", "[executor]") {
  start_request out;
  CHECK_FALSE(set_shell_command(out, "").has_value());
  CHECK_FALSE(set_shell_command(out, "true", "").has_value());
  CHECK_FALSE(set_shell_command(out, std::string("a\0b", 3)).has_value());
  CHECK_FALSE(set_list_command(out, {}).has_value());
  CHECK_FALSE(set_list_command(out, {""}).has_value());
  CHECK_FALSE(set_list_command(out, {"a", std::string("\0", 1)}).has_value());
  CHECK_FALSE(set_python_command(out, "", {}).has_value());
}

TEST_CASE("environments merge by name, and names are checked", "[executor]") {
  const auto merged = merge_environment({{"A", "1"}, {"B", "2"}}, {{"B", "3"}, {"C", "a=b\n"}});
  REQUIRE(merged.has_value());
  CHECK(merged.value() == environment_list{{"A", "1"}, {"B", "3"}, {"C", "a=b\n"}});
  CHECK_FALSE(merge_environment({}, {{"", "x"}}).has_value());
  CHECK_FALSE(merge_environment({}, {{"A=B", "x"}}).has_value());
  CHECK_FALSE(merge_environment({}, {{"A", std::string("\0", 1)}}).has_value());
}

TEST_CASE("the base environment has the four names, and PATH no relative entry", "[executor]") {
  const auto base = base_environment();
  REQUIRE(base.size() == 4);
  for (const auto& [name, value] : base)
    CHECK_FALSE(value.empty());
  CHECK(base[0].second.find("::") == std::string::npos);
}

} // namespace pinion::test
