#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace pinion {

/// Makes of frames that may be lost, repeated and reordered a stream that comes whole, in order and
/// once: numbers, a cumulative acknowledgement, and everything unacknowledged sent again. One for
/// each session; it does no I/O and knows no time.
template <class Out, class In>
class ordered_stream {
public:
  /// So far ahead of its turn something is kept; what is farther ahead is dropped and comes again.
  static constexpr std::uint64_t most_early = 10'000;

  /// Numbers what is to be sent.
  std::uint64_t push(Out what) {
    sent_.emplace(++last_, std::move(what));
    return last_;
  }
  /// The other side has all up to this number.
  void acknowledged(std::uint64_t upto) { sent_.erase(sent_.begin(), sent_.upper_bound(upto)); }
  /// What it may not have, ascending.
  const std::map<std::uint64_t, Out>& unacknowledged() const noexcept { return sent_; }

  /// Takes what came under `number` and returns what can be dealt with now, in order.
  std::vector<In> take(std::uint64_t number, In what) {
    std::vector<In> out;
    if (number <= received_ || number > received_ + most_early)
      return out;
    early_.emplace(number, std::move(what));
    for (auto at = early_.begin(); at != early_.end() && at->first == received_ + 1;
         at = early_.erase(at)) {
      ++received_;
      out.push_back(std::move(at->second));
    }
    return out;
  }
  /// All up to this number have come.
  std::uint64_t received() const noexcept { return received_; }

private:
  std::map<std::uint64_t, Out> sent_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, In> early_;
  std::uint64_t received_ = 0;
};

} // namespace pinion
