#include "execution/protocol.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace pinion::test {

namespace {

wire::start sample_start() {
  wire::start out;
  out.key = {{run_id{1}, 2, 3}, {4, 5, 6}};
  out.argv = {"a", ""};
  out.environment = {"A=b"};
  out.cwd = "/c";
  out.stdin_path = "/i";
  out.log_path = "/l";
  out.timeout = duration{7};
  out.grace = duration{8};
  out.lease = duration{9};
  out.log_limit_bytes = 10;
  out.slot = 11;
  return out;
}

} // namespace

TEST_CASE("a hello on the wire does not change", "[protocol]") {
  std::string bytes;
  append_frame(bytes, wire::hello{1, 2, 258});
  CHECK(bytes == std::string("\x11\0\0\0\1"
                             "\1\0\0\0"
                             "\2\0\0\0"
                             "\2\1\0\0\0\0\0\0",
                             21));
}

TEST_CASE("frames arrive whole however they are cut", "[protocol]") {
  std::string bytes;
  append_frame(bytes, sample_start());
  wire::ended ended;
  ended.end.kind = end_kind::lost;
  ended.end.message = "m";
  ended.slot = 3;
  append_frame(bytes, ended);
  frame_buffer frames;
  std::vector<wire_message> got;
  for (const auto byte : bytes) {
    frames.append({&byte, 1});
    auto next = frames.next();
    REQUIRE(next.has_value());
    if (next.value())
      got.push_back(*next.value());
  }
  REQUIRE(got.size() == 2);
  const auto& start = std::get<wire::start>(got[0]);
  CHECK(start.key == sample_start().key);
  CHECK(start.argv == sample_start().argv);
  CHECK(start.environment == sample_start().environment);
  CHECK(start.log_path == "/l");
  CHECK(start.lease == duration{9});
  CHECK(start.slot == 11);
  CHECK(std::get<wire::ended>(got[1]).end.kind == end_kind::lost);
  CHECK(std::get<wire::ended>(got[1]).slot == 3);
}

TEST_CASE("bytes after the known fields are a newer version's, and ignored", "[protocol]") {
  std::string bytes;
  append_frame(bytes, wire::hello{1, 1, 7});
  const auto decoded = decode_frame(bytes.substr(4) + "more");
  REQUIRE(decoded.has_value());
  CHECK(std::get<wire::hello>(decoded.value()).epoch == 7);
}

TEST_CASE("no bytes make the decoder crash or allocate beyond them", "[protocol]") {
  CHECK(rc::check("arbitrary frames", [](const std::string& bytes) {
    static_cast<void>(decode_frame(bytes));
    frame_buffer frames;
    frames.append(bytes);
    for (auto next = frames.next(); next && next.value(); next = frames.next()) {
    }
  }));
  std::string lying;
  append_frame(lying, sample_start());
  // The count of arguments, after length, kind and key, becomes the largest there is.
  lying.replace(37, 4, std::string(4, '\xff'));
  CHECK_FALSE(decode_frame(std::string_view{lying}.substr(4)).has_value());
}

} // namespace pinion::test
