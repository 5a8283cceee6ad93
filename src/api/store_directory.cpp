#include "api/store_directory.hpp"

namespace pinion {

const workflow_definition* store_directory::find(std::string_view id) {
  if (const auto known = known_.find(id); known != known_.end())
    return known->second.get();
  definition_cache::definition_ptr found;
  if (const auto row = view_.rows.workflow(id); row && row.value() && !row.value()->retired)
    if (auto read = view_.definition(row.value()->id, row.value()->version))
      found = std::move(read.value());
  return known_.emplace(std::string{id}, std::move(found)).first->second.get();
}

instant store_directory::rule_from(std::string_view workflow) const {
  const auto from = view_.rows.rule_from(workflow);
  return from ? from.value() : never;
}

} // namespace pinion
