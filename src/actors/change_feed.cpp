#include "pinion/actors/change_feed.hpp"

namespace pinion {

namespace {

constexpr bool is_told(family in) noexcept {
  return in != family::meta && in != family::outputs && in != family::live && in != family::index;
}

} // namespace

void change_feed::listen(listener to) {
  const std::lock_guard lock{mutex_};
  to_ = to ? std::make_shared<const listener>(std::move(to)) : nullptr;
  heard_ = to_ != nullptr;
}

std::vector<row_change> change_feed::changes_of(const kv_batch& batch) {
  std::vector<row_change> rows;
  for (const auto& write : batch.writes)
    if (is_told(write.in))
      rows.push_back({write.in, write.key});
  return rows;
}

void change_feed::publish(std::uint64_t commit, std::vector<row_change> rows) const {
  std::shared_ptr<const listener> to;
  {
    const std::lock_guard lock{mutex_};
    to = to_;
  }
  if (to)
    (*to)(commit, std::move(rows));
}

} // namespace pinion
