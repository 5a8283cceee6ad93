#include "storage/file_log.hpp"

#include <array>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace pinion {
namespace {

constexpr std::uintmax_t large = std::uintmax_t{4} << 20U;

int open_log(const std::filesystem::path& file) {
  std::error_code ignored;
  if (const auto size = std::filesystem::file_size(file, ignored); !ignored && size >= large)
    std::filesystem::rename(file, file.string() + ".old", ignored);
  return ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

} // namespace

file_log::file_log(const std::filesystem::path& file)
    : rocksdb::Logger{rocksdb::InfoLogLevel::WARN_LEVEL}, descriptor_{open_log(file)} {}

file_log::~file_log() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

void file_log::Logv(const char* format, std::va_list arguments) {
  std::int64_t now = 0;
  auto* const env = rocksdb::Env::Default();
  env->GetCurrentTime(&now);
  std::array<char, 2048> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  const auto line = env->TimeToString(static_cast<std::uint64_t>(now)) + text.data() + '\n';
  static_cast<void>(!::write(descriptor_, line.data(), line.size()));
}

} // namespace pinion
