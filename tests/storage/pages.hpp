#pragma once

#include "pinion/storage/store_reader.hpp"

#include <stdexcept>
#include <vector>

namespace pinion::test {

/// All pages of a list, one after another. `list`: page_request -> result<page<T>>.
template <class T, class List>
std::vector<T> all_pages(std::size_t limit, List list) {
  std::vector<T> all;
  page_request ask{limit, {}};
  do {
    auto part = list(ask).value();
    if (part.items.size() > limit)
      throw std::logic_error{"a page is longer than its limit"};
    all.insert(all.end(), part.items.begin(), part.items.end());
    ask.cursor = std::move(part.next);
  } while (!ask.cursor.empty());
  return all;
}

} // namespace pinion::test
