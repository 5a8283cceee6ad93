#pragma once

#include "execution/protocol.hpp"

#include <string>

namespace pinion {

/// The files of an attempt on the engine's side: made before its start, read after its end, removed once that is
/// durable. They lie in `DIR/work/r<run>/`, named by the process key: `.sh` the script, `.out`
/// PINION_OUTPUT (made by the task when it writes one), `.in.json`, `.params.json`, `.stdin`, `.tmp/` TMPDIR. Inputs and
/// parameters that are "{}" share `DIR/work/empty.json`: a file costs a tenth of a process.
class staging {
public:
  explicit staging(std::string data_dir) : data_dir_{std::move(data_dir)} {}

  /// Removes empty folders of past runs. What is not empty belongs to the living, or to ends that are not acknowledged.
  void sweep() const;

  /// Makes the files and the message that starts the process. A process that runs already keeps
  /// the files it has open. Fails with `errc::os_failure`, `errc::limit` for a message that is too large.
  result<wire::start> stage(const start_request& request);

  /// Fills in the outputs of a process that has ended well.
  void collect(const process_key& key, process_end& end) const;

  /// Removes the files of a process.
  void remove(const process_key& key) const;

private:
  std::string base_of(const process_key& key) const;
  result<void> make_folders(const process_key& key) const;
  result<std::string> place_json(const std::string& path, const std::string& text);

  std::string data_dir_;
  bool has_empty_json_ = false;
};

} // namespace pinion
