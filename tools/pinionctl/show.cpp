#include "show.hpp"

#include <cmath>
#include <cstdio>

namespace pinion::ctl {
namespace {

constexpr std::size_t longest_cell = 60;

const json* at_path(const json& object, const std::string& path) {
  const auto* here = &object;
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find('.', begin), path.size());
    const auto found =
        here->is_object() ? here->find(path.substr(begin, end - begin)) : here->end();
    if (!here->is_object() || found == here->end())
      return nullptr;
    here = &*found;
    begin = end + 1;
  }
  return here;
}

/// "2026-11-19T18:00:00.000000Z" -> "2026-11-19 18:00:00Z": tables are for people.
std::string short_time(const std::string& text) {
  return text.substr(0, 10) + ' ' + text.substr(11, 8) + 'Z';
}

bool is_time(const std::string& text) {
  return text.size() == 27 && text[10] == 'T' && text.back() == 'Z';
}

std::string list_text(const json& value) {
  std::string text;
  if (value.is_object()) {
    for (const auto& [name, one] : value.items())
      text += (text.empty() ? "" : " ") + name + '=' +
              (one.is_string() ? one.get<std::string>() : dump(one));
    return text;
  }
  for (const auto& one : value) {
    const auto name = one.is_object()   ? text_of(one, one.contains("trigger") ? "trigger" : "id")
                      : one.is_string() ? one.get<std::string>()
                                        : dump(one);
    text += (text.empty() ? "" : ",") + name;
  }
  return text;
}

std::string shortened(std::string text) {
  if (text.size() <= longest_cell)
    return text;
  auto end = longest_cell - 3;
  while (end > 0 && (text[end] & '\xC0') == '\x80')
    --end;
  return text.substr(0, end) + "...";
}

std::string one_line(std::string text) {
  for (auto& c : text)
    if (c == '\n' || c == '\t')
      c = ' ';
  return escaped(text);
}

} // namespace

std::string duration_text(double seconds) {
  char text[64];
  const auto whole = static_cast<long long>(seconds);
  const double rest = seconds - static_cast<double>(whole - whole % 60);
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%lldh%02lldm%02.0fs", whole / 3600, whole / 60 % 60, rest);
  else if (whole >= 60)
    std::snprintf(text, sizeof text, "%lldm%04.1fs", whole / 60, rest);
  else
    std::snprintf(text, sizeof text, "%.3fs", seconds);
  return text;
}

std::string cell_of(const json& object, const std::string& path) {
  const auto* value = at_path(object, path);
  if (value == nullptr || value->is_null())
    return "-";
  if (value->is_number() && path.ends_with("_s"))
    return duration_text(value->get<double>());
  if (value->is_boolean())
    return value->get<bool>() ? "yes" : "no";
  if (value->is_string()) {
    const auto text = value->get<std::string>();
    return text.empty() ? "-" : is_time(text) ? short_time(text) : one_line(text);
  }
  if (value->is_structured())
    return value->empty() ? "-" : one_line(list_text(*value));
  return dump(*value);
}

void print_items(console& out, const json& items, const std::vector<field>& fields,
                 const std::string& name_key) {
  if (out.chosen() == format::name) {
    for (const auto& item : items)
      out.line(escaped(text_of(item, name_key.c_str())));
    return;
  }
  out.print(rows_of(out, items, fields));
}

table rows_of(const console& out, const json& items, const std::vector<field>& fields) {
  std::vector<table::column> columns;
  for (const auto& one : fields)
    if (!one.wide || out.chosen() == format::wide)
      columns.push_back({one.title, one.is_state});
  table rows{std::move(columns)};
  for (const auto& item : items) {
    std::vector<std::string> cells;
    for (const auto& one : fields)
      if (!one.wide || out.chosen() == format::wide)
        cells.push_back(shortened(cell_of(item, one.path)));
    rows.add(std::move(cells));
  }
  return rows;
}

void print_fields(console& out, const json& object, const std::vector<field>& fields) {
  std::size_t width = 0;
  for (const auto& one : fields)
    width = std::max(width, one.path.size() + 2);
  for (const auto& one : fields) {
    const auto value = cell_of(object, one.path);
    if (value == "-")
      continue;
    auto title = one.path + ':';
    title.resize(width, ' ');
    out.line(out.dim(title) + (one.is_state ? out.state(value) : value));
  }
}

void print_object(console& out, const json& object, const std::vector<field>& fields) {
  if (out.chosen() == format::as_json || out.chosen() == format::yaml)
    return out.document(object);
  if (out.chosen() == format::name)
    return out.line(escaped(text_of(object, "id")));
  print_fields(out, object, fields);
}

void print_timeline(console& out, const json& events) {
  table rows{{{"AT"}, {"WHAT"}, {"EVENT", true}, {"REASON"}, {"MESSAGE"}}};
  for (const auto& event : events) {
    const auto at = text_of(event, "at");
    rows.add({is_time(at) ? at.substr(0, 10) + ' ' + at.substr(11, 12) + 'Z' : at,
              cell_of(event, "ref"), cell_of(event, "event"), cell_of(event, "reason"),
              shortened(cell_of(event, "message"))});
  }
  if (!rows.empty())
    out.print(rows);
}

} // namespace pinion::ctl
