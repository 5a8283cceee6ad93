#pragma once

#include "api/json.hpp"
#include "api/objects.hpp"
#include "api/query.hpp"
#include "pinion/storage/store_reader.hpp"

#include <algorithm>
#include <string>

namespace pinion {

inline constexpr std::uint64_t default_page = 100;
inline constexpr std::uint64_t largest_page = 1000;

/// How many pages of the store one answer looks at, so that a filter which hardly anything passes
/// costs a bounded time; the answer then has few items and a cursor to go on with.
inline constexpr int store_pages_per_answer = 20;

/// The page that a request asks for, by `limit` and `cursor`.
inline result<page_request> asked_page(const http_request& request) {
  BOOST_OUTCOME_TRY(limit, query_number(request, "limit", 1, largest_page, default_page));
  return page_request{static_cast<std::size_t>(limit), query_text(request, "cursor")};
}

/// Fills one page of an answer from pages of the store. `fetch(page_request) -> result<page<T>>`;
/// `show(T) -> result<json>`, null for what a filter leaves out.
template <class Fetch, class Show>
result<json> filled_page(page_request ask, Fetch fetch, Show show) {
  json items = json::array();
  const auto wanted = ask.limit;
  for (int round = 0; round < store_pages_per_answer; ++round) {
    ask.limit = wanted - items.size();
    BOOST_OUTCOME_TRY(part, fetch(ask));
    for (const auto& one : part.items) {
      BOOST_OUTCOME_TRY(shown, show(one));
      if (!shown.is_null())
        items.push_back(std::move(shown));
    }
    ask.cursor = std::move(part.next);
    if (ask.cursor.empty() || items.size() == wanted)
      break;
  }
  return objects::list(std::move(items), ask.cursor);
}

/// One page of things that have names and are all at hand, in order of name: the cursor is the last
/// name of the page before. `items`: pairs of name and object.
inline json page_by_name(const page_request& ask, std::vector<std::pair<std::string, json>> items) {
  std::stable_sort(items.begin(), items.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  json shown = json::array();
  std::string last;
  for (auto& [name, object] : items) {
    if (!ask.cursor.empty() && name <= ask.cursor)
      continue;
    if (shown.size() == ask.limit)
      return objects::list(std::move(shown), last);
    last = name;
    shown.push_back(std::move(object));
  }
  return objects::list(std::move(shown), {});
}

} // namespace pinion
