#pragma once

#include "pinion/model/definition.hpp"
#include "pinion/storage/kv.hpp"
#include "pinion/timing/problem.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

/// One thing that does not hold in a store.
struct store_finding {
  /// Of the twelve of the design; 0: what lists and counters rest on.
  int invariant = 0;
  std::string rule;    ///< A stable name, such as "index_missing".
  std::string key;     ///< The row: family, a slash, the key with other bytes as \x00.
  std::string message; ///< A sentence with the values.
  std::string mend;
  bool note = false; ///< Worth a look, not wrong by itself.
  /// What makes it hold again, where other rows say what must stand there; else empty.
  kv_batch repair;
};

struct store_check_limits {
  std::uint64_t rows = ~std::uint64_t{0}; ///< Rows looked at; the check then ends early.
  std::size_t findings = 1'000;           ///< Kept; further ones are counted.
};

struct store_check_report {
  std::vector<store_finding> findings;
  std::uint64_t more_findings = 0;            ///< Beside those above.
  bool complete = true;                       ///< False: `limits.rows` ended the check.
  std::map<std::string, std::uint64_t> rows;  ///< By kind, as "runs" or "index: state"; those read.
  std::map<std::string, std::uint64_t> bytes; ///< Keys and values of these rows.

  /// Nothing was found but notes.
  bool ok() const noexcept;
};

/// How the text of a version becomes a definition: the store does not know YAML or JSON.
using definition_reader =
    std::function<result<std::shared_ptr<const workflow_definition>>(const std::string& canonical)>;
/// Capacities of the pools in the settings (JSON text) of a project.
using pools_reader =
    std::function<result<std::map<std::string, std::uint32_t>>(const std::string& settings)>;

struct store_check_readers {
  definition_reader definition;
  pools_reader pools;
};

/// Checks that all rows of a store fit together, in both directions: each index row and counter
/// against the rows that it stands for and these against it; permits, attempts, instances and runs
/// against each other; a run's state and counts against what its instances say; slots, the plan,
/// natural keys, needs, versions, backfills, the audit. What must stand beside a row is asked of
/// the writers in rows.hpp themselves.
///
/// `rows` must not change meanwhile: give it a snapshot. Memory grows with the number of workflows,
/// backfills and pools and with the largest run, not with the store. Fails only if the store cannot
/// be read; rows that are damaged are findings.
result<store_check_report> check_store(const kv_reader& rows, const store_check_readers& readers,
                                       store_check_limits limits = {});

/// Family and key as text; bytes outside 0x21..0x7e, and backslashes, as \x00.
std::string printed_key(family in, std::string_view key);

} // namespace pinion
