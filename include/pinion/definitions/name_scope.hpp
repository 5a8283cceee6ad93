#pragma once

#include "pinion/definitions/expression_value.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace pinion {

/// A name as an expression uses it: `inputs['read-file'].path` is {"inputs", "read-file", "path"}.
struct name_reference {
  std::size_t offset = 0;        ///< Of the root name, in the expression's text.
  std::vector<std::string> path; ///< Root, then the keys that are known without evaluating.
  bool computed = false;         ///< A further key or index follows that must be evaluated.
  bool has_default = false;      ///< Stands left of `??`: absence is no error.
};

/// What a scope says about a reference: the value of its first `used` parts. The evaluator takes
/// the rest of the path out of the value.
struct resolved_name {
  expression_value value;
  std::size_t used = 1;
};

/// Where names get their values. Lazy: only what an expression mentions is looked up.
class name_scope {
public:
  virtual ~name_scope() = default;
  /// Fails with `errc::not_found`, a sentence and a suggestion where no such name is; that failure
  /// alone is what `??` replaces.
  virtual result<resolved_name> resolve(const name_reference& name) const = 0;
  /// The zone in which instants print and date functions count.
  virtual zone local_zone() const = 0;
};

} // namespace pinion
