#include "pinion/storage/memory_kv.hpp"

#include "pinion/storage/codecs.hpp"
#include "pinion/storage/keys.hpp"
#include "pinion/storage/rocks_kv.hpp"
#include "storage/byte_order.hpp"

#include <algorithm>

namespace pinion {
namespace {

using rows = surviving_disk::rows;
using all_rows = std::array<std::shared_ptr<rows>, family_count>;

const rows& in_family(const all_rows& all, family in) { return *all[static_cast<std::size_t>(in)]; }

std::optional<std::string> find(const rows& from, std::string_view key) {
  const auto at = from.find(key);
  if (at == from.end())
    return std::nullopt;
  return at->second;
}

/// The rows with from <= key < to.
auto range(const rows& of, std::string_view from, std::string_view to) {
  const auto last = to.empty() ? of.end() : of.lower_bound(to);
  const auto first = !to.empty() && to <= from ? last : of.lower_bound(from);
  return std::pair{first, last};
}

void visit_up(const rows& of, std::string_view from, std::string_view to,
              const kv_reader::visitor& visit) {
  const auto [first, last] = range(of, from, to);
  for (auto at = first; at != last; ++at)
    if (!visit(at->first, at->second))
      return;
}

void visit_down(const rows& of, std::string_view from, std::string_view to,
                const kv_reader::visitor& visit) {
  const auto [first, last] = range(of, from, to);
  for (auto at = last; at != first;) {
    --at;
    if (!visit(at->first, at->second))
      return;
  }
}

class memory_snapshot final : public kv_reader {
public:
  explicit memory_snapshot(all_rows families) : families_{std::move(families)} {}

  result<std::optional<std::string>> get(family in, std::string_view key) const override {
    return find(in_family(families_, in), key);
  }
  result<void> scan(family in, std::string_view from, std::string_view to,
                    const visitor& visit) const override {
    visit_up(in_family(families_, in), from, to, visit);
    return ok();
  }
  result<void> scan_back(family in, std::string_view from, std::string_view to,
                         const visitor& visit) const override {
    visit_down(in_family(families_, in), from, to, visit);
    return ok();
  }

private:
  all_rows families_;
};

/// The rows of one family, ready to be changed: a copy if a snapshot shares them.
rows& writable(surviving_disk& disk, family in) {
  auto& held = disk.families[static_cast<std::size_t>(in)];
  if (held.use_count() > 1)
    held = std::make_shared<rows>(*held);
  return *held;
}

void apply_write(surviving_disk& disk, const kv_write& write) {
  auto& of = writable(disk, write.in);
  switch (write.what) {
  case kv_write::kind::put:
    of.insert_or_assign(write.key, write.value);
    return;
  case kv_write::kind::erase:
    of.erase(write.key);
    return;
  case kv_write::kind::add: {
    auto& value = of.try_emplace(write.key, codecs::encode_counter(0)).first->second;
    value = little_u64(read_little(value) + static_cast<std::uint64_t>(write.delta));
    return;
  }
  }
}

} // namespace

surviving_disk::surviving_disk() {
  for (auto& each : families)
    each = std::make_shared<rows>();
  families[static_cast<std::size_t>(family::meta)]->emplace(keys::format,
                                                            little_u64(rocks_kv::format));
}

memory_kv::memory_kv(std::shared_ptr<surviving_disk> disk, mode how)
    : disk_{std::move(disk)}, mode_{how} {}

result<std::optional<std::string>> memory_kv::get(family in, std::string_view key) const {
  return find(in_family(disk_->families, in), key);
}

result<void> memory_kv::scan(family in, std::string_view from, std::string_view to,
                             const visitor& visit) const {
  visit_up(in_family(disk_->families, in), from, to, visit);
  return ok();
}

result<void> memory_kv::scan_back(family in, std::string_view from, std::string_view to,
                                  const visitor& visit) const {
  visit_down(in_family(disk_->families, in), from, to, visit);
  return ok();
}

std::unique_ptr<kv_reader> memory_kv::snapshot() const {
  return std::make_unique<memory_snapshot>(disk_->families);
}

void memory_kv::commit(kv_batch batch, committed done) {
  if (crashed_)
    return;
  if (mode_ == mode::queued) {
    queue_.push_back({std::move(batch), std::move(done)});
    return;
  }
  const auto outcome = apply(batch);
  done(outcome);
}

bool memory_kv::release_next() {
  if (queue_.empty())
    return false;
  const auto next = std::move(queue_.front());
  queue_.pop_front();
  const auto outcome = apply(next.batch);
  next.done(outcome);
  return true;
}

void memory_kv::release_all() {
  while (release_next()) {
  }
}

void memory_kv::crash(std::size_t durable) {
  crashed_ = true;
  for (std::size_t i = 0; i < std::min(durable, queue_.size()); ++i)
    static_cast<void>(apply(queue_[i].batch));
  // Moved out first: destroying a callback may run code that looks at this port.
  const auto dropped = std::move(queue_);
  queue_.clear();
}

result<std::uint64_t> memory_kv::apply(const kv_batch& batch) {
  failed_ = failed_ || (fail_in_ > 0 && --fail_in_ == 0);
  if (failed_)
    return problem{errc::storage_failure, "the disk refused a commit (injected fault)", {}};
  for (const auto& write : batch.writes)
    apply_write(*disk_, write);
  ++disk_->commits;
  writable(*disk_, family::meta)
      .insert_or_assign(std::string{keys::commits}, little_u64(disk_->commits));
  return disk_->commits;
}

} // namespace pinion
