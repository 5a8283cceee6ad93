#include <algorithm>
#include <functional>
#include <pinion/timing/cron.hpp>
#include <rapidcheck.h>

#include "timing/times.hpp"

using namespace pinion;

namespace {

using std::chrono::days;

/// A field as text, and what it means read naively.
struct naive_field {
  std::string text;
  std::vector<int> values;

  bool has(int value) const {
    return std::find(values.begin(), values.end(), value) != values.end();
  }
  void add(const std::string& element) { text += (text.empty() ? "" : ",") + element; }
};

struct range {
  int least;
  int most;
};

int any_in(range r) { return *rc::gen::inRange(r.least, r.most + 1); }

/// Adds an element of values. The values are counted off one by one, round the end of the field.
void add_values(naive_field& out, range r, bool may_wrap, bool quartz) {
  const auto first = any_in(r);
  const auto step = *rc::gen::inRange(1, quartz ? std::min(r.most, 7) + 1 : 70);
  const auto slash = "/" + std::to_string(step);
  const auto count_off = [&](int from, int to, int by) {
    for (int value = from, n = 0;; ++value, ++n) {
      if (value > r.most)
        value = r.least;
      if (n % by == 0)
        out.values.push_back(value);
      if (value == to)
        return;
    }
  };
  switch (*rc::gen::inRange(0, 5)) {
  case 0:
    out.add(std::to_string(first));
    out.values.push_back(first);
    return;
  case 1:
    out.add("*" + slash);
    return count_off(r.least, r.most, step);
  case 2:
    out.add(std::to_string(first) + slash);
    return count_off(first, r.most, step);
  default: {
    const auto last = may_wrap ? any_in(r) : any_in({first, r.most});
    const bool stepped = *rc::gen::inRange(0, 2) == 0;
    out.add(std::to_string(first) + "-" + std::to_string(last) + (stepped ? slash : ""));
    return count_off(first, last, stepped ? step : 1);
  }
  }
}

naive_field any_field(range r, bool quartz, bool may_wrap = true) {
  naive_field out;
  for (int n = *rc::gen::inRange(1, 4); n > 0; --n)
    add_values(out, r, may_wrap, quartz);
  return out;
}

/// What a day rule is asked.
struct naive_date {
  int year;
  int month;
  int day;
  int last;
  int weekday; ///< 0 is Sunday.
};

naive_date date_of(civil_day day) {
  const auto p = parts_of(day);
  return {p.year, static_cast<int>(p.month), static_cast<int>(p.day),
          static_cast<int>(days_in_month(p.year, p.month)), static_cast<int>(p.weekday)};
}

using day_test = std::function<bool(const naive_date&)>;

/// Is the date the weekday nearest to day `n` of its month?
bool is_nearest(const naive_date& date, int n) {
  if (n > date.last || n < 1 || date.weekday == 0 || date.weekday == 6)
    return false;
  // The weekday of day n, seen from here.
  const auto there = ((date.weekday + n - date.day) % 7 + 7 * 6) % 7;
  if (there == 6)
    return n == 1 ? date.day == 3 : date.day == n - 1;
  if (there == 0)
    return n == date.last ? date.day == n - 2 : date.day == n + 1;
  return date.day == n;
}

struct day_field {
  std::string text;
  day_test matches;
};

day_field any_days(bool quartz) {
  naive_field out;
  std::vector<day_test> tests;
  for (int n = *rc::gen::inRange(1, 4); n > 0; --n) {
    const auto k = *rc::gen::inRange(1, 29);
    switch (*rc::gen::inRange(0, 6)) {
    case 0:
      out.add("L");
      tests.push_back([](const auto& d) { return d.day == d.last; });
      break;
    case 1:
      out.add("L-" + std::to_string(k));
      tests.push_back([k](const auto& d) { return d.day == d.last - k; });
      break;
    case 2:
      out.add(std::to_string(k) + "W");
      tests.push_back([k](const auto& d) { return is_nearest(d, k); });
      break;
    case 3:
      out.add("LW");
      tests.push_back([](const auto& d) { return is_nearest(d, d.last); });
      break;
    case 4:
      if (quartz) {
        out.add("L-" + std::to_string(k) + "W");
        tests.push_back([k](const auto& d) { return is_nearest(d, d.last - k); });
        break;
      }
      out.add(std::to_string(k) + "-L/3");
      tests.push_back([k](const auto& d) { return d.day >= k && (d.day - k) % 3 == 0; });
      break;
    default:
      add_values(out, {1, 31}, true, quartz);
    }
  }
  return {out.text, [tests, values = out](const naive_date& d) {
            return values.has(d.day) || std::any_of(tests.begin(), tests.end(),
                                                    [&](const auto& test) { return test(d); });
          }};
}

/// Weekdays of unix, 0-6, with `d#k` in lists.
day_field any_unix_weekdays() {
  naive_field out;
  std::vector<day_test> tests;
  for (int n = *rc::gen::inRange(1, 3); n > 0; --n) {
    const auto weekday = *rc::gen::inRange(0, 7);
    const auto k = *rc::gen::inRange(1, 6);
    if (*rc::gen::inRange(0, 3) == 0) {
      out.add(std::to_string(weekday) + "#" + std::to_string(k));
      tests.push_back(
          [=](const auto& d) { return d.weekday == weekday && (d.day - 1) / 7 + 1 == k; });
      continue;
    }
    const auto last = *rc::gen::inRange(0, 7);
    out.add(std::to_string(weekday) + "-" + std::to_string(last));
    for (auto day = weekday;; day = (day + 1) % 7) {
      out.values.push_back(day);
      if (day == last)
        break;
    }
  }
  return {out.text, [tests, values = out](const naive_date& d) {
            return values.has(d.weekday) ||
                   std::any_of(tests.begin(), tests.end(), [&](const auto& t) { return t(d); });
          }};
}

/// Weekdays of Quartz, 1-7.
day_field any_quartz_weekdays() {
  const auto weekday = *rc::gen::inRange(1, 8);
  const auto text = std::to_string(weekday);
  const auto k = *rc::gen::inRange(1, 6);
  switch (*rc::gen::inRange(0, 4)) {
  case 0:
    return {"L", [](const auto& d) { return d.weekday == 6; }};
  case 1:
    return {text + "L",
            [=](const auto& d) { return d.weekday + 1 == weekday && d.day > d.last - 7; }};
  case 2:
    return {text + "#" + std::to_string(k),
            [=](const auto& d) { return d.weekday + 1 == weekday && (d.day - 1) / 7 + 1 == k; }};
  default: {
    const auto field = any_field({1, 7}, true);
    return {field.text, [field](const auto& d) { return field.has(d.weekday + 1); }};
  }
  }
}

struct naive_cron {
  naive_field second, minute, hour, month, year;
  std::string day, weekday;
  day_test matches_day;

  std::string text() const {
    return second.text + " " + minute.text + " " + hour.text + " " + day + " " + month.text + " " +
           weekday + " " + year.text;
  }
  bool on(civil_day at) const {
    const auto date = date_of(at);
    return year.has(date.year) && month.has(date.month) && matches_day(date);
  }
};

naive_cron any_cron(bool quartz) {
  naive_cron out{any_field({0, 59}, quartz),
                 any_field({0, 59}, quartz),
                 any_field({0, 23}, quartz),
                 any_field({1, 12}, quartz),
                 any_field({1970, 2099}, quartz, false),
                 {},
                 {},
                 {}};
  const auto of_month = any_days(quartz);
  const auto of_week = quartz ? any_quartz_weekdays() : any_unix_weekdays();
  out.day = of_month.text;
  out.weekday = of_week.text;
  const auto form = *rc::gen::inRange(0, 3);
  if (form == 0 || (form == 1 && quartz)) {
    out.weekday = quartz ? "?" : "*";
    out.matches_day = of_month.matches;
  } else if (form == 1) {
    // A field that begins with * restricts, but is not joined by "or".
    out.day = "*/2";
    out.matches_day = [of_week](const auto& d) { return d.day % 2 == 1 && of_week.matches(d); };
  } else if (quartz) {
    out.day = "?";
    out.matches_day = of_week.matches;
  } else {
    const bool starts_open = of_month.text.starts_with('*');
    out.matches_day = [=](const auto& d) {
      return starts_open ? of_month.matches(d) && of_week.matches(d)
                         : of_month.matches(d) || of_week.matches(d);
    };
  }
  return out;
}

template <class Set>
void same_values(const naive_field& field, Set set, range r) {
  for (int value = r.least; value <= r.most; ++value)
    RC_ASSERT(field.has(value) == ((std::uint64_t{set} >> value & 1) != 0));
}

} // namespace

TEST_CASE("an expression of either dialect means what its elements mean", "[cron]") {
  CHECK(rc::check([] {
    const bool quartz = *rc::gen::inRange(0, 2) == 0;
    const auto cron = any_cron(quartz);
    const auto text = cron.text();
    RC_LOG() << (quartz ? "quartz " : "unix ") << text;
    const auto got =
        cron_expression::parse(text, quartz ? cron_dialect::quartz : cron_dialect::unix_cron);
    const auto start =
        day_of(make_civil(*rc::gen::inRange(1970, 2097), 1, 1)) + days{*rc::gen::inRange(0, 365)};
    if (!got) {
      RC_ASSERT(got.error().message.find("never comes") != std::string::npos);
      for (auto day = start; day < start + days{800}; day += days{1})
        RC_ASSERT(!cron.on(day));
      return;
    }
    const auto& fields = got.value().fields();
    same_values(cron.second, fields.seconds, {0, 59});
    same_values(cron.minute, fields.minutes, {0, 59});
    same_values(cron.hour, fields.hours, {0, 23});
    same_values(cron.month, fields.months, {1, 12});
    std::vector<civil_day> expected;
    for (auto day = start; day < start + days{800}; day += days{1})
      if (cron.on(day))
        expected.push_back(day);
    std::vector<civil_day> found;
    for (auto t = fields.next(start, start + days{800}); t;
         t = fields.next(day_of(*t) + days{1}, start + days{800}))
      found.push_back(day_of(*t));
    RC_ASSERT(found == expected);
    std::vector<civil_day> back;
    for (auto t = fields.previous(start, start + days{800}); t;
         t = fields.previous(start, day_of(*t)))
      back.insert(back.begin(), day_of(*t));
    RC_ASSERT(back == expected);
  }));
}
