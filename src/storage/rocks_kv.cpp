#include "pinion/storage/rocks_kv.hpp"

#include "pinion/storage/codecs.hpp"
#include "pinion/storage/keys.hpp"
#include "storage/byte_order.hpp"
#include "storage/commit_chain.hpp"
#include "storage/commit_mirror.hpp"
#include "storage/rocks_open.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <rocksdb/write_batch.h>
#include <thread>
#include <vector>

namespace pinion {
namespace {

/// The most that one group of commits carries, so that the first of them is not kept waiting.
constexpr std::size_t group_bytes = std::size_t{16} << 20U;

/// RocksDB asserts that even an empty slice points somewhere.
rocksdb::Slice slice(std::string_view bytes) noexcept {
  return {bytes.empty() ? "" : bytes.data(), bytes.size()};
}

result<std::optional<std::string>> get_row(const rocks_database& parts,
                                           const rocksdb::ReadOptions& how, family in,
                                           std::string_view key) {
  std::string value;
  const auto status = parts.db->Get(how, parts.of(in), slice(key), &value);
  if (status.IsNotFound())
    return std::optional<std::string>{};
  if (!status.ok())
    return to_problem(status, "read the store");
  return std::optional{std::move(value)};
}

enum class direction : std::uint8_t { up, down };

result<void> visit_rows(const rocks_database& parts, rocksdb::ReadOptions how, direction way,
                        family in, std::string_view from, std::string_view to,
                        const kv_reader::visitor& visit) {
  if (!to.empty() && from >= to)
    return ok();
  const auto lower = slice(from);
  const auto upper = slice(to);
  how.iterate_lower_bound = from.empty() ? nullptr : &lower;
  how.iterate_upper_bound = to.empty() ? nullptr : &upper;
  const std::unique_ptr<rocksdb::Iterator> it{parts.db->NewIterator(how, parts.of(in))};
  way == direction::up ? it->SeekToFirst() : it->SeekToLast();
  while (it->Valid() && visit(it->key().ToStringView(), it->value().ToStringView()))
    way == direction::up ? it->Next() : it->Prev();
  if (!it->status().ok())
    return to_problem(it->status(), "read the store");
  return ok();
}

class rocks_reader final : public kv_reader {
public:
  explicit rocks_reader(const rocks_database& parts) : parts_{parts} {}

  result<std::optional<std::string>> get(family in, std::string_view key) const override {
    return get_row(parts_, {}, in, key);
  }
  result<void> scan(family in, std::string_view from, std::string_view to,
                    const visitor& visit) const override {
    return visit_rows(parts_, {}, direction::up, in, from, to, visit);
  }
  result<void> scan_back(family in, std::string_view from, std::string_view to,
                         const visitor& visit) const override {
    return visit_rows(parts_, {}, direction::down, in, from, to, visit);
  }

private:
  const rocks_database& parts_;
};

class rocks_snapshot final : public kv_reader {
public:
  explicit rocks_snapshot(const rocks_database& parts)
      : parts_{parts}, snapshot_{parts.db->GetSnapshot()} {
    how_.snapshot = snapshot_;
  }
  rocks_snapshot(const rocks_snapshot&) = delete;
  rocks_snapshot& operator=(const rocks_snapshot&) = delete;
  ~rocks_snapshot() override { parts_.db->ReleaseSnapshot(snapshot_); }

  result<std::optional<std::string>> get(family in, std::string_view key) const override {
    return get_row(parts_, how_, in, key);
  }
  result<void> scan(family in, std::string_view from, std::string_view to,
                    const visitor& visit) const override {
    return visit_rows(parts_, how_, direction::up, in, from, to, visit);
  }
  result<void> scan_back(family in, std::string_view from, std::string_view to,
                         const visitor& visit) const override {
    return visit_rows(parts_, how_, direction::down, in, from, to, visit);
  }

private:
  const rocks_database& parts_;
  const rocksdb::Snapshot* snapshot_;
  rocksdb::ReadOptions how_;
};

void append(rocksdb::WriteBatch& group, const rocks_database& parts, const kv_batch& batch) {
  for (const auto& write : batch.writes) {
    auto* in = parts.of(write.in);
    // These fail only for a batch with a size limit, which ours is not.
    switch (write.what) {
    case kv_write::kind::put:
      group.Put(in, write.key, write.value);
      break;
    case kv_write::kind::erase:
      group.Delete(in, write.key);
      break;
    case kv_write::kind::add:
      group.Merge(in, write.key, codecs::encode_counter(write.delta));
      break;
    }
  }
}

} // namespace

std::unique_ptr<kv_reader> make_reader(const rocks_database& parts) {
  return std::make_unique<rocks_reader>(parts);
}

struct rocks_kv::impl {
  struct waiting {
    kv_batch batch;
    committed done;
  };

  impl(std::unique_ptr<rocks_database> database, commit_mirror counter, durability how)
      : parts{std::move(database)}, mirror{std::move(counter)}, commits{parts->commits} {
    write_options.sync = how == durability::sync;
  }

  /// The committer's life: takes what waits, commits it in groups, calls back.
  void work() {
    std::deque<waiting> taken;
    for (;;) {
      {
        std::unique_lock lock{mutex};
        wake.wait(lock, [this] { return closing || !queue.empty(); });
        if (queue.empty())
          return;
        taken.swap(queue);
      }
      while (!taken.empty())
        commit_group(taken);
    }
  }

  /// Commits the oldest of `taken`, as many as fit in one group, and removes them.
  void commit_group(std::deque<waiting>& taken) {
    const auto first = commits + 1;
    rocksdb::WriteBatch group;
    put_first(group, first);
    std::size_t count = 0;
    while (count < taken.size() && (count == 0 || group.GetDataSize() < group_bytes))
      append(group, *parts, taken[count++].batch);
    const auto outcome = write(group, commits + count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto done = std::move(taken.front().done);
      taken.pop_front();
      if (outcome)
        done(first + i);
      else
        done(outcome.assume_error());
    }
  }

  /// Makes the group durable, its number last. What failed once never succeeds again: after a
  /// failed fsync the kernel may have dropped the pages, and a later success would prove nothing.
  result<void> write(rocksdb::WriteBatch& group, std::uint64_t number) {
    if (failure)
      return *failure;
    group.Put(parts->of(family::meta), slice(keys::commits), little_u64(number));
    const auto status = parts->db->Write(write_options, &group);
    if (!status.ok()) {
      no_room = status.IsNoSpace();
      failure = to_problem(status, "commit to the store");
      failure->code = errc::storage_failure;
      failed = true;
      return *failure;
    }
    commits = number;
    // Behind the database, never ahead of it; before the acknowledgement, so that it covers that.
    if (auto mirrored = mirror.write(number); !mirrored) {
      no_room = mirror.out_of_room();
      failure = std::move(mirrored).assume_error();
      failed = true;
      return *failure;
    }
    return ok();
  }

  result<void> flush() {
    std::vector<rocksdb::ColumnFamilyHandle*> all{parts->handles.begin(), parts->handles.end()};
    const auto status = parts->db->Flush({}, all);
    if (!status.ok())
      return to_problem(status, "flush the store");
    return ok();
  }

  std::unique_ptr<rocks_database> parts;
  std::thread committer;

  // Of the committer alone, once it runs.
  commit_mirror mirror;
  rocksdb::WriteOptions write_options;
  std::uint64_t commits;
  std::optional<problem> failure;
  std::atomic<bool> no_room{false}; ///< What `failure` came from.
  std::atomic<bool> failed{false};  ///< There is a `failure`; for other threads.

  std::mutex mutex; ///< Guards what follows.
  std::condition_variable wake;
  std::deque<waiting> queue;
  bool closing = false;
};

rocks_kv::rocks_kv(std::unique_ptr<impl> parts) noexcept : impl_{std::move(parts)} {}

result<std::unique_ptr<rocks_kv>> rocks_kv::open(const rocks_options& options) {
  BOOST_OUTCOME_TRY(mirror, commit_mirror::open(options.mirror, options.how));
  BOOST_OUTCOME_TRY(database, open_database(options, mirror));
  BOOST_OUTCOME_TRYV(mirror.start(database->commits));
  auto parts = std::make_unique<impl>(std::move(database), std::move(mirror), options.how);
  auto* running = parts.get();
  running->committer = std::thread{[running] { running->work(); }};
  std::unique_ptr<rocks_kv> kv{new rocks_kv{std::move(parts)}};
  BOOST_OUTCOME_TRY(upgraded, upgrade_store(*kv, options.steps));
  if (upgraded.from != upgraded.to)
    running->parts->notice +=
        (running->parts->notice.empty() ? "" : "; ") +
        ("the store was brought from format " + std::to_string(upgraded.from) + " to " +
         std::to_string(upgraded.to)) +
        ": an older Pinion cannot open it any more";
  return kv;
}

rocks_kv::~rocks_kv() {
  // A failed flush costs time at the next start, nothing else: the log has it all.
  static_cast<void>(close());
}

result<std::optional<std::string>> rocks_kv::get(family in, std::string_view key) const {
  return get_row(*impl_->parts, {}, in, key);
}

result<void> rocks_kv::scan(family in, std::string_view from, std::string_view to,
                            const visitor& visit) const {
  return visit_rows(*impl_->parts, {}, direction::up, in, from, to, visit);
}

result<void> rocks_kv::scan_back(family in, std::string_view from, std::string_view to,
                                 const visitor& visit) const {
  return visit_rows(*impl_->parts, {}, direction::down, in, from, to, visit);
}

std::unique_ptr<kv_reader> rocks_kv::snapshot() const {
  return std::make_unique<rocks_snapshot>(*impl_->parts);
}

void rocks_kv::commit(kv_batch batch, committed done) {
  {
    const std::lock_guard lock{impl_->mutex};
    if (!impl_->closing) {
      impl_->queue.push_back({std::move(batch), std::move(done)});
      done = nullptr;
    }
  }
  if (done)
    return done(problem{errc::unavailable, "the store is closed", {}});
  impl_->wake.notify_one();
}

result<void> rocks_kv::close() {
  {
    const std::lock_guard lock{impl_->mutex};
    impl_->closing = true;
  }
  impl_->wake.notify_one();
  if (!impl_->committer.joinable())
    return ok();
  impl_->committer.join();
  if (impl_->failure)
    return *impl_->failure;
  BOOST_OUTCOME_TRYV(impl_->flush());
  return mark_store(*impl_->parts, true);
}

result<store_figures> rocks_kv::figures() const { return figures_of(*impl_->parts); }

result<backup_record> rocks_kv::back_up(const std::filesystem::path& folder, std::uint32_t keep) {
  if (impl_->failed) // What RocksDB has of the log is unknown.
    return problem{errc::unavailable,
                   impl_->no_room ? "the disk of the store is full" : "the store has failed",
                   "ask for the backup again once the engine has started over"};
  return back_up_database(*impl_->parts, folder, keep);
}

bool rocks_kv::ran_out_of_room() const noexcept { return impl_->no_room; }

const std::string& rocks_kv::notice() const noexcept { return impl_->parts->notice; }

} // namespace pinion
