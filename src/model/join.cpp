#include "pinion/model/join.hpp"

#include "pinion/model/ids.hpp"

namespace pinion {
namespace {

using enum join_decision;

join_decision all_success(const join_counts& c, std::uint32_t element) noexcept {
  if (c.upstream_failed + c.failed > 0)
    return upstream_fail;
  if (c.skipped > 0)
    return skip;
  if (c.removed > 0 && c.success > 0 && element != no_element && element >= c.success)
    return remove;
  return c.success + c.removed >= c.total ? run : wait;
}

join_decision all_done_min_one_success(const join_counts& c) noexcept {
  if (c.skipped > 0)
    return skip;
  if (c.done() < c.total)
    return wait;
  return c.success > 0 ? run : upstream_fail;
}

join_decision all_done_setup_success(const join_counts& c) noexcept {
  if (c.done() < c.total)
    return wait;
  if (c.setup_total == 0 || c.setup_success > 0)
    return run;
  return c.setup_skipped >= c.setup_total ? skip : upstream_fail;
}

join_decision one_success(const join_counts& c) noexcept {
  if (c.success > 0)
    return run;
  if (c.done() < c.total)
    return wait;
  return c.done() == c.skipped ? skip : upstream_fail;
}

/// For the rules that start with the first upstream of a kind and are skipped if none comes.
join_decision first_of(const join_counts& c, std::uint32_t of_kind) noexcept {
  if (of_kind > 0)
    return run;
  return c.done() >= c.total ? skip : wait;
}

join_decision none_failed(const join_counts& c, join_decision all_skipped) noexcept {
  if (c.upstream_failed + c.failed > 0)
    return upstream_fail;
  if (c.total > 0 && c.skipped == c.total)
    return all_skipped;
  return c.success + c.skipped + c.removed >= c.total ? run : wait;
}

} // namespace

void join_counts::add(upstream_class of, std::uint32_t by) noexcept {
  switch (of) {
  case upstream_class::pending:
    break;
  case upstream_class::success:
    success += by;
    break;
  case upstream_class::skipped:
    skipped += by;
    break;
  case upstream_class::failed:
    failed += by;
    break;
  case upstream_class::upstream_failed:
    upstream_failed += by;
    break;
  case upstream_class::removed:
    removed += by;
    break;
  }
}

void join_counts::add_setup(upstream_class of, std::uint32_t by) noexcept {
  if (of == upstream_class::success)
    setup_success += by;
  else if (of == upstream_class::skipped)
    setup_skipped += by;
}

join_decision decide_join(join_rule rule, const join_counts& c, std::uint32_t element) noexcept {
  // Nothing upstream: every rule is met. Airflow comes to the same by not asking the rule at all.
  if (c.total == 0)
    return run;
  const bool done = c.done() >= c.total;
  switch (rule) {
  case join_rule::all_success:
    return all_success(c, element);
  case join_rule::all_failed:
    if (c.success + c.skipped > 0)
      return skip;
    return c.failed + c.upstream_failed + c.removed >= c.total ? run : wait;
  case join_rule::all_done:
    return done ? run : wait;
  case join_rule::all_done_min_one_success:
    return all_done_min_one_success(c);
  case join_rule::all_done_setup_success:
    return all_done_setup_success(c);
  case join_rule::one_success:
    return one_success(c);
  case join_rule::one_failed:
    return first_of(c, c.failed + c.upstream_failed);
  case join_rule::one_done:
    return first_of(c, c.success + c.failed);
  case join_rule::none_failed:
    return none_failed(c, run);
  case join_rule::none_failed_min_one_success:
    return none_failed(c, skip);
  case join_rule::none_skipped:
    if (c.skipped > 0)
      return skip;
    return done ? run : wait;
  case join_rule::all_skipped:
    if (c.success + c.failed + c.upstream_failed > 0)
      return skip;
    return c.skipped + c.removed >= c.total ? run : wait;
  case join_rule::always:
    return run;
  }
  return wait;
}

} // namespace pinion
