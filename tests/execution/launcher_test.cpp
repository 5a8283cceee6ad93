#include "execution/launcher_fixture.hpp"

#include <catch2/catch.hpp>

namespace pinion::test {

TEST_CASE("a command that exits with 0 is reported with its exit code and its log", "[launcher]") {
  engine_side engine{GENERATE("on", "off")};
  const auto key = engine.next_key();
  const auto end = engine.run(engine.shell(key, "echo hello; echo there >&2"));
  CHECK(end.kind == end_kind::exited);
  CHECK(end.exit_code == 0);
  CHECK(end.message.empty());
  CHECK(end.log_bytes == 12);
  CHECK(engine.printed(key) == "hello\nthere\n");
  CHECK(end.started_at <= end.ended_at);
}

} // namespace pinion::test
