#include "pinion/definitions/definition_directory.hpp"

#include <memory>
#include <unordered_map>
#include <utility>

namespace pinion {

namespace {

/// More triggers than a chain of `after:` can sensibly have; it ends those that run in a circle.
constexpr std::size_t longest_chain = 1'000;

const trigger_definition* only_one(const workflow_definition& of) {
  return of.triggers.size() == 1 ? &of.triggers.front() : nullptr;
}

} // namespace

interval_rule interval_of_trigger(const workflow_definition& workflow,
                                  const trigger_definition& trigger) noexcept {
  return workflow.data_interval_given ? workflow.data_interval : default_interval(trigger.slots);
}

definition_directory::definition_directory(
    std::span<const workflow_definition* const> definitions) {
  auto ids = std::make_shared<std::unordered_map<std::string, const workflow_definition*>>();
  for (const auto* definition : definitions)
    ids->emplace(definition->id(), definition);
  lookup_ = [ids = std::move(ids)](std::string_view id) {
    const auto found = ids->find(std::string{id});
    return found != ids->end() ? found->second : nullptr;
  };
}

found_trigger definition_directory::trigger(std::string_view workflow,
                                            std::string_view trigger) const {
  const auto* of = lookup_(workflow);
  if (of == nullptr)
    return {};
  if (trigger.empty())
    return {of, only_one(*of)};
  for (const auto& one : of->triggers)
    if (one.id == trigger)
      return {of, &one};
  return {of, nullptr};
}

found_trigger definition_directory::source_of(found_trigger of) const {
  for (std::size_t steps = 0; of && steps < longest_chain; ++steps) {
    const auto& after = of.trigger->after;
    if (!after)
      return of;
    of = trigger(after->workflow, after->trigger);
  }
  return {};
}

std::optional<known_trigger> definition_directory::find(std::string_view workflow,
                                                        std::string_view trigger_id) const {
  const auto source = source_of(trigger(workflow, trigger_id));
  if (!source)
    return std::nullopt;
  const auto in = zone::load(source.workflow->timezone);
  return known_trigger{&source.trigger->slots,
                       interval_of_trigger(*source.workflow, *source.trigger),
                       in ? in.value() : zone{}};
}

std::string definition_directory::only_trigger(std::string_view workflow) const {
  const auto found = trigger(workflow, {});
  return found ? found.trigger->id : std::string{};
}

} // namespace pinion
