#pragma once

#include "api/query.hpp"
#include "pinion/model/records.hpp"
#include "pinion/storage/store_reader.hpp"

namespace pinion {

/// Which audit records a request asks for: of one thing and its parts, of some time.
class audit_query {
public:
  /// Reads `run` (else `workflow`, else `object`), `since`, `from` and `to`. Fails with
  /// `errc::invalid`.
  static result<audit_query> of(const http_request& request, instant now);

  bool passes(const audit_record& record) const;
  /// What the store can tell apart by itself: no less than what passes.
  const audit_filter& filter() const noexcept { return filter_; }

private:
  audit_filter filter_;
  time_range range_;
};

} // namespace pinion
