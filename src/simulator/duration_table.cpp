#include "pinion/simulator/process_model.hpp"

#include <algorithm>

namespace pinion {
namespace {

/// FNV-1a over all that tells one process from another, then the finaliser of splitmix64.
class draw {
public:
  draw(std::uint64_t seed, const process_question& of) : hash_{seed ^ 0xCBF29CE484222325ULL} {
    add(of.workflow.project);
    add(of.workflow.name);
    // "@call.r12.0.-.1" holds the number of the calling run, which is not the same everywhere.
    add(of.trigger.substr(0, of.trigger.find('.')));
    add(of.workflow.tasks[of.task].name);
    add(of.index);
    add(static_cast<std::uint64_t>(to_us(of.slot)));
    add((std::uint64_t{of.attempt} << 32U) | of.check);
    if (of.look > 1)
      add(std::uint64_t{of.look});
  }

  /// In [0, 1); another one each time.
  double next() noexcept {
    hash_ += 0x9E3779B97F4A7C15ULL;
    auto x = hash_;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
    return static_cast<double>((x ^ (x >> 31U)) >> 11U) * 0x1p-53;
  }

  /// Mean 0, standard deviation 1, within +-6: a sum of twelve (Irwin and Hall). Sums are the same
  /// on every machine, logarithms need not be.
  double bell() noexcept {
    double sum = -6;
    for (int i = 0; i < 12; ++i)
      sum += next();
    return sum;
  }

private:
  void add(std::string_view text) noexcept {
    for (const char c : text)
      step(static_cast<unsigned char>(c));
    step(0xff);
  }
  void add(std::uint64_t number) noexcept {
    for (unsigned shift = 0; shift < 64; shift += 8)
      step((number >> shift) & 0xffU);
  }
  void step(std::uint64_t byte) noexcept { hash_ = (hash_ ^ byte) * 0x100000001B3ULL; }
  std::uint64_t hash_;
};

using table = std::map<std::string, given_process, std::less<>>;

/// The entries that speak of a task, the most exact first.
class entries {
public:
  entries(const table& of, const workflow_definition& workflow, std::uint32_t task) {
    if (of.empty())
      return;
    const auto id = workflow.id();
    for (const auto& name :
         {id + '.' + workflow.tasks[task].name, id, workflow.project, std::string{'*'}})
      if (const auto found = of.find(name); found != of.end())
        found_[count_++] = &found->second;
  }

  /// The first value that is given.
  template <class Value, class Given>
  Value first(Value otherwise, Given given) const {
    for (std::size_t i = 0; i < count_; ++i)
      if (const auto value = given(*found_[i]))
        return *value;
    return otherwise;
  }

private:
  const given_process* found_[4] = {};
  std::size_t count_ = 0;
};

template <class Value>
std::optional<Value> unless(const Value& value, const Value& nothing) {
  return value == nothing ? std::nullopt : std::optional{value};
}

} // namespace

process_fate duration_table::of(const process_question& what) const {
  const entries given{given_, what.workflow, what.task};
  const bool is_check_task = what.workflow.tasks[what.task].type == task_type::check;
  process_fate out;
  if (what.check > 0 && !is_check_task) {
    out.takes = given.first(assumed_check, [](const auto& each) { return each.check; });
    return out;
  }
  draw random{seed_, what};
  const auto mean = given.first(assumed_duration, [](const auto& each) { return each.mean; });
  const auto spread =
      given.first(duration{0}, [](const auto& each) { return unless(each.spread, duration{0}); });
  const auto off = spread.count() == 0 ? 0 : random.bell() * static_cast<double>(spread.count());
  out.takes = std::max(mean + duration{static_cast<std::int64_t>(off)}, duration{0});
  const auto exits = given.first(
      std::vector<int>{}, [](const auto& each) { return unless(each.exits, std::vector<int>{}); });
  const auto fails = given.first(0.0, [](const auto& each) {
    return each.fails > 0 ? std::optional{each.fails} : std::nullopt;
  });
  const auto& poll = what.workflow.tasks[what.task].poll;
  const auto looks =
      given.first(0U, [](const auto& each) { return unless(each.looks, std::uint32_t{0}); });
  if (poll && what.look <= looks)
    out.exit_code = poll->not_yet.front();
  else if (!exits.empty())
    out.exit_code = what.attempt <= exits.size() ? exits[what.attempt - 1] : 0;
  else if (fails > 0)
    out.exit_code = random.next() < fails ? 1 : 0;
  out.outputs = given.first(json_text{"{}"},
                            [](const auto& each) { return unless(each.outputs, json_text{"{}"}); });
  return out;
}

std::optional<std::uint32_t> duration_table::elements(const workflow_definition& workflow,
                                                      std::uint32_t task) const {
  const entries given{given_, workflow, task};
  const auto count = given.first(std::int64_t{-1}, [](const auto& each) {
    return each.elements ? std::optional<std::int64_t>{*each.elements} : std::nullopt;
  });
  return count < 0 ? std::nullopt : std::optional{static_cast<std::uint32_t>(count)};
}

} // namespace pinion
