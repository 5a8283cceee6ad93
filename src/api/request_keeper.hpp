#pragma once

#include "api/api_state.hpp"
#include "pinion/api/router.hpp"
#include "pinion/storage/kept_requests.hpp"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// Lets changes be asked for again: a request with an `Idempotency-Key` is carried out once, and
/// whoever asks again, of the same user and with the same key, gets its first answer, also after a
/// restart (draft-ietf-httpapi-idempotency-key-header-07). The commit of the change itself holds
/// the mark that it was made (`kept_request`), the answer follows before it is sent; so a crash
/// leaves either nothing, or a mark by which a repetition is told what became of the request.
///
/// Kept are answers 2xx and the refusals 404, 409, 412 and 422. After any other nothing was done,
/// and the key may be used anew; unless nobody knows what was done, which is then said. From any
/// thread.
class request_keeper : public std::enable_shared_from_this<request_keeper> {
public:
  static constexpr std::size_t longest_key = 255; ///< Visible ASCII characters.
  static constexpr std::chrono::hours kept_for{24};
  /// The oldest go when there are more, or when their answers take up more bytes.
  static constexpr std::size_t most_kept = 10'000;
  static constexpr std::uint64_t most_bytes = 64ULL << 20U;
  /// Of one answer; a larger one is not kept, only that it was given.
  static constexpr std::size_t largest_answer = std::size_t{1} << 20U;

  explicit request_keeper(api_ptr state) : state_{std::move(state)} {}

  /// `usual`; where it changes something, its requests can be repeated.
  route repeatable(route usual);

private:
  using name = std::pair<std::string, std::string>; ///< User and key.
  using answer_instead = std::function<void(const reply_function&)>;
  struct attempt {
    std::string fingerprint;
    bool unknown = false; ///< It was answered without anybody knowing what was done.
  };
  /// Requests that a new one puts out, which are at most so many.
  static constexpr std::size_t forgotten_at_once = 8;
  struct ticket;

  void handle(const route& usual, http_request request, const reply_function& reply);
  void carry_out(const route& usual, http_request request, std::shared_ptr<ticket> of,
                 const reply_function& reply);
  void answered(const std::shared_ptr<ticket>& of, http_reply answer, const reply_function& reply);
  /// How it is answered without being carried out; empty: it counts as under way from now on, and
  /// `forgotten` has what must be put out before.
  answer_instead take(const kept_request& asked, std::vector<kept_request>& forgotten);
  answer_instead again(const kept_request& before) const;
  bool exists(run_id run) const;
  result<void> load();
  void expire(instant now, std::vector<kept_request>& forgotten);
  void remember(const kept_request& kept);
  void put_out(const std::vector<kept_request>& forgotten);
  void settle(const kept_request& of, bool unknown);

  const api_ptr state_;
  std::mutex mutex_;
  bool loaded_ = false;
  std::map<name, attempt> under_way_;
  std::set<name> going_;                ///< Their rows are being erased.
  std::deque<kept_request_age> by_age_; ///< What has a row, or may have one; the oldest first.
  std::uint64_t bytes_ = 0;             ///< Of all their answers.
};

} // namespace pinion
