#include "pinion/storage/kv.hpp"

namespace pinion {

std::string_view to_string(family f) noexcept {
  switch (f) {
  case family::meta:
    return "meta";
  case family::definitions:
    return "definitions";
  case family::slots:
    return "slots";
  case family::runs:
    return "runs";
  case family::instances:
    return "instances";
  case family::attempts:
    return "attempts";
  case family::outputs:
    return "outputs";
  case family::permits:
    return "permits";
  case family::live:
    return "live";
  case family::index:
    return "index";
  case family::audit:
    return "audit";
  }
  return "unknown";
}

} // namespace pinion
