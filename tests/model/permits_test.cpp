#include <catch2/catch.hpp>
#include <map>
#include <pinion/model/permits.hpp>
#include <rapidcheck.h>

using namespace pinion;

namespace {

instance_key key(std::uint32_t task) { return {{1}, task, no_element}; }

permit_request request(std::uint32_t task, std::vector<pool_units> needs,
                       std::uint8_t priority = 5) {
  return {key(task), std::move(needs), priority, task};
}

std::vector<std::uint32_t> granted(permit_ledger& ledger) {
  std::vector<std::uint32_t> tasks;
  for (const auto& grant : ledger.grant_next())
    tasks.push_back(grant.key.task);
  return tasks;
}

using tasks = std::vector<std::uint32_t>;

} // namespace

TEST_CASE("permits go by priority, then first come, first served", "[permits]") {
  permit_ledger ledger;
  ledger.set_capacity(1, 2);
  ledger.enqueue(request(1, {{1, 1}}));
  ledger.enqueue(request(2, {{1, 1}}));
  ledger.enqueue(request(3, {{1, 1}}, 9));
  CHECK(granted(ledger) == tasks{3, 1});
  CHECK(granted(ledger).empty());
  CHECK(ledger.release(key(3)));
  CHECK_FALSE(ledger.release(key(3)));
  CHECK(granted(ledger) == tasks{2});
}

TEST_CASE("several pools are given together or not at all", "[permits]") {
  permit_ledger ledger;
  ledger.set_capacity(1, 1);
  ledger.set_capacity(2, 1);
  ledger.enqueue(request(1, {{2, 1}}));
  CHECK(granted(ledger) == tasks{1});
  ledger.enqueue(request(2, {{1, 1}, {2, 1}}));
  CHECK(granted(ledger).empty());
  CHECK(ledger.out(1) == 0);
  ledger.release(key(1));
  CHECK(granted(ledger) == tasks{2});
  CHECK(ledger.out(1) == 1);
  CHECK(ledger.out(2) == 1);
}

TEST_CASE("a big request is not starved by small ones behind it", "[permits]") {
  permit_ledger ledger;
  ledger.set_capacity(1, 3);
  ledger.enqueue(request(1, {{1, 2}}));
  ledger.enqueue(request(2, {{1, 3}}));
  ledger.enqueue(request(3, {{1, 1}}));
  CHECK(granted(ledger) == tasks{1}); // One is free, but task 2 comes before task 3.
  ledger.release(key(1));
  CHECK(granted(ledger) == tasks{2});
  ledger.release(key(2));
  CHECK(granted(ledger) == tasks{3});
}

TEST_CASE("small requests pass a blocked big one where they do not delay it", "[permits]") {
  permit_ledger ledger;
  ledger.set_capacity(0, 4); // Worker slots.
  ledger.set_capacity(1, 1);
  ledger.enqueue(request(1, {{0, 1}, {1, 1}}));
  ledger.enqueue(request(2, {{0, 1}, {1, 1}})); // Blocked by the pool; holds back no slot.
  ledger.enqueue(request(3, {{0, 1}}));
  ledger.enqueue(request(4, {{0, 1}}));
  ledger.enqueue(request(5, {{0, 1}}));
  CHECK(granted(ledger) == tasks{1, 3, 4, 5});
  const auto why = ledger.standing(key(2));
  REQUIRE(why);
  CHECK(why->position == 1);
  CHECK(why->short_of == std::vector<pool_number>{1, 0});
  REQUIRE(ledger.holders_of(1).size() == 1);
  CHECK(ledger.holders_of(1).front().key == key(1));
}

TEST_CASE("a request for more than a pool has waits without being in anyone's way", "[permits]") {
  permit_ledger ledger;
  ledger.set_capacity(1, 2);
  CHECK(ledger.enqueue(request(1, {{1, 3}}, 9)) == enqueue_result::too_large);
  CHECK(ledger.enqueue(request(1, {{1, 3}}, 9)) == enqueue_result::known);
  CHECK(ledger.enqueue(request(2, {{1, 2}})) == enqueue_result::queued);
  CHECK(granted(ledger) == tasks{2});
  CHECK(ledger.standing(key(1))->never);
  ledger.set_capacity(1, 5);
  CHECK(granted(ledger) == tasks{1});
}

TEST_CASE("a pool that shrinks below what is out grants nothing until enough came back",
          "[permits]") {
  permit_ledger ledger;
  ledger.set_capacity(1, 3);
  ledger.restore(key(1), {{1, 2}});
  ledger.restore(key(1), {{1, 2}});
  ledger.restore(key(2), {{1, 1}});
  CHECK(ledger.out(1) == 3);
  ledger.set_capacity(1, 1);
  ledger.enqueue(request(3, {{1, 1}}));
  ledger.release(key(2));
  CHECK(granted(ledger).empty());
  ledger.release(key(1));
  CHECK(granted(ledger) == tasks{3});
}

TEST_CASE("a withdrawn request is not granted, a changed priority counts at once", "[permits]") {
  permit_ledger ledger;
  for (std::uint32_t task = 1; task <= 4; ++task)
    ledger.enqueue(request(task, {{1, 1}}));
  ledger.set_capacity(1, 2);
  CHECK(ledger.withdraw(key(1)));
  CHECK_FALSE(ledger.withdraw(key(1)));
  CHECK(ledger.reprioritise(key(4), 9));
  CHECK(ledger.standing(key(4))->position == 1);
  CHECK(ledger.standing(key(3))->position == 3);
  CHECK(ledger.standing(key(3))->behind == key(4));
  CHECK(granted(ledger) == tasks{4, 2});
  CHECK(ledger.queued() == 1);
}

namespace {

/// Plays a random history and checks the ledger against sums of its own.
struct permit_history {
  permit_ledger ledger;
  std::map<pool_number, std::uint32_t> capacity;
  std::map<instance_key, permit_request> waiting;
  std::map<instance_key, permit_request> holding;
  std::uint32_t next = 1;

  std::map<pool_number, std::uint32_t> out() const {
    std::map<pool_number, std::uint32_t> sums;
    for (const auto& [key, held] : holding)
      for (const auto& need : held.needs)
        sums[need.pool] += need.units;
    return sums;
  }

  void ask() {
    permit_request wanted{key(next), {}, static_cast<std::uint8_t>(*rc::gen::inRange(1, 10)), next};
    ++next;
    for (pool_number pool = 0; pool < 3; ++pool)
      if (const auto units = *rc::gen::inRange<std::uint32_t>(0, 4); units > 0)
        wanted.needs.push_back({pool, units});
    ledger.enqueue(wanted);
    waiting.emplace(wanted.key, wanted);
  }

  void give_back() {
    if (holding.empty())
      return;
    const auto first = holding.begin()->first;
    RC_ASSERT(ledger.release(first));
    holding.erase(first);
  }

  void grant() {
    for (const auto& grant : ledger.grant_next()) {
      const auto found = waiting.find(grant.key);
      RC_ASSERT(found != waiting.end());
      // Nobody of the same needs and a better rank is passed over.
      for (const auto& [other, wanted] : waiting)
        RC_ASSERT(wanted.needs != found->second.needs || wanted.priority < found->second.priority ||
                  (wanted.priority == found->second.priority &&
                   wanted.sequence >= found->second.sequence));
      holding.insert(*found);
      waiting.erase(found);
    }
    auto sums = out();
    for (const auto& [pool, permits] : capacity) {
      RC_ASSERT(sums[pool] <= permits);
      RC_ASSERT(ledger.out(pool) == sums[pool]);
    }
    RC_ASSERT(ledger.queued() == waiting.size());
  }
};

} // namespace

TEST_CASE("a pool never has more permits out than it has, and all who can be served are",
          "[permits]") {
  CHECK(rc::check([] {
    permit_history history;
    for (pool_number pool = 0; pool < 3; ++pool)
      history.ledger.set_capacity(pool,
                                  history.capacity[pool] = *rc::gen::inRange<std::uint32_t>(0, 6));
    for (const auto event : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 3))) {
      if (event == 0)
        history.give_back();
      else
        history.ask();
      history.grant();
    }
    while (!history.holding.empty()) {
      history.give_back();
      history.grant();
    }
    for (const auto& [key, wanted] : history.waiting)
      RC_ASSERT(history.ledger.standing(key)->never);
  }));
}

TEST_CASE("the request of highest rank is served after at most all present holders ended",
          "[permits]") {
  CHECK(rc::check([] {
    permit_history history;
    for (pool_number pool = 0; pool < 3; ++pool)
      history.ledger.set_capacity(pool, history.capacity[pool] = 6);
    for (int i = 0; i < 12; ++i)
      history.ask();
    history.grant();
    permit_request big{key(5000), {{0, 6}, {1, 6}, {2, 6}}, 10, 5000};
    history.ledger.enqueue(big);
    history.waiting.emplace(big.key, big);
    // Each holder's end is answered by a new small request: without reservation this never ends.
    for (int ends = 0; !history.holding.contains(big.key); ++ends) {
      RC_ASSERT(ends < 200);
      history.ask();
      history.give_back();
      history.grant();
    }
  }));
}

TEST_CASE("100,000 queued requests are decided by their heads", "[permits]") {
  permit_ledger ledger;
  ledger.set_capacity(0, 4);
  ledger.set_capacity(1, 1);
  for (std::uint32_t task = 0; task < 100'000; ++task)
    ledger.enqueue(request(task, task % 2 == 0 ? std::vector<pool_units>{{0, 1}}
                                               : std::vector<pool_units>{{0, 1}, {1, 1}}));
  std::size_t served = 0;
  for (auto grants = ledger.grant_next(); !grants.empty(); grants = ledger.grant_next()) {
    served += grants.size();
    for (const auto& grant : grants)
      ledger.release(grant.key);
  }
  CHECK(served == 100'000);
}
