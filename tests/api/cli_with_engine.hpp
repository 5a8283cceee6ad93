#pragma once

#include "api_fixture.hpp"
#include "cli_program.hpp"
#include "pinion/api/handler_pool.hpp"
#include "pinion/api/http_server.hpp"

#include <memory>
#include <string>

namespace pinion::testing {

/// pinionctl against the API over a fake engine. One call after another: the engine is asked on the
/// server's thread only while pinionctl waits.
class cli_with_engine : public api_fixture, public cli_fixture {
public:
  cli_with_engine() {
    auto started = http_server::start({socket(), {}}, api, pool_);
    REQUIRE(started);
    server_ = std::move(started.value());
  }
  /// A handler that has answered may still be on its way out: the pool must not end on its thread.
  ~cli_with_engine() {
    server_.reset();
    pool_->stop();
  }

  json document(const std::string& arguments) {
    const auto seen = run(arguments + " -o json");
    CAPTURE(seen.err);
    CHECK(seen.code == 0);
    return json::parse(seen.out, nullptr, false);
  }

private:
  std::shared_ptr<handler_pool> pool_ = std::make_shared<handler_pool>(1);
  std::unique_ptr<http_server> server_;
};

} // namespace pinion::testing
