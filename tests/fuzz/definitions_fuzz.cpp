#include "fuzz_target.hpp"

#include "pinion/definitions/canonical.hpp"
#include "pinion/definitions/loader.hpp"

using namespace pinion;
using fuzz::require;

/// The bytes are a workflow file; behind a line `--- pinion.yaml` begins the project's file. Either
/// it is refused with places, or what it gives survives being stored.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view divider = "\n--- pinion.yaml\n";
  const auto text = fuzz::text_of(data, size);
  const auto at = text.find(divider);
  std::vector<source_text> sources{{"f/w.yaml", std::string{text.substr(0, at)}}};
  if (at != std::string_view::npos)
    sources.push_back({"f/pinion.yaml", std::string{text.substr(at + divider.size())}});
  load_options options;
  options.now = instant{std::chrono::hours{24 * 365 * 56}};
  const auto loaded = load_texts(sources, options);
  require(loaded.ok() || (loaded.workflows.empty() && loaded.projects.empty()),
          "a set with an error gives nothing");
  for (const auto& error : loaded.errors)
    require(!error.message.empty() && error.line >= 1 && error.column >= 1,
            "an error has a place and a sentence");
  for (const auto& one : loaded.workflows) {
    const auto stored = to_canonical_json(one.definition);
    const auto read = from_canonical_json(stored);
    require(read.has_value(), "what was loaded can be read back");
    require(to_canonical_json(read.value()) == stored, "stored and read it is the same");
  }
  for (const auto& settings : loaded.projects) {
    const auto stored = to_canonical_json(settings);
    const auto read = settings_from_canonical_json(stored);
    require(read.has_value() && to_canonical_json(read.value()) == stored,
            "settings survive being stored");
  }
  return 0;
}
