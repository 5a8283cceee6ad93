#include "definitions/dialect_parts.hpp"

#include <algorithm>
#include <array>

namespace pinion::definitions::dialects {
namespace {

/// A format of DataWorks in our letters, and the smallest unit in it.
struct read_format {
  std::string ours;
  char smallest = 0; ///< y, m (month), d, h, i (minute), s.
};

/// Nothing if there is any other letter, or no unit at all.
std::optional<read_format> format_of(std::string_view text, bool with_time) {
  struct spelling {
    std::string_view theirs;
    std::string_view ours;
    char unit;
    bool time;
  };
  static constexpr std::array<spelling, 8> known{{{"yyyy", "yyyy", 'y', false},
                                                  {"yy", "yy", 'y', false},
                                                  {"mm", "MM", 'm', false},
                                                  {"dd", "dd", 'd', false},
                                                  {"hh24", "HH", 'h', true},
                                                  {"hh", "HH", 'h', true},
                                                  {"mi", "mm", 'i', true},
                                                  {"ss", "ss", 's', true}}};
  constexpr std::string_view order = "ymdhis";
  read_format made;
  while (!text.empty()) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const spelling& each) {
      return text.starts_with(each.theirs) && (with_time || !each.time);
    });
    if (found != known.end()) {
      made.ours += found->ours;
      if (made.smallest == 0 || order.find(found->unit) > order.find(made.smallest))
        made.smallest = found->unit;
      text.remove_prefix(found->theirs.size());
    } else if (is_word_char(text.front()) && text.front() != '_') {
      return std::nullopt;
    } else {
      made.ours += text.front();
      text.remove_prefix(1);
    }
  }
  return made.smallest == 0 ? std::nullopt : std::optional{std::move(made)};
}

problem unreadable(const std::string& form, std::string mend) {
  return {errc::invalid, '`' + form + "` cannot be read as a time of DataWorks", std::move(mend)};
}

} // namespace

meaning works_braces(std::string_view inner, std::span<const std::string> params) {
  if (std::find(params.begin(), params.end(), inner) != params.end())
    return "params." + std::string{inner};
  const auto [text, offset] = split_offset(inner);
  const auto format = format_of(text, false);
  if (!format)
    return std::optional<std::string>{};
  std::string ours = "-1d"; // The business date.
  if (!offset.empty()) {
    const auto count = fraction_of(offset);
    if (!count || count->over % count->under != 0)
      return unreadable("${" + std::string{inner} + '}',
                        "write whole years, months or days behind the format: those of its "
                        "smallest unit");
    const auto* unit = format->smallest == 'y' ? "year" : format->smallest == 'm' ? "month" : "d";
    ours += signed_text(count->over / count->under, unit);
  }
  return date_call(format->ours, ours, {});
}

meaning works_brackets(std::string_view inner) {
  const auto form = "$[" + std::string{inner} + ']';
  if (inner.find_first_of("ymdhs") == std::string_view::npos)
    return std::optional<std::string>{}; // Old arithmetic of the shell.
  if (inner.starts_with("add_months(") && inner.ends_with(')')) {
    const auto args = arguments_of(inner.substr(11, inner.size() - 12));
    const auto format = args.size() == 2 ? format_of(args[0], true) : std::nullopt;
    const auto count = args.size() == 2 ? fraction_of(args[1]) : std::nullopt;
    if (!format || !count || count->over % count->under != 0)
      return unreadable(form, "write $[add_months(yyyymmdd,-1)]");
    const auto months = count->over / count->under;
    return date_call(format->ours, months == 0 ? std::string{} : signed_text(months, "month"), {});
  }
  const auto [text, offset] = split_offset(inner);
  const auto format = format_of(text, true);
  if (!format)
    return unreadable(form, "formats have yyyy, yy, mm (months), dd, hh24, mi (minutes) and ss");
  if (offset.empty())
    return date_call(format->ours, {}, {});
  const auto days = fraction_of(offset);
  const auto ours = days ? day_offset(*days) : std::nullopt;
  if (!ours)
    return unreadable(form, "write -N days, -N/24 hours or -N/24/60 minutes behind the format");
  return date_call(format->ours, *ours, {});
}

meaning works_word(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> known{{
      {"bizdate", "date('yyyyMMdd', '-1d')"},
      {"cyctime", "date('yyyyMMddHHmmss')"},
      {"gmtdate", "date('yyyyMMdd')"},
      {"bizmonth", "date('yyyyMM', '-1month')"},
      {"jobid", "run.id"},
  }};
  for (const auto& [theirs, ours] : known)
    if (name == theirs)
      return std::string{ours};
  return std::optional<std::string>{};
}

} // namespace pinion::definitions::dialects
