#include <algorithm>
#include <cctz/time_zone.h>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <pinion/timing/zone.hpp>
#include <vector>

#include <pinion/timing/near_names.hpp>

namespace pinion {

struct zone::rules {
  std::string name;
  cctz::time_zone data;
};

namespace {

using cctz_seconds = cctz::time_point<cctz::seconds>;

cctz_seconds to_cctz(instant at) noexcept { return std::chrono::floor<cctz::seconds>(at); }

instant from_cctz(cctz_seconds at) noexcept { return instant{at.time_since_epoch()}; }

cctz::civil_second to_cctz(const civil_parts& p) noexcept {
  return cctz::civil_second{p.year,
                            static_cast<int>(p.month),
                            static_cast<int>(p.day),
                            static_cast<int>(p.hour),
                            static_cast<int>(p.minute),
                            static_cast<int>(p.second)};
}

std::string zoneinfo_folder() {
  const char* chosen = std::getenv("TZDIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : "/usr/share/zoneinfo";
}

/// All names of the system's tzdata, links included; empty if its source file is not installed.
std::vector<std::string> known_names() {
  std::vector<std::string> names;
  std::ifstream source{zoneinfo_folder() + "/tzdata.zi"};
  // Lines "Z <name> ..." begin a zone, "L <target> <name>" is a link: see zic(8).
  for (std::string line; std::getline(source, line);) {
    if (line.starts_with("Z "))
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
    else if (line.starts_with("L "))
      names.push_back(line.substr(line.rfind(' ') + 1));
  }
  return names;
}

std::string suggest_zone(std::string_view written) {
  // CST is in America, in Asia and in Cuba: what is near by its letters would be a guess.
  if (written.size() <= 5 &&
      std::all_of(written.begin(), written.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
    return "abbreviations are ambiguous: write the zone, such as Asia/Shanghai or America/Chicago";
  const auto names = known_names();
  if (const auto near = nearest_name(written, names); !near.empty())
    return "did you mean " + near + "?";
  // People often write the city alone.
  const auto city = "/" + lower(written);
  for (const auto& name : names)
    if (lower(name).ends_with(city))
      return "did you mean " + name + "?";
  return "write the name of an IANA time zone, such as Europe/Brussels or UTC";
}

/// cctz takes more than names: paths, "file:", its own "Fixed/..." and the system's "localtime".
bool is_zone_name(std::string_view name) noexcept {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
  };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), legal))
    return false;
  // "right/" counts leap seconds, which UTC instants here do not have.
  for (const auto* other : {"/", "Fixed/", "right/", "posix/", "localtime", "posixrules"})
    if (name.starts_with(other))
      return false;
  return true;
}

} // namespace

zone::zone() noexcept {
  static const rules utc{"UTC", cctz::utc_time_zone()};
  rules_ = &utc;
}

result<zone> zone::load(std::string_view name) {
  if (name == "UTC")
    return zone{};
  const auto unknown = [name] {
    return problem{errc::invalid,
                   "there is no time zone \"" + std::string{name.substr(0, 80)} + "\"",
                   suggest_zone(name)};
  };
  if (!is_zone_name(name))
    return unknown();
  // Never destroyed: zones are values without an owner, also in what ends after main.
  static auto& mutex = *new std::mutex;
  static auto& loaded = *new std::map<std::string, std::unique_ptr<rules>, std::less<>>;
  const std::lock_guard lock{mutex};
  if (const auto known = loaded.find(name); known != loaded.end())
    return zone{known->second.get()};
  cctz::time_zone data;
  if (!cctz::load_time_zone(std::string{name}, &data))
    return unknown();
  auto fresh = std::make_unique<rules>(rules{std::string{name}, data});
  return zone{loaded.emplace(name, std::move(fresh)).first->second.get()};
}

const std::string& zone::name() const noexcept { return rules_->name; }

std::chrono::seconds zone::offset_at(instant at) const noexcept {
  return std::chrono::seconds{rules_->data.lookup(to_cctz(at)).offset};
}

civil_time zone::local(instant at) const noexcept {
  return civil_time{at.time_since_epoch() + offset_at(at)};
}

civil_instants zone::instants_of(civil_time at) const noexcept {
  const auto found = rules_->data.lookup(to_cctz(parts_of(at)));
  const auto fraction = at - std::chrono::floor<std::chrono::seconds>(at);
  switch (found.kind) {
  case cctz::time_zone::civil_lookup::UNIQUE:
    break;
  case cctz::time_zone::civil_lookup::SKIPPED:
    return {civil_kind::skipped, from_cctz(found.trans), from_cctz(found.trans)};
  case cctz::time_zone::civil_lookup::REPEATED:
    return {civil_kind::repeated, from_cctz(found.pre) + fraction,
            from_cctz(found.post) + fraction};
  }
  return {civil_kind::unique, from_cctz(found.pre) + fraction, from_cctz(found.pre) + fraction};
}

offset_span zone::find_span(instant at) const noexcept {
  const auto& data = rules_->data;
  const auto here = to_cctz(at);
  const auto offset = offset_at(at);
  offset_span span{instant::min(), instant::max(), offset, offset, offset};
  cctz::time_zone::civil_transition change;
  // The change at `at` itself is the beginning of its span: hence "before the next second".
  if (data.prev_transition(here + cctz::seconds{1}, &change)) {
    span.begin = instant{std::chrono::seconds{change.to - cctz::civil_second{}} - offset};
    span.before = offset - std::chrono::seconds{change.to - change.from};
  }
  if (data.next_transition(here, &change)) {
    span.end = instant{std::chrono::seconds{change.from - cctz::civil_second{}} - offset};
    span.after = offset + std::chrono::seconds{change.to - change.from};
  }
  return span;
}

offset_span zone::span_at(instant at) const noexcept {
  // Slots are asked for one after the other, and a span lasts for months: remembering the last one
  // saves three searches in the zone's changes. Zones live for ever, so an address names one.
  struct known_span {
    const rules* of = nullptr;
    offset_span span{};
  };
  thread_local known_span last;
  if (last.of != rules_ || at < last.span.begin || at >= last.span.end)
    last = {rules_, find_span(at)};
  return last.span;
}

std::string tzdata_version() {
  std::ifstream source{zoneinfo_folder() + "/tzdata.zi"};
  std::string line;
  constexpr std::string_view mark = "# version ";
  if (std::getline(source, line) && line.starts_with(mark))
    return line.substr(mark.size());
  return "unknown";
}

instant resolve(civil_time at, zone in) noexcept { return in.instants_of(at).first; }

instant begin_of(civil_day day, zone in) noexcept { return resolve(day, in); }

instant begin_of(instant at, calendar_unit unit, zone in) noexcept {
  const auto begin = begin_of(in.local(at), unit);
  if (unit >= calendar_unit::day)
    return resolve(begin, in);
  const auto span = in.span_at(at);
  const instant same_offset{begin.time_since_epoch() - span.offset};
  return span.before == span.offset ? same_offset : std::max(same_offset, span.begin);
}

civil_day day_of(instant at, zone in) noexcept { return day_of(in.local(at)); }

civil_day biz_date(instant slot, zone in) noexcept {
  return day_of(slot, in) - std::chrono::days{1};
}

instant add(instant at, calendar_unit unit, std::int64_t count, zone in) noexcept {
  return unit < calendar_unit::day
             ? instant{add(civil_time{at.time_since_epoch()}, unit, count).time_since_epoch()}
             : resolve(add(in.local(at), unit, count), in);
}

} // namespace pinion
