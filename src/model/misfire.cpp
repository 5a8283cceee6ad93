#include "pinion/model/misfire.hpp"

#include <algorithm>

namespace pinion {
namespace {

/// How many slots may run at most.
std::size_t allowed(const misfire_policy& policy) noexcept {
  switch (policy.policy) {
  case misfire_choice::all:
    return policy.max;
  case misfire_choice::last:
    return std::min<std::size_t>(policy.max, 1);
  case misfire_choice::none:
    return 0;
  }
  return 0;
}

} // namespace

misfire_policy default_misfire(const slot_rule& of) noexcept {
  misfire_policy policy;
  if (is_polling(of))
    policy.policy = misfire_choice::last;
  return policy;
}

owed_slots slots_owed(const slot_rule& of, const misfire_policy& policy, instant cursor,
                      instant now, std::size_t most) {
  owed_slots owed;
  const auto most_run = allowed(policy);
  auto before = now + duration{1};
  while (const auto slot = previous_slot(of, before)) {
    if (slot->at <= cursor)
      break;
    before = slot->at;
    // Ages grow as we go back: once a slot is too old, all before it are.
    if (owed.missed.empty() && owed.run.size() < most_run && now - slot->at <= policy.within) {
      owed.run.push_back(*slot);
      continue;
    }
    if (owed.missed.size() >= most) {
      owed.more_before = slot->at;
      break;
    }
    owed.missed.push_back(*slot);
  }
  std::reverse(owed.run.begin(), owed.run.end());
  std::reverse(owed.missed.begin(), owed.missed.end());
  return owed;
}

} // namespace pinion
