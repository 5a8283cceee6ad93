#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/storage/store_reader.hpp"
#include "pinion/timing/problem.hpp"

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace pinion {

/// Versions of workflows, read from their canonical form once. They never change, so nothing is
/// ever stale; the least recently used go when all together have too many tasks. From any thread.
class definition_cache {
public:
  using definition_ptr = std::shared_ptr<const workflow_definition>;

  /// `most_tasks`: of all kept versions together.
  explicit definition_cache(std::size_t most_tasks = 400'000) : most_tasks_{most_tasks} {}

  /// Fails with `errc::not_found` if there is no such version, or with the store's error.
  result<definition_ptr> get(const store_reader& rows, const std::string& workflow,
                             std::uint32_t version);

private:
  using key = std::pair<std::string, std::uint32_t>;
  struct entry {
    key of;
    definition_ptr definition;
  };
  void keep(entry made);

  const std::size_t most_tasks_;
  std::mutex guard_;
  std::list<entry> recent_; ///< The most recently used first.
  std::map<key, std::list<entry>::iterator> by_key_;
  std::size_t tasks_ = 0;
};

} // namespace pinion
