#include "api/audit_query.hpp"

#include <string_view>

namespace pinion {
namespace {

/// Is `object` the thing named, or a part of it? (`r12` is no part of `r1`.)
bool is_about(const std::string& object, const std::string& name) {
  return name.empty() || object == name ||
         (object.starts_with(name) &&
          std::string_view{"/:@#"}.find(object[name.size()]) != std::string_view::npos);
}

} // namespace

result<audit_query> audit_query::of(const http_request& request, instant now) {
  audit_query out;
  BOOST_OUTCOME_TRY(range, query_times(request, now, zone{}));
  out.range_ = range;
  out.filter_.since = range.from;
  for (const auto* name : {"object", "workflow", "run"})
    if (auto text = query_text(request, name); !text.empty())
      out.filter_.object_prefix = std::move(text);
  return out;
}

bool audit_query::passes(const audit_record& record) const {
  return is_about(record.object, filter_.object_prefix) && range_.contains(record.at);
}

} // namespace pinion
