#include "pinion/definitions/secrets.hpp"

#include <cstdlib>
#include <fstream>
#include <sys/stat.h>

namespace pinion {

namespace {

constexpr std::size_t max_secret_bytes = 64U << 10U;

result<std::string> read_secret_file(const std::string& name, const std::string& path) {
  const auto failed = [&](const char* why) {
    return problem{errc::os_failure, "secret `" + name + "`: " + path + " " + why, {}};
  };
  struct stat about {};
  // A device or a pipe could hold the reader forever.
  if (::stat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode))
    return failed("is not there or not a plain file");
  std::ifstream file{path, std::ios::binary};
  std::string value(max_secret_bytes + 1, '\0');
  file.read(value.data(), static_cast<std::streamsize>(value.size()));
  if (!file.is_open() || file.bad())
    return failed("cannot be read");
  value.resize(static_cast<std::size_t>(file.gcount()));
  if (value.size() > max_secret_bytes)
    return failed("has more than 64 KiB");
  if (value.ends_with('\n'))
    value.pop_back();
  return value;
}

} // namespace

secret_reader read_secrets(std::map<std::string, secret_source> sources) {
  return [sources = std::move(sources)](const std::string& name) -> result<std::string> {
    const auto at = sources.find(name);
    if (at == sources.end())
      return problem{errc::not_found, "secret `" + name + "` is not declared in pinion.yaml", {}};
    if (at->second.from == secret_source::kind::file)
      return read_secret_file(name, at->second.name);
    const char* value = std::getenv(at->second.name.c_str());
    if (!value)
      return problem{errc::not_found,
                     "secret `" + name + "`: the engine's environment has no variable " +
                         at->second.name,
                     {}};
    return std::string{value};
  };
}

} // namespace pinion
