#include "definitions/diagnostic_sink.hpp"

#include "pinion/definitions/limits.hpp"

#include <algorithm>
#include <tuple>

namespace pinion::definitions {

namespace {

void sort_by_place(std::vector<diagnostic>& all) {
  std::stable_sort(all.begin(), all.end(), [](const diagnostic& a, const diagnostic& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  });
}

} // namespace

void diagnostic_sink::add(diagnostic what) {
  const bool is_error = what.level == severity::error;
  if (is_error)
    ++error_count_;
  auto& list = is_error ? found_.errors : found_.warnings;
  if (list.size() < definition_limits::errors)
    list.push_back(std::move(what));
}

diagnostic_sink::sorted diagnostic_sink::finish() {
  sort_by_place(found_.errors);
  sort_by_place(found_.warnings);
  if (error_count_ > found_.errors.size()) {
    const auto left = std::to_string(error_count_ - found_.errors.size());
    found_.errors.push_back({found_.errors.back().file, 1, 1, "and " + left + " more errors"});
  }
  return std::move(found_);
}

void reporter::error(std::size_t offset, std::string message, std::string suggestion) const {
  const auto at = file.place_of(offset);
  sink.add({file.path(), at.line, at.column, std::move(message), std::move(suggestion)});
}

void reporter::warning(std::size_t offset, std::string message, std::string suggestion) const {
  const auto at = file.place_of(offset);
  sink.add({file.path(), at.line, at.column, std::move(message), std::move(suggestion),
            severity::warning});
}

} // namespace pinion::definitions
