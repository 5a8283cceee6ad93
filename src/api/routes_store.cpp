#include "api/query.hpp"
#include "api/route_groups.hpp"
#include "api/store_objects.hpp"

#include <atomic>
#include <chrono>

namespace pinion::routes {
namespace {

/// Rows that a check over a running engine looks at: half a minute of one thread.
constexpr std::uint64_t usual_rows = 3'000'000;
constexpr std::uint64_t most_rows = 1'000'000'000;
constexpr std::uint32_t most_backups = 10'000;

/// Held while something long is under way that is done once at a time.
class turn {
public:
  explicit turn(std::atomic<bool>& busy) noexcept : busy_{busy}, mine_{!busy.exchange(true)} {}
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() {
    if (mine_)
      busy_ = false;
  }
  explicit operator bool() const noexcept { return mine_; }

private:
  std::atomic<bool>& busy_;
  const bool mine_;
};

result<json> verify(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {"rows"}));
  BOOST_OUTCOME_TRY(rows, query_number(request, "rows", 1, most_rows, usual_rows));
  const auto begin = std::chrono::steady_clock::now();
  const auto view = state.engine().store().snapshot();
  store_check_limits limits;
  limits.rows = rows;
  BOOST_OUTCOME_TRY(report, check_store(*view, definition_readers(), limits));
  return objects::store_check(
      report, std::chrono::duration_cast<duration>(std::chrono::steady_clock::now() - begin));
}

result<json> stats(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRYV(check_query(request, {}));
  const auto* keeper = state.handles.keeper;
  if (keeper == nullptr)
    return problem{errc::unavailable, "This engine's store is not on a disk", {}};
  BOOST_OUTCOME_TRY(figures, keeper->figures());
  const auto view = state.engine().store().snapshot();
  BOOST_OUTCOME_TRY(summary, summarize_store(*view));
  return objects::store_stats(figures, summary);
}

result<json> back_up(api_state& state, const http_request& request) {
  BOOST_OUTCOME_TRY(body, body_object(request, {"folder", "keep"}));
  BOOST_OUTCOME_TRY(folder, body_text(body, "folder"));
  auto* keeper = state.handles.keeper;
  if (keeper == nullptr)
    return problem{errc::unavailable, "This engine's store is not on a disk", {}};
  if (!folder.starts_with('/'))
    return problem{errc::invalid, "'folder' is not an absolute path: '" + folder + "'",
                   "The engine does not know where you are"};
  const auto keep = body.value("keep", json(0U));
  if (!keep.is_number_unsigned() || keep > most_backups)
    return problem{
        errc::invalid, "'keep' is a whole number from 1 to " + std::to_string(most_backups), {}};
  BOOST_OUTCOME_TRY(made, keeper->back_up(folder, keep.get<std::uint32_t>()));
  return objects::backup(made, folder);
}

/// `answer`, unless it is being answered to another.
http_handler one_at_a_time(const api_ptr& state,
                           result<json> (*answer)(api_state&, const http_request&)) {
  const auto busy = std::make_shared<std::atomic<bool>>(false);
  return answering(state, [busy, answer](api_state& with, const http_request& request) {
    const turn mine{*busy};
    if (!mine)
      return result<json>{problem{errc::refused, "Another one is under way", "Try again later"}};
    return answer(with, request);
  });
}

} // namespace

void add_store(std::vector<route>& table, const api_ptr& state) {
  table.push_back({"GET", "/api/v1/store/verify",
                   "Checks that all rows of the store fit together; at most `rows` of them.",
                   one_at_a_time(state, verify)});
  table.push_back({"GET", "/api/v1/store/stats", "What the store holds and what it takes up.",
                   answering(state, stats)});
  table.push_back({"POST", "/api/v1/store/backup",
                   "Adds a backup of this moment to `folder` and keeps the `keep` newest.",
                   one_at_a_time(state, back_up)});
}

} // namespace pinion::routes
