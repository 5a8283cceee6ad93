#include "pinion/model/ids.hpp"

namespace pinion {

std::string to_string(run_id id) { return "r" + std::to_string(id.value); }

std::string to_string(const process_key& key) {
  const auto& at = key.instance;
  std::string text = to_string(at.run) + '.' + std::to_string(at.task) + '.';
  text += at.element == no_element ? "-" : std::to_string(at.element);
  text += '.' + std::to_string(key.token.epoch) + '.' + std::to_string(key.token.attempt) + '.';
  return text + std::to_string(key.token.step);
}

} // namespace pinion
