#pragma once

#include "execution/protocol.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pinion {

/// The files of processes on the engine's side: made before the start, read after the end, given up
/// once that is durable.
///
/// They lie in slots, `DIR/work/<slot>/`: `script`, `inputs.json`, `params.json`, `stdin`, `output`
/// (PINION_OUTPUT, empty at the start) and `tmp/` (TMPDIR). A slot belongs to one process at a time
/// and is then used again, its files overwritten in place: ext4 does not give out an inode for a
/// minute after it was freed, and searching past those costs more than the process when thousands
/// of files a minute come and go. Inputs and parameters that are "{}" share `DIR/work/empty.json`.
///
/// A launcher may tell again of a process whose end is durable here, because it died before it
/// could forget it: such a process has no claim to its slot, which may be another's by then.
///
/// For one thread.
class staging {
public:
  /// Fails with `errc::os_failure` or `errc::unavailable` when the slots of former engines cannot
  /// be listed: any of them may be in use.
  static result<staging> open(std::string data_dir);

  /// Makes the files and the message that starts the process. Asked again for a key, it changes
  /// nothing and returns the same place. Fails with `errc::os_failure`, `errc::unavailable` for
  /// want of descriptors or memory, or `errc::limit` for a message that is too large.
  result<wire::start> stage(const start_request& request);

  /// The launcher says that the process has its files in `slot` (0: it has none). It gets them if
  /// they are its own or a former engine's; a slot that was given out or freed here stays as it is.
  void adopt(const process_key& key, std::uint32_t slot);

  /// The launcher has told of all that it knows: what is in use has been adopted, or is in `others`
  /// and will be. The remaining slots of former engines are free.
  void all_adopted(const std::vector<std::uint32_t>& others);

  /// Fills in the outputs of a process that has exited with 0; nothing for one that has no slot.
  /// Fails with `errc::unavailable`, and nothing is filled in, for want of descriptors or memory:
  /// the process is not to be blamed for it.
  result<void> collect(const process_key& key, process_end& end) const;

  /// The process is gone and its end durable: its slot is emptied for the next.
  void release(const process_key& key);

private:
  explicit staging(std::string data_dir) : data_dir_{std::move(data_dir)} {}
  std::string path_of(std::uint32_t slot) const;
  result<std::uint32_t> take_slot();
  result<void> make_slot(std::uint32_t slot) const;
  void free_slot(std::uint32_t slot);
  bool is_held(std::uint32_t former) const;
  void let_go(std::uint32_t slot);
  result<void> fill(const start_request& request, wire::start& to);
  result<std::string> place_json(const std::string& path, const std::string& text);

  std::string data_dir_;
  bool has_empty_json_ = false;
  std::uint32_t next_ = 1;
  std::map<process_key, std::uint32_t> used_;
  std::vector<std::uint32_t> free_;
  /// Slots of former engines that have not been freed since, and how many processes have adopted
  /// each. Two may: the one before has ended, but its launcher could not record that it is to be
  /// forgotten.
  std::map<std::uint32_t, std::size_t> former_;
  /// Those of them whose process the launcher will still tell of.
  std::multiset<std::uint32_t> awaited_;
  /// Until then any of `former_` may turn out to be in use.
  bool told_all_ = false;
};

} // namespace pinion
