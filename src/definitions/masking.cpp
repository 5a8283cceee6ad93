#include "definitions/masking.hpp"

#include "definitions/quoting.hpp"

#include <algorithm>

namespace pinion {

secret_mask::secret_mask(const std::map<std::string, std::string>& used) {
  for (const auto& [name, value] : used) {
    if (value.empty())
      continue;
    values_.push_back(value);
    for (const auto place : {shell_place::single_quoted, shell_place::double_quoted})
      if (auto quoted = quote_for_shell(value, place, false); quoted && quoted.value() != value)
        values_.push_back(std::move(quoted.value()));
  }
  std::sort(values_.begin(), values_.end(), [](const auto& a, const auto& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
}

std::string secret_mask::apply(std::string text) const {
  for (const auto& value : values_) {
    std::string out;
    std::size_t begin = 0;
    for (auto at = text.find(value); at != std::string::npos; at = text.find(value, begin)) {
      out.append(text, begin, at - begin).append("***");
      begin = at + value.size();
    }
    if (begin > 0)
      text = out.append(text, begin);
  }
  return text;
}

} // namespace pinion
