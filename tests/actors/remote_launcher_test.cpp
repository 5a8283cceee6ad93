#include "pinion/actors/remote_launcher.hpp"
#include "simulation/world.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace pinion;
using std::chrono::hours;

TEST_CASE("a node that answers an old greeting after its restart is greeted anew",
          "[remote_launcher]") {
  std::vector<to_worker> sent;
  sim::engine_end network{[&](to_worker frame) { sent.push_back(std::move(frame)); }};
  sim::virtual_alarm alarm;
  manual_clock clock{from_us(1'800'000'000'000'000), steady_instant{hours{1}}};
  remote_launcher launcher{network, alarm, clock, 7};
  std::vector<launcher_event> heard;
  launcher.open([&](launcher_event event) { heard.push_back(std::move(event)); });
  REQUIRE(sent.size() == 1);
  const auto greeting = sent.back().session;
  CHECK(greeting.node == 0);
  // Its second life answers; then it is restarted, what the third announces is lost, and a copy of
  // the greeting that was on its way makes a session with it that nobody asked for.
  const worker_session second{7, greeting.greeting, 2};
  const worker_session third{7, greeting.greeting, 3};
  network.deliver({to_engine::kind::welcome, second, 0, 0, std::nullopt});
  network.deliver(
      {to_engine::kind::report, second, 0, 1, launcher_event{launcher_event::connected{}}});
  REQUIRE(heard.size() == 1);
  network.deliver(
      {GENERATE(to_engine::kind::welcome, to_engine::kind::report), third, 0, 0, std::nullopt});
  REQUIRE(heard.size() == 2);
  CHECK(std::holds_alternative<launcher_event::disconnected>(heard.back().what));
  CHECK(sent.back().session.node == 0);
  CHECK(sent.back().session.greeting > greeting.greeting);
  // What comes late of an older greeting changes nothing.
  const auto before = sent.size();
  network.deliver({to_engine::kind::welcome, second, 0, 0, std::nullopt});
  network.deliver(
      {to_engine::kind::report, third, 0, 1, launcher_event{launcher_event::connected{}}});
  CHECK(sent.size() == before);
  CHECK(heard.size() == 2);
  launcher.close();
}

} // namespace
