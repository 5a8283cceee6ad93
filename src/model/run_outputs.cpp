#include "run_graph.hpp"

namespace pinion {
namespace {

/// `text` as a JSON string (RFC 8259, 7). Invalid UTF-8 is passed on as it is.
std::string quoted(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out{'"'};
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4U];
      out += hex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  return out + '"';
}

} // namespace

json_text run_core::outputs_of(std::uint32_t task) const {
  if (task >= graph_->instances.size())
    return "{}";
  const auto member = definition_->tasks[task].fallback_of ? task : graph_->current_member(task);
  // A row of outputs may exist from the body's end on; it counts from the success on.
  const auto values = [this](const instance_record& at) -> std::string_view {
    const auto found = graph_->outputs.find(at.key);
    if (at.state != instance_state::success || found == graph_->outputs.end())
      return "{}";
    return found->second;
  };
  const auto& elements = graph_->instances[member];
  if (elements.front().key.element == no_element)
    return json_text{values(elements.front())};
  json_text all{'{'};
  for (const auto& at : elements) {
    if (at.state != instance_state::success)
      continue;
    if (all.size() > 1)
      all += ',';
    all += quoted(at.element_key);
    all += ':';
    all += values(at);
  }
  return all + '}';
}

} // namespace pinion
