#include <fstream>
#include <pinion/timing/cron.hpp>
#include <set>
#include <sstream>
#include <vector>

#include "timing/times.hpp"

using namespace pinion;

namespace {

/// One line of a table: its cells stand between " | ".
struct table_row {
  std::string place; ///< unix.txt:12
  std::vector<std::string> cells;
};

/// The rows of a table beside this file, without blank lines and comments (`# ...`).
std::vector<table_row> read_table(const std::string& name) {
  constexpr std::string_view border = " | ";
  std::ifstream in{std::string{PINION_DIALECTS_DIR} + "/" + name};
  INFO(name);
  REQUIRE(in);
  std::vector<table_row> rows;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.front() == '#')
      continue;
    table_row row{name + ":" + std::to_string(number), {}};
    std::size_t begin = 0;
    for (auto end = line.find(border); end != std::string::npos; end = line.find(border, begin)) {
      row.cells.push_back(line.substr(begin, end - begin));
      begin = end + border.size();
    }
    row.cells.push_back(line.substr(begin));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string print(std::optional<instant> at, zone where) {
  return at ? print_local(*at, where) : "end";
}

/// Compares the next times of a row, and the way back between them. Says what differs.
void check_times(const table_row& row, cron_dialect dialect, day_join two_fields) {
  REQUIRE(row.cells.size() == 4);
  const auto& text = row.cells[0];
  const auto parsed = cron_expression::parse(text, dialect, two_fields);
  if (!parsed) {
    FAIL_CHECK(row.place << ": refused: " << parsed.error().message);
    return;
  }
  const auto where = in(row.cells[1]);
  const auto& cron = parsed.value();
  std::optional<instant> last = at(row.cells[2]);
  std::optional<instant> before;
  std::istringstream times{row.cells[3]};
  for (std::string expected; times >> expected;) {
    std::optional<instant> want;
    if (expected != "end")
      want = at(expected);
    const auto got = next_occurrence(cron.fields(), where, cron.default_dst(), *last);
    if (got != want) {
      FAIL_CHECK(row.place << ": " << text << " in " << row.cells[1] << " after "
                           << print(last, where) << ": expected " << expected << ", got "
                           << print(got, where));
      return;
    }
    if (before && got) {
      const auto back = previous_occurrence(cron.fields(), where, cron.default_dst(), *got);
      if (back != before)
        FAIL_CHECK(row.place << ": " << text << " in " << row.cells[1] << " before "
                             << print(got, where) << ": expected " << print(before, where)
                             << ", got " << print(back, where));
    }
    if (!got)
      return;
    last = before = got;
  }
  CHECK(before);
}

void check_table(const std::string& name, std::size_t least, cron_dialect dialect,
                 day_join two_fields = day_join::either) {
  std::set<std::string> expressions;
  for (const auto& row : read_table(name)) {
    check_times(row, dialect, two_fields);
    expressions.insert(row.cells[0]);
  }
  CHECK(expressions.size() >= least);
}

/// Every expression of the table is refused, with a word of why in `message`.
void check_refused(const std::string& name, std::size_t least, cron_dialect dialect,
                   std::string_view message = {}) {
  const auto rows = read_table(name);
  for (const auto& row : rows) {
    const auto parsed = cron_expression::parse(row.cells[0], dialect);
    if (parsed)
      FAIL_CHECK(row.place << ": accepted: " << row.cells[0]);
    else if (parsed.error().code != errc::invalid ||
             parsed.error().message.find(message) == std::string::npos)
      FAIL_CHECK(row.place << ": refused otherwise: " << parsed.error().message);
  }
  CHECK(rows.size() >= least);
}

} // namespace

TEST_CASE("expressions of the dialect unix come when its documentation says", "[dialects]") {
  check_table("unix.txt", 600, cron_dialect::unix_cron);
}

TEST_CASE("expressions of the dialect unix match both day fields on demand", "[dialects]") {
  check_table("unix_both_days.txt", 30, cron_dialect::unix_cron, day_join::both);
}

TEST_CASE("what the dialect unix does not know is refused", "[dialects]") {
  check_refused("unix_refused.txt", 180, cron_dialect::unix_cron);
}

TEST_CASE("expressions of the dialect unix that never come are refused", "[dialects]") {
  check_refused("unix_never.txt", 35, cron_dialect::unix_cron, "never comes");
}

TEST_CASE("expressions of the dialect quartz come when its documentation says", "[dialects]") {
  check_table("quartz.txt", 390, cron_dialect::quartz);
}

TEST_CASE("what the dialect quartz does not know is refused", "[dialects]") {
  check_refused("quartz_refused.txt", 175, cron_dialect::quartz);
}

TEST_CASE("expressions of the dialect quartz that never come are refused", "[dialects]") {
  check_refused("quartz_never.txt", 25, cron_dialect::quartz, "never comes");
}
