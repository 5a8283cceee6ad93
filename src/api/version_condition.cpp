#include "api/version_condition.hpp"

#include "api/conditional.hpp"
#include "api/objects.hpp"
#include "pinion/api/reference.hpp"

#include <charconv>

namespace pinion {
namespace {

constexpr unsigned precondition_failed = 412;

/// The number of "v7"; nothing for what is no such name.
std::optional<std::uint32_t> number_of(const std::string& tag) {
  std::uint32_t number = 0;
  const auto* end = tag.data() + tag.size();
  if (tag.size() < 2 || tag.front() != 'v' ||
      std::from_chars(tag.data() + 1, end, number).ptr != end)
    return std::nullopt;
  return number;
}

problem no_version(const std::string& tag) {
  return {errc::invalid, "If-Match: '" + tag + "' is no version of a workflow",
          "Write \"dw.load:v7\", the ETag of GET /api/v1/versions/dw.load, or *"};
}

} // namespace

result<version_condition> condition_of(const http_request& request) {
  version_condition made;
  if (const auto match = request.headers.find("if-match"); match != request.headers.end()) {
    const auto tags = tags_of(match->second);
    if (tags.empty())
      return no_version({});
    for (const auto& tag : tags) {
      if (tag == "*") {
        made.exists = true;
        continue;
      }
      if (const auto number = number_of(tag)) {
        made.versions.emplace_back(std::string{}, *number);
        continue;
      }
      const auto ref = parse_reference(tag);
      if (!ref || ref.value().names_run() || !ref.value().version)
        return no_version(tag);
      made.versions.emplace_back(ref.value().workflow, *ref.value().version);
    }
  }
  if (const auto none = request.headers.find("if-none-match"); none != request.headers.end()) {
    if (none->second != "*" || made.exists || !made.versions.empty())
      return problem{errc::invalid, "If-None-Match of a change can only be *, without If-Match",
                     "It lets only workflows be made that do not exist"};
    made.absent = true;
  }
  return made;
}

http_reply stale_reply(const std::vector<std::pair<std::string, std::uint32_t>>& stale) {
  std::string message;
  for (const auto& [workflow, version] : stale)
    message +=
        (message.empty() ? "" : "; ") + workflow +
        (version == 0 ? std::string{" does not exist"} : " stands at v" + std::to_string(version));
  const auto& [workflow, version] = stale.front();
  auto made = json_reply(
      json{{"error",
            {{"code", "stale"},
             {"message", message + ": this is not what the condition of the request says"},
             {"suggestion", version == 0 ? "Make it without If-Match"
                                         : "Read it again, `pinionctl get versions " + workflow +
                                               "`, and decide anew"},
             {"details", json::array()}}}},
      precondition_failed);
  if (stale.size() == 1 && version != 0)
    made.headers["ETag"] = '"' + workflow + ":v" + std::to_string(version) + '"';
  return made;
}

engine_client::reply<apply_answer> applied(const api_ptr& state, reply_function reply,
                                           std::map<std::string, json> fire_times, json warnings) {
  return [state, reply = std::move(reply), times = std::move(fire_times),
          warnings = std::move(warnings)](const result<apply_answer>& answer) {
    state->later([reply, times, warnings, answer] {
      if (!answer)
        return reply(error_reply(answer.error()));
      if (!answer.value().stale.empty())
        return reply(stale_reply(answer.value().stale));
      reply(json_reply(objects::changes(answer.value(), times, warnings)));
    });
  };
}

} // namespace pinion
