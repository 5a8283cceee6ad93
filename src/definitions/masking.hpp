#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// Hides the values of secrets in text that is stored and shown.
class secret_mask {
public:
  /// `used`: values by name; empty ones hide nothing.
  explicit secret_mask(const std::map<std::string, std::string>& used);

  /// `text` with every occurrence of a secret, and of its form inside shell quotes, as `***`. The
  /// longest secret wins where one is part of another.
  std::string apply(std::string text) const;

private:
  std::vector<std::string> values_; ///< Longest first.
};

} // namespace pinion
