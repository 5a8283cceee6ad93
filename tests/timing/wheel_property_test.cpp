#include <algorithm>
#include <catch2/catch.hpp>
#include <list>
#include <pinion/timing/wheel.hpp>
#include <rapidcheck.h>

using namespace pinion;

namespace {

/// What the wheel promises, done the slow way: a list ordered by tick, new entries behind their
/// equals.
class ordered_list {
public:
  explicit ordered_list(tick now) : now_{now} {}

  void arm(tick at, timer_id id, std::uint64_t payload) {
    const expired_timer fresh{std::max(at, now_), id, payload};
    const auto behind = std::find_if(entries_.begin(), entries_.end(),
                                     [&](const auto& e) { return e.at > fresh.at; });
    entries_.insert(behind, fresh);
  }

  bool cancel(timer_id id) {
    return std::erase_if(entries_, [id](const auto& e) { return e.id == id; }) > 0;
  }

  bool advance(tick now, std::size_t max_expired, std::vector<expired_timer>& out) {
    const auto until = std::max(now, now_);
    while (!entries_.empty() && entries_.front().at <= until) {
      if (max_expired-- == 0)
        return true;
      now_ = entries_.front().at;
      out.push_back(entries_.front());
      entries_.pop_front();
    }
    now_ = until;
    return false;
  }

  void rewind(tick now) {
    for (auto& e : entries_)
      if (e.at <= now_ && now < now_)
        e.at = now;
    now_ = std::min(now_, now);
  }

  std::optional<tick> next_due() const {
    return entries_.empty() ? std::nullopt : std::optional{entries_.front().at};
  }
  std::size_t size() const { return entries_.size(); }

private:
  tick now_;
  std::list<expired_timer> entries_;
};

/// A distance that is as often small as it is enormous.
tick any_distance() {
  const auto bits = *rc::gen::inRange(0, 46);
  return *rc::gen::inRange<tick>(0, (tick{1} << bits) + 1);
}

/// The wheel and the list, given the same to do.
struct both {
  explicit both(tick start) : now{start}, uut{start}, model{start} {}

  void arm() {
    const auto ahead = *rc::gen::inRange(0, 8) > 0;
    // Often a tick that is used already: order within a tick is what goes wrong first.
    const auto at = !ticks.empty() && *rc::gen::inRange(0, 3) == 0
                        ? *rc::gen::elementOf(ticks)
                        : (ahead ? now + any_distance() : now - std::min(now, any_distance()));
    ticks.push_back(at);
    const auto id = uut.arm(at, payload);
    ids.push_back(id);
    model.arm(at, id, payload++);
  }

  void cancel() {
    if (ids.empty())
      return;
    const auto id = *rc::gen::elementOf(ids);
    RC_ASSERT(uut.cancel(id) == model.cancel(id));
  }

  void advance() {
    const auto to_due = *rc::gen::inRange(0, 2) == 0 && model.next_due();
    now = to_due ? std::max(now, *model.next_due()) : now + any_distance();
    const auto bound = *rc::gen::inRange<std::size_t>(0, 5);
    std::vector<expired_timer> got, expected;
    const bool more = uut.advance(now, bound, got);
    RC_ASSERT(more == model.advance(now, bound, expected));
    RC_ASSERT(got == expected);
  }

  void rewind() {
    now -= std::min(now, any_distance());
    uut.rewind(now);
    model.rewind(now);
  }

  void check() const {
    RC_ASSERT(uut.size() == model.size());
    RC_ASSERT(uut.stats().next_due == model.next_due());
    RC_ASSERT(uut.next_due().has_value() == model.next_due().has_value());
    if (uut.next_due())
      RC_ASSERT(*uut.next_due() <= *model.next_due());
  }

  void drain() {
    std::vector<expired_timer> got, expected;
    RC_ASSERT_FALSE(uut.advance(UINT64_MAX, SIZE_MAX, got));
    model.advance(UINT64_MAX, SIZE_MAX, expected);
    RC_ASSERT(got == expected);
    RC_ASSERT(uut.size() == 0u);
  }

  tick now;
  wheel uut;
  ordered_list model;
  std::vector<tick> ticks;
  std::vector<timer_id> ids;
  std::uint64_t payload = 0;
};

} // namespace

TEST_CASE("the wheel does what an ordered list does", "[wheel]") {
  CHECK(rc::check([] {
    both pair{any_distance()};
    const auto steps = *rc::gen::inRange(1, 120);
    for (int step = 0; step < steps; ++step) {
      const auto what = *rc::gen::inRange(0, 20);
      if (what < 11)
        pair.arm();
      else if (what < 14)
        pair.cancel();
      else if (what < 19)
        pair.advance();
      else
        pair.rewind();
      pair.check();
    }
    pair.drain();
  }));
}

TEST_CASE("without cancelling, the next due tick is exact", "[wheel]") {
  CHECK(rc::check([] {
    both pair{any_distance()};
    for (int step = 0; step < 60; ++step) {
      if (*rc::gen::inRange(0, 3) > 0)
        pair.arm();
      else
        pair.advance();
      RC_ASSERT(pair.uut.next_due() == pair.model.next_due());
    }
  }));
}
