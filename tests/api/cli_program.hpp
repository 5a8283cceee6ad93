#pragma once

#include <catch2/catch.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/wait.h>

namespace pinion::testing {

struct outcome {
  int code = -1;
  std::string out; ///< Standard output; standard error goes to a file of its own.
  std::string err;
};

/// Runs pinionctl in a folder of its own; its engine's socket is `nobody.sock` there.
class cli_fixture {
public:
  std::filesystem::path folder;

  cli_fixture() {
    std::string name = "/tmp/pinion-cli-XXXXXX";
    folder = ::mkdtemp(name.data());
  }
  ~cli_fixture() { std::filesystem::remove_all(folder); }
  cli_fixture(const cli_fixture&) = delete;
  cli_fixture& operator=(const cli_fixture&) = delete;

  std::string socket() const { return folder / "nobody.sock"; }

  std::string write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream{folder / name} << text;
    return folder / name;
  }

  /// `arguments` as a shell would read them.
  outcome run(const std::string& arguments) {
    const auto errors = (folder / "stderr").string();
    const auto command =
        "PINION_SERVER=" + socket() + " " PINIONCTL " " + arguments + " 2>" + errors;
    outcome seen;
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> space{};
    for (std::size_t count = 0; (count = std::fread(space.data(), 1, space.size(), pipe)) > 0;)
      seen.out.append(space.data(), count);
    const int status = ::pclose(pipe);
    seen.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::ifstream file{errors};
    seen.err.assign(std::istreambuf_iterator<char>{file}, {});
    return seen;
  }
};

} // namespace pinion::testing
