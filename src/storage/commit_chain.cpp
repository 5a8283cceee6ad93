#include "storage/commit_chain.hpp"

#include "pinion/storage/keys.hpp"
#include "pinion/storage/kv.hpp"
#include "storage/byte_order.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace pinion {
namespace {

constexpr std::string_view label = "commits";

/// Reads the numbers of one group.
struct range_reader final : rocksdb::WriteBatch::Handler {
  explicit range_reader(std::uint32_t family) : meta{family} {}

  void LogData(const rocksdb::Slice& blob) override {
    const auto bytes = blob.ToStringView();
    if (bytes.size() == label.size() + 8 && bytes.starts_with(label))
      first = read_little(bytes.substr(label.size()));
  }
  rocksdb::Status PutCF(std::uint32_t in, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override {
    if (in == meta && key.ToStringView() == keys::commits && value.size() == 8)
      last = read_little(value.ToStringView());
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(std::uint32_t /*in*/, const rocksdb::Slice& /*key*/) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status MergeCF(std::uint32_t /*in*/, const rocksdb::Slice& /*key*/,
                          const rocksdb::Slice& /*value*/) override {
    return rocksdb::Status::OK();
  }

  std::uint32_t meta;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

} // namespace

void put_first(rocksdb::WriteBatch& group, std::uint64_t first) {
  // Fails only for a batch with a size limit.
  group.PutLogData(std::string{label} + little_u64(first));
}

void commit_chain::ColumnFamilyLogNumberMap(const std::map<std::uint32_t, std::uint64_t>& /*logs*/,
                                            const std::map<std::string, std::uint32_t>& families) {
  const auto at = families.find(std::string{to_string(family::meta)});
  meta_ = at == families.end() ? 0 : at->second;
}

rocksdb::WalFilter::WalProcessingOption
commit_chain::LogRecordFound(unsigned long long /*number*/, const std::string& file,
                             const rocksdb::WriteBatch& batch, rocksdb::WriteBatch* /*changed*/,
                             bool* /*is_changed*/) {
  range_reader reader{meta_};
  if (!batch.Iterate(&reader).ok())
    return WalProcessingOption::kCorruptedRecord;
  if (replayed_)
    return reader.first > *replayed_ ? WalProcessingOption::kStopReplay
                                     : WalProcessingOption::kContinueProcessing;
  if (reader.last != 0) // A format's first row belongs to no commit.
    add({reader.first, reader.last, std::filesystem::path{file}.filename().string()});
  return WalProcessingOption::kIgnoreCurrentRecord;
}

void commit_chain::add(const range& found) {
  if (!ranges_.empty() && ranges_.back().file == found.file &&
      (found.first == 0 || ranges_.back().last + 1 == found.first))
    ranges_.back().last = std::max(ranges_.back().last, found.last);
  else
    ranges_.push_back(found);
}

std::uint64_t commit_chain::last_after(std::uint64_t flushed) const {
  for (const auto& each : ranges_) {
    if (each.first > flushed + 1)
      break;
    flushed = std::max(flushed, each.last);
  }
  return flushed;
}

std::optional<commit_gap> commit_chain::gap_after(std::uint64_t flushed) const {
  const auto last = last_after(flushed);
  for (const auto& each : ranges_)
    if (each.first > last + 1)
      return commit_gap{last + 1, each.first - 1, each.file};
  return std::nullopt;
}

} // namespace pinion
