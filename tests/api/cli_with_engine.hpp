#pragma once

#include "api_fixture.hpp"
#include "cli_program.hpp"
#include "pinion/api/http_server.hpp"

#include <memory>
#include <string>

namespace pinion::testing {

/// pinionctl against the API over a fake engine. One call after another: the engine is asked on the
/// server's thread only while pinionctl waits.
class cli_with_engine : public api_fixture, public cli_fixture {
public:
  cli_with_engine() {
    auto started = http_server::start({socket(), {}}, api, std::make_shared<handler_pool>(1));
    REQUIRE(started);
    server_ = std::move(started.value());
  }

  json document(const std::string& arguments) {
    const auto seen = run(arguments + " -o json");
    CAPTURE(seen.err);
    CHECK(seen.code == 0);
    return json::parse(seen.out, nullptr, false);
  }

private:
  std::unique_ptr<http_server> server_;
};

} // namespace pinion::testing
