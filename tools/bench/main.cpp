#include "bench_case.hpp"
#include "child_process.hpp"
#include "machine.hpp"
#include "pinion/execution/launcher_process.hpp"
#include "report.hpp"
#include "temporary_folder.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sstream>
#include <stdexcept>
#include <sysexits.h>

namespace pinion::bench {

namespace {

constexpr const char* usage =
    "usage: pinion-bench [OPTION]...\n\n"
    "Measures what the engine does a second, beside the floors of this machine in the same\n"
    "rounds. Run nothing else meanwhile.\n\n"
    "  --quick       one short round: does it work, rather than how fast\n"
    "  --rounds N    so many rounds, 1 to 100 (default 5); slow cases take fewer\n"
    "  --only NAME   this case alone; may be given several times\n"
    "  --list        the cases\n"
    "  --json FILE   also write the figures to FILE\n"
    "  --dir DIR     measure the disk that holds DIR (default /var/tmp)\n"
    "  --help        this text\n";

constexpr std::chrono::seconds case_limit{3600}; // The case of the long history fills for long.

struct bench_options {
  bool quick = false;
  bool list = false;
  bool help = false;
  unsigned rounds = 5;
  std::vector<std::string> only;
  std::string json;
  std::string folder = "/var/tmp";
  std::string measure; ///< Set in a measuring process: the case, or what fills a store for one.
};

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

bench_options read(int argc, char** argv) {
  bench_options out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag{argv[i]};
    const auto value = [&]() -> std::string {
      if (++i >= argc)
        throw usage_error{std::string{flag} + " needs a value"};
      return argv[i];
    };
    if (flag == "--quick") {
      out.quick = true;
    } else if (flag == "--list") {
      out.list = true;
    } else if (flag == "--help" || flag == "-h") {
      out.help = true;
    } else if (flag == "--only") {
      out.only.push_back(value());
    } else if (flag == "--json") {
      out.json = value();
    } else if (flag == "--dir") {
      out.folder = value();
    } else if (flag == "--measure") {
      out.measure = value();
    } else if (flag == "--rounds") {
      const auto text = value();
      const auto* end = text.data() + text.size();
      const auto [at, failed] = std::from_chars(text.data(), end, out.rounds);
      if (failed != std::errc{} || at != end || out.rounds < 1 || out.rounds > 100)
        throw usage_error{"--rounds takes a number from 1 to 100"};
    } else {
      throw usage_error{"unknown option " + std::string{flag}};
    }
  }
  for (const auto& name : out.only)
    if (std::none_of(all_cases().begin(), all_cases().end(),
                     [&](const auto& each) { return each.name == name; }))
      throw usage_error{"there is no case " + name + "; --list names them"};
  return out;
}

/// In a measuring process: prints "quantity value" lines.
int measure(const bench_options& options) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("engine"));
  spdlog::set_level(spdlog::level::warn);
  const surroundings at{options.folder, options.quick};
  if (options.measure == "fill" || options.measure == "fill_queued")
    fill_and_die(at, options.measure == "fill_queued");
  if (options.measure == "fill_history")
    fill_history_and_die(at);
  if (options.measure == "fill_views")
    fill_views_and_die(at);
  for (const auto& each : all_cases())
    if (each.name == options.measure)
      for (const auto& found : each.measure(at))
        std::printf("%s %.9g\n", found.quantity.c_str(), found.value);
  return EX_OK;
}

void measure_in_child(const bench_case& what, const bench_options& options, samples& into) {
  const temporary_folder folder{options.folder};
  std::vector<std::string> arguments{"--measure", what.name, "--dir", folder.path().string()};
  if (options.quick)
    arguments.emplace_back("--quick");
  std::istringstream lines{run_self(arguments, case_limit)};
  std::string quantity;
  for (double value = 0; lines >> quantity >> value;)
    into[quantity].push_back(value);
  if (!lines.eof() || quantity.empty())
    throw std::runtime_error{"the measuring process printed something else than figures"};
}

/// All rounds, interleaved: a neighbour that comes and goes meets all cases alike. Returns the
/// number of failures.
int measure_all(const bench_options& options, samples& into) {
  int failures = 0;
  const auto rounds = options.quick ? 1U : options.rounds;
  for (unsigned round = 1; round <= rounds; ++round)
    for (const auto& what : all_cases()) {
      const auto& only = options.only;
      if (round > what.rounds ||
          (!only.empty() && std::find(only.begin(), only.end(), what.name) == only.end()))
        continue;
      std::fprintf(stderr, "round %u of %u: %s\n", round, rounds, what.name);
      try {
        measure_in_child(what, options, into);
      } catch (const std::exception& failed) {
        std::fprintf(stderr, "pinion-bench: %s: %s\n", what.name, failed.what());
        ++failures;
      }
    }
  return failures;
}

int run(const bench_options& options) {
  const auto machine = describe_machine(options.folder);
  samples measured;
  const auto failures = measure_all(options, measured);
  std::printf("%s\n%s\n%s", machine.c_str(),
              options.quick ? "QUICK: small counts, one round; the figures are no measure\n" : "",
              table_of(measured).c_str());
  if (!options.json.empty()) {
    std::ofstream file{options.json};
    file << json_of(measured, machine, options.quick);
    if (!file.flush()) {
      std::fprintf(stderr, "pinion-bench: cannot write %s\n", options.json.c_str());
      return EX_CANTCREAT;
    }
  }
  return failures == 0 ? EX_OK : EX_SOFTWARE;
}

int bench_main(int argc, char** argv) {
  const auto options = read(argc, argv);
  if (options.help) {
    std::fputs(usage, stdout);
    return EX_OK;
  }
  if (options.list) {
    for (const auto& each : all_cases())
      std::printf("%-16s %s\n", each.name, each.what);
    return EX_OK;
  }
  return options.measure.empty() ? run(options) : measure(options);
}

} // namespace

} // namespace pinion::bench

int main(int argc, char** argv) {
  // The engine that is measured starts its launcher from this program file.
  if (argc > 1 && std::strcmp(argv[1], "launcher") == 0)
    return pinion::launcher_main(argc, argv);
  try {
    return pinion::bench::bench_main(argc, argv);
  } catch (const pinion::bench::usage_error& wrong) {
    std::fprintf(stderr, "pinion-bench: %s\n%s", wrong.what(), pinion::bench::usage);
    return EX_USAGE;
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "pinion-bench: %s\n", failed.what());
    return EX_SOFTWARE;
  }
}
