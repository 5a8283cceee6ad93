#pragma once

#include "console.hpp"

#include <initializer_list>
#include <string>
#include <vector>

namespace pinion::ctl {

/// One column of a table of objects.
struct field {
  std::string title;
  std::string path;  ///< Key, or keys with dots between: "data_interval.start".
  bool wide = false; ///< Only with -o wide.
  bool is_state = false;
};

/// The value at a path as a cell: times to the second in UTC, durations as 1m30s, lists and maps
/// short, null as "-".
std::string cell_of(const json& object, const std::string& path);

/// 93.5 as "1m33.500s"; small ones as "0.250s".
std::string duration_text(double seconds);

/// Prints items as table, wide or name; the `id` (or `name_key`) of each is its name.
void print_items(console& out, const json& items, const std::vector<field>& fields,
                 const std::string& name_key = "id");

/// Items as rows of a table, with the columns that the format shows.
table rows_of(const console& out, const json& items, const std::vector<field>& fields);

/// Prints `title: value` lines that line up.
void print_fields(console& out, const json& object, const std::vector<field>& fields);

/// One object: a document, its name, or its fields.
void print_object(console& out, const json& object, const std::vector<field>& fields);

/// The columns of a kind, as "runs"; empty for an unknown kind.
const std::vector<field>& fields_of(const std::string& kind);

/// The timeline of a description.
void print_timeline(console& out, const json& events);

} // namespace pinion::ctl
