#include "pinion/execution/run_files.hpp"

#include "pinion/execution/attempt_files.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

using namespace pinion;
namespace fs = std::filesystem;

namespace {

/// A data folder in which runs have written something.
class data_with_runs {
public:
  data_with_runs() {
    std::string name = "/tmp/pinion-runfiles-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  data_with_runs(const data_with_runs&) = delete;
  data_with_runs& operator=(const data_with_runs&) = delete;
  ~data_with_runs() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string path() const { return path_.string(); }
  void log(std::uint64_t run, std::size_t bytes) const {
    write(fs::path{log_path(path(), {{{run}, 0, no_element}, {1, 1, 0}})}, bytes);
  }
  void workspace(std::uint64_t run) const {
    write(fs::path{workspace_path(path(), {run})} / "a" / "b", 3);
  }
  bool has_log(std::uint64_t run) const {
    return fs::exists(log_path(path(), {{{run}, 0, no_element}, {1, 1, 0}}));
  }

private:
  static void write(const fs::path& file, std::size_t bytes) {
    fs::create_directories(file.parent_path());
    std::ofstream{file} << std::string(bytes, 'x');
  }
  fs::path path_;
};

std::vector<run_folder> list(run_files_port& files, run_folder_kind kind, bool measure) {
  std::promise<result<std::vector<run_folder>>> answer;
  files.list(kind, measure, [&](auto found) { answer.set_value(std::move(found)); });
  return answer.get_future().get().value();
}

std::uint64_t remove(run_files_port& files, run_folder_kind kind, std::vector<run_id> runs) {
  std::promise<std::uint64_t> answer;
  files.remove(kind, std::move(runs), [&](std::uint64_t count) { answer.set_value(count); });
  return answer.get_future().get();
}

} // namespace

TEST_CASE("the runs that have logs are listed in order, with their sizes if asked", "[run_files]") {
  data_with_runs data;
  data.log(2'005, 100);
  data.log(7, 30);
  data.log(1'200, 1);
  fs::create_directories(fs::path{data.path()} / "logs" / "0" / "stray");
  const auto files = make_host_run_files(data.path());
  const auto all = list(*files, run_folder_kind::logs, true);
  REQUIRE(all.size() == 3);
  CHECK(all[0].run == run_id{7});
  CHECK(all[0].bytes == 30);
  CHECK(all[2].run == run_id{2'005});
  CHECK(all[2].bytes == 100);
  CHECK(list(*files, run_folder_kind::logs, false)[0].bytes == 0);
}

TEST_CASE("a data folder without logs and workspaces has none", "[run_files]") {
  data_with_runs data;
  const auto files = make_host_run_files(data.path());
  CHECK(list(*files, run_folder_kind::logs, true).empty());
  CHECK(list(*files, run_folder_kind::workspace, true).empty());
}

TEST_CASE("logs are removed run by run, and nothing else", "[run_files]") {
  data_with_runs data;
  data.log(1, 5);
  data.log(2, 5);
  data.workspace(1);
  const auto files = make_host_run_files(data.path());
  remove(*files, run_folder_kind::logs, {{1}, {99}});
  CHECK_FALSE(data.has_log(1));
  CHECK(data.has_log(2));
  CHECK(list(*files, run_folder_kind::workspace, false).size() == 1);
  remove(*files, run_folder_kind::workspace, {{1}});
  CHECK(list(*files, run_folder_kind::workspace, false).empty());
}

TEST_CASE("a link in a workspace is removed, not what it leads to", "[run_files]") {
  data_with_runs data;
  data.workspace(1);
  data.log(1, 5);
  fs::create_directory_symlink(fs::path{data.path()} / "logs",
                               fs::path{workspace_path(data.path(), {1})} / "link");
  const auto files = make_host_run_files(data.path());
  remove(*files, run_folder_kind::workspace, {{1}});
  CHECK(data.has_log(1));
}
