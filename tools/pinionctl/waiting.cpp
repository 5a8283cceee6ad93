#include "waiting.hpp"

#include "show.hpp"

#include <algorithm>

namespace pinion::ctl {
namespace {

using steady = std::chrono::steady_clock;
using milliseconds = std::chrono::milliseconds;

bool has_ended(const json& run) {
  const auto state = text_of(run, "state");
  return state == "success" || state == "failed" || state == "cancelled" || state == "skipped";
}

/// Tells each change of the run's counts, on standard error.
class progress {
public:
  explicit progress(console& out) : out_{out} {}
  void show(const json& run) {
    const auto text =
        text_of(run, "id") + ' ' + text_of(run, "state") + "  " + cell_of(run, "counts");
    if (text != last_)
      out_.note(text);
    last_ = text;
  }

private:
  console& out_;
  std::string last_;
};

} // namespace

waited wait_for(session& now, json run, milliseconds patience) {
  const auto until = steady::now() + patience;
  progress told{now.out};
  while (!has_ended(run)) {
    told.show(run);
    // Short polls while someone watches, so that progress is seen.
    auto ask = milliseconds{2000};
    if (patience.count() >= 0)
      ask = std::min(ask, std::chrono::duration_cast<milliseconds>(until - steady::now()));
    if (ask.count() <= 0)
      return {std::move(run), exit_code::wait_ran_out};
    try {
      run = now.engine.get("/api/v1/runs/" + text_of(run, "id") + "/wait",
                           {{"timeout_ms", std::to_string(ask.count())}});
    } catch (const failure& lost) {
      now.out.note(text_of(lost.error, "message"));
      return {std::move(run), lost.code};
    }
  }
  told.show(run);
  const bool well = text_of(run, "state") == "success" || text_of(run, "state") == "skipped";
  return {std::move(run), well ? exit_code::done : exit_code::failed};
}

} // namespace pinion::ctl
