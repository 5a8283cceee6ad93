#pragma once

#include "pinion/storage/kv.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// What a commit makes durable, in the words by which a test names the moment of a crash: one for
/// each persisted boundary of the engine. A group of commits may be several of them.
std::vector<std::string_view> points_of(const kv_batch& batch);

/// All words that `points_of` knows.
std::vector<std::string_view> all_crash_points();

/// Where to end the process, from the variable PINION_CRASH: "POINT before|after NTH GATE".
struct crash_order {
  std::string point;
  bool before = true; ///< Nothing of the commit is on disk; else all is, and nobody was told.
  unsigned nth = 1;   ///< Of the commits that are such a point, in the life of a process.
  std::string gate;   ///< A file: the order stands while it exists, and is removed by the crash.
};

/// Passes everything on to `to`, and ends the process by SIGKILL where `order` says.
class crashing_kv final : public kv_port {
public:
  crashing_kv(kv_port& to, crash_order order) : to_{to}, order_{std::move(order)} {}

  result<std::optional<std::string>> get(family in, std::string_view key) const override {
    return to_.get(in, key);
  }
  result<void> scan(family in, std::string_view from, std::string_view to,
                    const visitor& visit) const override {
    return to_.scan(in, from, to, visit);
  }
  result<void> scan_back(family in, std::string_view from, std::string_view to,
                         const visitor& visit) const override {
    return to_.scan_back(in, from, to, visit);
  }
  std::unique_ptr<kv_reader> snapshot() const override { return to_.snapshot(); }
  void commit(kv_batch batch, committed done) override;

private:
  bool is_ordered(const kv_batch& batch);
  void crash() const;

  kv_port& to_;
  const crash_order order_;
  unsigned seen_ = 0; ///< Of the one thread that commits.
};

} // namespace pinion
