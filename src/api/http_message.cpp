#include "pinion/api/http_message.hpp"

#include "api/json.hpp"

namespace pinion {

unsigned http_status(errc code) noexcept {
  switch (code) {
  case errc::none:
    return 200;
  case errc::invalid:
    return 400;
  case errc::not_found:
    return 404;
  case errc::refused:
  case errc::exists:
  case errc::in_use:
  case errc::stale_writer:
    return 409;
  case errc::limit:
    return 422;
  case errc::unavailable:
    return 503;
  case errc::storage_failure:
  case errc::corrupt:
  case errc::newer_format:
  case errc::os_failure:
  case errc::internal:
    return 500;
  }
  return 500;
}

http_reply error_reply(unsigned status, const problem& why) {
  http_reply reply;
  reply.status = status;
  reply.body = to_text(json{{"error", error_object(why)}});
  return reply;
}

http_reply error_reply(const problem& why) { return error_reply(http_status(why.code), why); }

} // namespace pinion
