#pragma once

#include "pinion/definitions/name_scope.hpp"
#include "pinion/timing/instant_text.hpp"

#include <map>
#include <string>

namespace pinion {

/// Names from a map; `slot` is 2026-11-20T02:00 in Shanghai.
struct map_scope final : name_scope {
  std::map<std::string, nlohmann::json> values;
  zone in = zone::load("Asia/Shanghai").value();
  instant slot = parse_instant("2026-11-20T02:00", in).value();

  result<resolved_name> resolve(const name_reference& name) const override {
    if (name.path.front() == "slot")
      return resolved_name{slot, 1};
    const auto at = values.find(name.path.front());
    if (at == values.end())
      return problem{errc::not_found, "unknown name `" + name.path.front() + "`", ""};
    return resolved_name{at->second, 1};
  }
  zone local_zone() const override { return in; }
};

} // namespace pinion
