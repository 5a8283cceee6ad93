#include "api/definition_cache.hpp"

#include "pinion/definitions/canonical.hpp"

namespace pinion {

result<definition_cache::definition_ptr> definition_cache::get(const store_reader& rows,
                                                               const std::string& workflow,
                                                               std::uint32_t version) {
  {
    const std::lock_guard lock{guard_};
    if (const auto found = by_key_.find({workflow, version}); found != by_key_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->definition;
    }
  }
  BOOST_OUTCOME_TRY(row, rows.version(workflow, version));
  if (!row)
    return problem{errc::not_found,
                   "There is no version " + std::to_string(version) + " of '" + workflow + "'"};
  BOOST_OUTCOME_TRY(definition, from_canonical_json(row->definition));
  auto made = std::make_shared<const workflow_definition>(std::move(definition));
  keep({{workflow, version}, made});
  return made;
}

void definition_cache::keep(entry made) {
  const std::lock_guard lock{guard_};
  if (by_key_.contains(made.of))
    return;
  tasks_ += made.definition->tasks.size();
  recent_.push_front(std::move(made));
  by_key_[recent_.front().of] = recent_.begin();
  while (tasks_ > most_tasks_ && recent_.size() > 1) {
    tasks_ -= recent_.back().definition->tasks.size();
    by_key_.erase(recent_.back().of);
    recent_.pop_back();
  }
}

} // namespace pinion
