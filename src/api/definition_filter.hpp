#pragma once

#include "api/query.hpp"
#include "pinion/model/definition.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// Conditions on a thing that only the definition of its workflow answers: owner and labels.
class definition_filter {
public:
  static result<definition_filter> from(const http_request& request) {
    BOOST_OUTCOME_TRY(labels, query_labels(request));
    return definition_filter{query_text(request, "owner"), std::move(labels)};
  }
  bool empty() const { return owner_.empty() && labels_.empty(); }
  bool passes(const workflow_definition& definition) const {
    const auto has = [&](const auto& label) {
      return std::find(definition.labels.begin(), definition.labels.end(), label) !=
             definition.labels.end();
    };
    return (owner_.empty() || owner_ == definition.owner) &&
           std::all_of(labels_.begin(), labels_.end(), has);
  }

private:
  using labels = std::vector<std::pair<std::string, std::string>>;
  definition_filter(std::string owner, labels wanted)
      : owner_{std::move(owner)}, labels_{std::move(wanted)} {}
  std::string owner_;
  labels labels_;
};

} // namespace pinion
