#pragma once

#include "verb.hpp"

#include <functional>
#include <string>
#include <vector>

/// Changes of several things at once: named one by one, read from standard input, or selected by
/// what they are. The list is fixed and shown before anything is changed.
namespace pinion::ctl {

/// What a selection selects.
enum class selects : std::uint8_t { runs_or_instances, workflows };

/// The options of a selection, with `-y` and `--dry-run`.
std::vector<option_spec> selection_options(selects what);

/// What is to be changed.
struct targets {
  std::vector<std::string> refs; ///< Each once, in the order in which they were given or listed.
  json items;                    ///< Of a selection: the things themselves, in the same order.
  bool single = false;           ///< One REF on the command line: nobody is asked.
};

/// The most things that one command changes.
inline constexpr std::size_t most_targets = 100'000;

/// The things that the words, standard input (the word "-") or the selection name. Throws a usage
/// failure if there are none of these, or two kinds of them, and for more than `most_targets`.
targets targets_of(session& now, selects what);

/// Shows what is to be changed and asks, unless it is a single REF or `-y` is given. Throws
/// `refused` if the answer is no, or if standard input is no terminal that could be asked.
void confirm(session& now, const std::string& verb, const targets& what);

/// Asks "QUESTION. Go on?", unless `-y` is given. Throws as above.
void confirm(session& now, const std::string& question);

/// How one of several is changed, and how the answer is told to people.
struct item_change {
  std::string verb;
  std::function<json(const std::string& ref)> make;
  std::function<void(const json& answer)> tell;
};

/// Changes one thing after another. A single one fails as it fails; of several each is tried, the
/// failures are told beside the answers, and the exit code is that of the first that failed. The
/// loss of the engine ends it. With json and yaml one document: the answer of a single one, else
/// `{"items": [{"ref", ...answer or "error"}], "done", "failed", "next": null}`.
exit_code change_each(session& now, const targets& what, const item_change& how);

/// An empty selection: says so.
exit_code nothing_to_do(session& now);

} // namespace pinion::ctl
