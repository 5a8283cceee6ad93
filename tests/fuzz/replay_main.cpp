#include "fuzz_target.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

/// Runs a fuzz target without libFuzzer: `NAME-replay FOLDER [MUTANTS [SEED]]` takes every file of
/// the folder, then so many random changes of them. The seed is printed; the same one makes the
/// same inputs. An input that ends the process is left in the file `fuzz-input` of the working
/// directory. Exit code 0 if all held, 2 for wrong usage or an empty folder.
namespace {

using bytes = std::vector<std::uint8_t>;

std::vector<bytes> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{folder})
    if (entry.is_regular_file())
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<bytes> out;
  for (const auto& file : files) {
    std::ifstream in{file, std::ios::binary};
    out.emplace_back(std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{});
  }
  return out;
}

/// A few small changes: bytes flipped, removed, doubled, cut, or taken from another input.
bytes mutant(const std::vector<bytes>& corpus, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) {
    return n == 0 ? 0 : static_cast<std::size_t>(random() % n);
  };
  auto out = corpus[below(corpus.size())];
  for (auto changes = 1 + below(4); changes > 0; --changes) {
    const auto at = below(out.size() + 1);
    const auto length = std::min(below(16), out.size() - at);
    const auto first = out.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(5)) {
    case 0:
      if (at < out.size())
        out[at] = static_cast<std::uint8_t>(out[at] ^ (1U << below(8)));
      break;
    case 1:
      out.erase(first, first + static_cast<std::ptrdiff_t>(length));
      break;
    case 2: {
      const bytes again(first, first + static_cast<std::ptrdiff_t>(length));
      out.insert(out.begin() + static_cast<std::ptrdiff_t>(at), again.begin(), again.end());
      break;
    }
    case 3:
      out.insert(first, static_cast<std::uint8_t>(random()));
      break;
    default: {
      const auto& other = corpus[below(corpus.size())];
      const auto from = other.begin() + static_cast<std::ptrdiff_t>(below(other.size() + 1));
      const auto most = static_cast<std::size_t>(other.end() - from);
      out.insert(first, from, from + static_cast<std::ptrdiff_t>(std::min(below(64), most)));
    }
    }
  }
  return out;
}

void run(const bytes& input) {
  std::ofstream{"fuzz-input", std::ios::binary}.write(reinterpret_cast<const char*>(input.data()),
                                                      static_cast<std::streamsize>(input.size()));
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

} // namespace

int main(int count, char** arguments) {
  if (count < 2 || count > 4) {
    std::fprintf(stderr, "usage: %s FOLDER [MUTANTS [SEED]]\n", arguments[0]);
    return 2;
  }
  const auto corpus = read_corpus(arguments[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no input in %s\n", arguments[0], arguments[1]);
    return 2;
  }
  const auto mutants = count > 2 ? std::stoul(arguments[2]) : 0;
  const auto seed = count > 3 ? std::stoull(arguments[3]) : std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  for (const auto& input : corpus)
    run(input);
  std::mt19937_64 random{seed};
  for (std::size_t n = 0; n < mutants; ++n)
    run(mutant(corpus, random));
  std::filesystem::remove("fuzz-input");
  std::printf("%zu inputs of the corpus and %lu changed ones held\n", corpus.size(),
              static_cast<unsigned long>(mutants));
  return 0;
}
