#include "fuzz_target.hpp"

#include "execution/launch_journal.hpp"
#include "execution/outputs.hpp"
#include "execution/protocol.hpp"

#include <fcntl.h>
#include <unistd.h>

using namespace pinion;
using fuzz::require;

namespace {

/// All messages of the bytes, which come in pieces of `piece` bytes, encoded again; where the
/// stream breaks off, nothing more.
std::string messages_of(std::string_view bytes, std::size_t piece) {
  std::string out;
  frame_buffer frames;
  while (!bytes.empty()) {
    frames.append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      const auto next = frames.next();
      if (!next)
        return out + "broken";
      if (!next.value())
        break;
      append_frame(out, *next.value());
    }
  }
  return out;
}

void read_frames(std::string_view bytes) {
  const auto whole = messages_of(bytes, std::max<std::size_t>(bytes.size(), 1));
  require(messages_of(bytes, 7) == whole, "messages do not depend on how their bytes arrive");
  if (!whole.ends_with("broken"))
    require(messages_of(whole, std::max<std::size_t>(whole.size(), 1)) == whole,
            "what was sent is what is read");
}

/// The folder of the journal under test, in memory where the system has that.
const std::string& folder() {
  static const std::string made = [] {
    std::string name =
        ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/pinion-fuzz-XXXXXX" : "/tmp/pinion-fuzz-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr, "a temporary folder can be made");
    static std::string kept;
    kept = name;
    std::atexit([] { static_cast<void>(remove_tree(kept)); });
    return name;
  }();
  return made;
}

void read_journal(std::string_view bytes) {
  const auto path = folder() + "/launcher.journal";
  const int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  require(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
          "the journal can be written");
  ::close(fd);
  const auto history = launch_journal::read(folder());
  require(history.has_value() || !history.error().message.empty(), "a refusal has a sentence");
  if (!history)
    return;
  // Taken over by the next launcher, it says the same.
  const auto taken_over = launch_journal::open(folder(), history.value());
  require(taken_over.has_value(), "a journal that can be read can be taken over");
  require(taken_over.value().known().entries.size() == history.value().entries.size() &&
              taken_over.value().known().epoch == history.value().epoch,
          "nothing is lost on the way");
}

} // namespace

/// The first byte: `j` for a journal, `o` for a file of outputs, else frames of the socket.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = fuzz::text_of(data, size);
  const auto kind = fuzz::take_byte(bytes);
  if (kind == 'j') {
    read_journal(bytes);
  } else if (kind == 'o') {
    const auto outputs = parse_outputs(bytes);
    require(outputs.has_value() || !outputs.error().message.empty(), "a refusal has a sentence");
  } else {
    read_frames(bytes);
  }
  return 0;
}
