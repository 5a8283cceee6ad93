#pragma once

#include "show.hpp"
#include "verb.hpp"

#include <functional>
#include <string>

namespace pinion::ctl {

/// A list as `get` shows it, to be followed.
struct watched_kind {
  std::string name;     ///< As the engine knows it: "runs".
  std::string name_key; ///< What names a row.
  query values;         ///< Filters of the engine's events.
  /// Fetches the list: at the beginning, when more has changed than the engine remembers, and for
  /// kinds of which it tells only that something has changed.
  /// {items, next}: `next` is null if nothing was left out.
  std::function<json()> list;
  /// Which things are meant, of those that events tell of.
  std::function<bool(const json& item)> passes = [](const json&) { return true; };
  bool shares_names = false; ///< Several rows may have one name: only all of a row tells it apart.
};

/// Prints a list, then what changes of it, until somebody ends it: rows below the table for people,
/// with json one object {event, object} a line.
exit_code watch_list(session& now, watched_kind what);

} // namespace pinion::ctl
