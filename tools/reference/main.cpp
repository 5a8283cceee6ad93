#include "pages.hpp"
#include "pinionctl/verb.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace {

namespace pages = pinion::reference_pages;
namespace fs = std::filesystem;

void write(const fs::path& to, const std::string& text) {
  fs::create_directories(to.parent_path());
  std::ofstream file{to, std::ios::binary | std::ios::trunc};
  file << text;
  if (!file.flush())
    throw std::runtime_error{"cannot write " + to.string()};
}

std::string read(const fs::path& from) {
  std::ifstream file{from, std::ios::binary};
  if (!file)
    throw std::runtime_error{"cannot read " + from.string()};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void write_pages(const fs::path& folder) {
  write(folder / "verbs.md", pages::verbs_markdown());
  write(folder / "settings.md", pages::settings_markdown());
}

void write_installed(const fs::path& folder, const fs::path& schemas) {
  write(folder / "man/man1/pinion.1", pages::pinion_manual());
  write(folder / "man/man1/pinionctl.1", pages::pinionctl_manual());
  write(folder / "man/man5/pinion.yaml.5",
        pages::files_manual(read(schemas / "pinion.schema.json"),
                            read(schemas / "workflow.schema.json")));
  write(folder / "bash-completion/completions/pinionctl", pinion::ctl::completion_script("bash"));
  write(folder / "zsh/site-functions/_pinionctl", pinion::ctl::completion_script("zsh"));
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words{argv + 1, argv + argc};
  try {
    if (words.size() == 2 && words[0] == "pages") {
      write_pages(words[1]);
      return 0;
    }
    if (words.size() == 3 && words[0] == "install") {
      write_installed(words[1], words[2]);
      return 0;
    }
    std::fputs("usage: pinion-reference pages DIR             verbs.md, settings.md\n"
               "       pinion-reference install DIR SCHEMAS   man pages and completions, as under "
               "share/\n",
               stderr);
    return 64;
  } catch (const std::exception& why) {
    std::fprintf(stderr, "pinion-reference: %s\n", why.what());
    return 1;
  }
}
