#include <algorithm>
#include <catch2/catch.hpp>
#include <pinion/model/ids.hpp>
#include <pinion/model/join.hpp>
#include <rapidcheck.h>
#include <vector>

using namespace pinion;
using uc = upstream_class;
using jd = join_decision;

namespace {

struct upstream {
  uc state = uc::pending;
  bool setup = false;
};

/// Airflow's table (trigger_rule_dep.py, 3.x) read line by line over the list of upstreams: first
/// the column "set a terminal state now", then the column "runnable when".
class slow_table {
public:
  slow_table(const std::vector<upstream>& all, std::uint32_t element)
      : all_(all), element_(element) {}

  jd decide(join_rule rule) const {
    const auto now = set_now(rule);
    if (now != jd::wait)
      return now;
    return runnable(rule) ? jd::run : jd::wait;
  }

private:
  std::size_t n() const { return all_.size(); }
  std::size_t of(uc state) const {
    return static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [&](auto& u) { return u.state == state; }));
  }
  std::size_t setups(uc state) const {
    return static_cast<std::size_t>(std::count_if(
        all_.begin(), all_.end(), [&](auto& u) { return u.setup && u.state == state; }));
  }
  std::size_t setups() const {
    return static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [](auto& u) { return u.setup; }));
  }
  bool done() const { return of(uc::pending) == 0; }

  jd set_now(join_rule rule) const {
    const auto s = of(uc::success), k = of(uc::skipped), f = of(uc::failed),
               u = of(uc::upstream_failed), r = of(uc::removed);
    switch (rule) {
    case join_rule::all_success:
      if (u > 0 || f > 0)
        return jd::upstream_fail;
      if (k > 0)
        return jd::skip;
      return r > 0 && s > 0 && element_ != no_element && element_ >= s ? jd::remove : jd::wait;
    case join_rule::all_failed:
      return s > 0 || k > 0 ? jd::skip : jd::wait;
    case join_rule::all_done_min_one_success:
      if (k > 0)
        return jd::skip;
      return done() && s == 0 ? jd::upstream_fail : jd::wait;
    case join_rule::all_done_setup_success:
      if (done() && setups() > 0 && setups(uc::skipped) >= setups())
        return jd::skip;
      return done() && setups() > 0 && setups(uc::success) == 0 ? jd::upstream_fail : jd::wait;
    case join_rule::one_success:
      if (done() && k == n())
        return jd::skip;
      return done() && s == 0 ? jd::upstream_fail : jd::wait;
    case join_rule::one_failed:
      return done() && f + u == 0 ? jd::skip : jd::wait;
    case join_rule::one_done:
      return done() && s + f == 0 ? jd::skip : jd::wait;
    case join_rule::none_failed:
      return u > 0 || f > 0 ? jd::upstream_fail : jd::wait;
    case join_rule::none_failed_min_one_success:
      if (u > 0 || f > 0)
        return jd::upstream_fail;
      return k == n() ? jd::skip : jd::wait;
    case join_rule::none_skipped:
      return k > 0 ? jd::skip : jd::wait;
    case join_rule::all_skipped:
      return s + f + u > 0 ? jd::skip : jd::wait;
    case join_rule::all_done:
    case join_rule::always:
      return jd::wait;
    }
    return jd::wait;
  }

  bool runnable(join_rule rule) const {
    const auto s = of(uc::success), k = of(uc::skipped), f = of(uc::failed),
               u = of(uc::upstream_failed), r = of(uc::removed);
    switch (rule) {
    case join_rule::all_success:
      return n() - s - r == 0;
    case join_rule::all_failed:
      return n() - f - u - r == 0;
    case join_rule::all_done:
      return done();
    case join_rule::all_done_min_one_success:
      return k == 0 && done() && s >= 1;
    case join_rule::all_done_setup_success:
      return done() && (setups() == 0 || setups(uc::success) >= 1);
    case join_rule::one_success:
      return s >= 1;
    case join_rule::one_failed:
      return f + u >= 1;
    case join_rule::one_done:
      return s + f >= 1;
    case join_rule::none_failed:
    case join_rule::none_failed_min_one_success:
      return n() - s - k - r == 0;
    case join_rule::none_skipped:
      return done() && k == 0;
    case join_rule::all_skipped:
      return n() - k - r == 0;
    case join_rule::always:
      return true;
    }
    return false;
  }

  const std::vector<upstream>& all_;
  std::uint32_t element_;
};

join_counts counted(const std::vector<upstream>& all) {
  join_counts counts;
  counts.total = static_cast<std::uint32_t>(all.size());
  for (const auto& one : all) {
    counts.add(one.state, 1);
    counts.setup_total += one.setup ? 1 : 0;
    counts.setup_success += one.setup && one.state == uc::success ? 1 : 0;
    counts.setup_skipped += one.setup && one.state == uc::skipped ? 1 : 0;
  }
  return counts;
}

} // namespace

TEST_CASE("a join decided by counters agrees with a rescan of its upstreams", "[join]") {
  CHECK(rc::check([] {
    const auto count = *rc::gen::inRange<std::size_t>(1, 7);
    std::vector<upstream> all(count);
    for (auto& one : all) {
      one.state = static_cast<uc>(*rc::gen::inRange(0, 6));
      one.setup = *rc::gen::inRange(0, 4) == 0;
    }
    const auto element = *rc::gen::element(no_element, 0U, 1U, 3U);
    for (int rule = 0; rule <= static_cast<int>(join_rule::always); ++rule)
      RC_ASSERT(decide_join(static_cast<join_rule>(rule), counted(all), element) ==
                slow_table(all, element).decide(static_cast<join_rule>(rule)));
  }));
}

TEST_CASE("once all upstreams are done no join waits", "[join]") {
  CHECK(rc::check([] {
    const auto count = *rc::gen::inRange<std::size_t>(0, 7);
    std::vector<upstream> all(count);
    for (auto& one : all)
      one.state = static_cast<uc>(*rc::gen::inRange(1, 6));
    for (int rule = 0; rule <= static_cast<int>(join_rule::always); ++rule)
      RC_ASSERT(decide_join(static_cast<join_rule>(rule), counted(all), no_element) != jd::wait);
  }));
}

TEST_CASE("some joins do not wait for what cannot change them", "[join]") {
  const auto with = [](std::vector<uc> states) {
    std::vector<upstream> all;
    for (const auto state : states)
      all.push_back({state, false});
    return counted(all);
  };
  CHECK(decide_join(join_rule::all_success, with({uc::failed, uc::pending}), no_element) ==
        jd::upstream_fail);
  CHECK(decide_join(join_rule::all_success, with({uc::skipped, uc::pending}), no_element) ==
        jd::skip);
  CHECK(decide_join(join_rule::one_success, with({uc::success, uc::pending}), no_element) ==
        jd::run);
  CHECK(decide_join(join_rule::one_failed, with({uc::upstream_failed, uc::pending}), no_element) ==
        jd::run);
  CHECK(decide_join(join_rule::always, with({uc::pending, uc::pending}), no_element) == jd::run);
  CHECK(decide_join(join_rule::all_done, with({uc::failed, uc::pending}), no_element) == jd::wait);
  CHECK(decide_join(join_rule::all_failed, {}, no_element) == jd::run);
}
