#include "pinion/definitions/limits.hpp"
#include "pinion/definitions/loader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <sys/stat.h>

namespace pinion {

namespace {

namespace fs = std::filesystem;

/// What tells that two paths lead to the same file or folder.
using file_identity = std::pair<dev_t, ino_t>;

class source_walk {
public:
  void add_root(const std::string& root) {
    struct stat about {};
    if (::stat(root.c_str(), &about) != 0)
      return refuse(root, errno == ENOENT ? "there is no such file or folder" : os_error());
    if (S_ISDIR(about.st_mode))
      return walk(root);
    add_file(root);
    const auto beside = fs::path{root}.parent_path() / "pinion.yaml";
    if (::stat(beside.c_str(), &about) == 0)
      add_file(beside.string());
  }

  collected_sources take() {
    std::sort(out_.sources.begin(), out_.sources.end(),
              [](const source_text& a, const source_text& b) { return a.path < b.path; });
    return std::move(out_);
  }

private:
  void refuse(const std::string& path, std::string message) {
    out_.problems.push_back({path, 1, 1, std::move(message)});
  }

  static std::string os_error() { return std::string{"cannot be read: "} + std::strerror(errno); }

  static bool is_definition(const fs::path& path) {
    return path.extension() == ".yaml" || path.extension() == ".yml";
  }

  void walk(const std::string& root) {
    std::vector<std::string> open{root};
    while (!open.empty() && !full_) {
      const auto folder = std::move(open.back());
      open.pop_back();
      walk_folder(folder, open);
    }
  }

  void walk_folder(const std::string& folder, std::vector<std::string>& open) {
    struct stat about {};
    if (::stat(folder.c_str(), &about) != 0)
      return refuse(folder, os_error());
    if (!seen_.insert({about.st_dev, about.st_ino}).second)
      return;
    std::error_code failed;
    std::vector<std::string> entries;
    for (fs::directory_iterator at{folder, failed}, end; !failed && at != end; at.increment(failed))
      entries.push_back(at->path().filename().string());
    if (failed)
      return refuse(folder, "cannot be read: " + failed.message());
    std::sort(entries.begin(), entries.end());
    for (const auto& name : entries) {
      const auto path = fs::path{folder} / name;
      if (name.starts_with('.') || ::stat(path.c_str(), &about) != 0)
        continue; // A link that leads nowhere is what editors leave as a lock.
      if (S_ISDIR(about.st_mode))
        open.push_back(path.string());
      else if (is_definition(path))
        add_file(path.string());
    }
  }

  void add_file(const std::string& path) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0)
      return refuse(path, os_error());
    if (!S_ISREG(about.st_mode))
      return refuse(path, "is no regular file");
    if (!seen_.insert({about.st_dev, about.st_ino}).second || full_)
      return;
    read(path);
  }

  void read(const std::string& path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "rbe"),
                                                               &std::fclose};
    if (!file)
      return refuse(path, os_error());
    std::string text;
    std::string chunk(std::size_t{1} << 16U, '\0');
    while (const auto got = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
      text.append(chunk, 0, got);
      if (text.size() > definition_limits::file_bytes)
        return refuse(path, "the file has more than 16 MiB");
    }
    if (std::ferror(file.get()) != 0)
      return refuse(path, os_error());
    bytes_ += text.size();
    out_.sources.push_back({path, std::move(text)});
    full_ =
        bytes_ > definition_limits::set_bytes || out_.sources.size() > definition_limits::set_files;
    if (full_)
      refuse(path, "the files read together have more than 256 MiB, or are more than 100,000");
  }

  collected_sources out_;
  std::set<file_identity> seen_;
  std::size_t bytes_ = 0;
  bool full_ = false;
};

} // namespace

collected_sources collect_sources(const load_options& options) {
  source_walk walk;
  for (const auto& root : options.roots)
    walk.add_root(root);
  return walk.take();
}

} // namespace pinion
