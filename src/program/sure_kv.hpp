#pragma once

#include "pinion/storage/kv.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace pinion {

/// The store as the engine's actors see it. A read that the disk refuses ends the engine: to go on
/// as if the row were not there could start something twice or forget it. Answers to people are
/// read from snapshots: those fail alone. Rows that are damaged are told as such to whoever asks.
/// It counts the rows it gives out, so that a start can tell how many it took.
class sure_kv final : public kv_port {
public:
  using fatal = std::function<void(const std::string& why)>;

  sure_kv(kv_port& plain, fatal end) : plain_{plain}, end_{std::move(end)} {}

  result<std::optional<std::string>> get(family in, std::string_view key) const override {
    auto row = sure(plain_.get(in, key));
    if (row && row.assume_value())
      ++rows_read_;
    return row;
  }
  result<void> scan(family in, std::string_view from, std::string_view to,
                    const visitor& visit) const override {
    return sure(plain_.scan(in, from, to, counted(visit)));
  }
  result<void> scan_back(family in, std::string_view from, std::string_view to,
                         const visitor& visit) const override {
    return sure(plain_.scan_back(in, from, to, counted(visit)));
  }
  std::unique_ptr<kv_reader> snapshot() const override { return plain_.snapshot(); }
  void commit(kv_batch batch, committed done) override {
    plain_.commit(std::move(batch), std::move(done));
  }

  std::uint64_t rows_read() const noexcept { return rows_read_; }

private:
  visitor counted(const visitor& visit) const {
    return [this, &visit](std::string_view key, std::string_view value) {
      ++rows_read_;
      return visit(key, value);
    };
  }
  template <class T>
  result<T> sure(result<T> read) const {
    if (!read && read.assume_error().code == errc::storage_failure)
      end_("the disk refuses a read: " + read.assume_error().message);
    return read;
  }

  kv_port& plain_;
  fatal end_;
  mutable std::atomic<std::uint64_t> rows_read_{0};
};

} // namespace pinion
