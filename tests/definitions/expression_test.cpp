#include "pinion/definitions/expression.hpp"

#include "definitions/map_scope.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace pinion;

namespace {

map_scope names() {
  map_scope out;
  out.values["a"] = 7;
  out.values["text"] = "Hello";
  out.values["list"] = {3, 1, 2};
  out.values["map"] = {{"k", {{"x", "deep"}}}, {"read-file", {{"path", "/p"}}}, {"none", nullptr}};
  out.values["yes"] = "true";
  return out;
}

/// The printed value, or "error: ..." with the offset.
std::string value_of(std::string_view text) {
  const auto scope = names();
  const auto parsed = expression::parse(text);
  if (!parsed)
    return "syntax " + std::to_string(parsed.error().offset) + ": " + parsed.error().what.message;
  const auto value = parsed.value().evaluate(scope);
  if (!value)
    return "error " + std::to_string(value.error().offset) + ": " + value.error().what.message;
  return to_text(value.value(), scope.in);
}

bool fails(std::string_view text) {
  const auto out = value_of(text);
  return out.starts_with("syntax") || out.starts_with("error");
}

} // namespace

TEST_CASE("arithmetic follows the usual precedence", "[expression]") {
  CHECK(value_of("1 + 2 * 3") == "7");
  CHECK(value_of("(1 + 2) * 3") == "9");
  CHECK(value_of("-a + 1") == "-6");
  CHECK(value_of("7 / 2") == "3.5");
  CHECK(value_of("6 / 2") == "3");
  CHECK(value_of("-7 % 3") == "2");
  CHECK(value_of("10 - 2 - 3") == "5");
  CHECK(value_of("'a' + 'b'") == "ab");
  CHECK(value_of("[1] + [2, 3]") == "[1,2,3]");
  CHECK(value_of("1.5 * 2") == "3.0");
}

TEST_CASE("integer overflow and division by zero are errors", "[expression]") {
  CHECK(value_of("9223372036854775807 + 1") == "error 20: integer overflow");
  CHECK(fails("9223372036854775807 * 2"));
  CHECK(fails("-9223372036854775807 - 2"));
  CHECK(fails("(-9223372036854775807 - 1) / -1"));
  CHECK(value_of("(-9223372036854775807 - 1) % -1") == "0");
  CHECK(fails("1 / 0"));
  CHECK(fails("1 % 0"));
  CHECK(fails("9223372036854775808"));
  CHECK(fails("1e308 * 10"));
}

TEST_CASE("logic takes both spellings and short-circuits", "[expression]") {
  CHECK(value_of("true and not false") == "true");
  CHECK(value_of("false && missing") == "false");
  CHECK(value_of("true || missing") == "true");
  CHECK(value_of("!true") == "false");
  CHECK(value_of("not a == 8") == "true");
  CHECK(value_of("yes and true") == "true");
  CHECK(value_of("1 < 2 and 'a' < 'b'") == "true");
  CHECK(value_of("2 in list and 9 not in list") == "true");
  CHECK(value_of("'ell' in text") == "true");
  CHECK(value_of("'k' in map") == "true");
  CHECK(value_of("'big' if a > 5 else 'small'") == "big");
  CHECK(fails("a and true"));
  CHECK(fails("1 < 'a'"));
  CHECK(fails("1 < 2 < 3"));
}

TEST_CASE("keys and indexes reach into values", "[expression]") {
  CHECK(value_of("map.k.x") == "deep");
  CHECK(value_of("map['read-file'].path") == "/p");
  CHECK(value_of("list[0]") == "3");
  CHECK(value_of("list[-1]") == "2");
  CHECK(value_of("list[a - 6]") == "1");
  CHECK(value_of("{'a': 1, 'b': [2]}") == "{\"a\":1,\"b\":[2]}");
  CHECK(fails("list[3]"));
  CHECK(fails("map.q"));
  CHECK(fails("text.q"));
}

TEST_CASE("a default replaces what is absent or null, and nothing else", "[expression]") {
  CHECK(value_of("missing ?? 1") == "1");
  CHECK(value_of("map.q.r ?? 'd'") == "d");
  CHECK(value_of("map.none ?? 'd'") == "d");
  CHECK(value_of("missing | default('x')") == "x");
  CHECK(value_of("missing ?? map.q ?? 3") == "3");
  CHECK(value_of("a ?? 1") == "7");
  CHECK(fails("1 / 0 ?? 1"));
}

TEST_CASE("filters and functions are the same", "[expression]") {
  CHECK(value_of("text | upper") == "HELLO");
  CHECK(value_of("upper(text)") == "HELLO");
  CHECK(value_of("list | sort | join('-')") == "1-2-3");
  CHECK(value_of("'a,b' | split(',') | length") == "2");
  CHECK(value_of("text | replace('l', 'L')") == "HeLLo");
  CHECK(value_of("'x' | replace(old = 'x', new = 'y')") == "y");
  CHECK(value_of("'12' | int + 1") == "13");
  CHECK(value_of("2.456 | round(1)") == "2.5");
  CHECK(value_of("range(3)") == "[0,1,2]");
  CHECK(value_of("[3, 3, 1] | unique") == "[3,1]");
  CHECK(value_of("list | max") == "3");
  CHECK(value_of("list | sum") == "6");
  CHECK(value_of("'/a/b.c' | basename") == "b.c");
  CHECK(value_of("map | keys") == "[\"k\",\"none\",\"read-file\"]");
  CHECK(fails("text | uper"));
  CHECK(fails("upper()"));
  CHECK(fails("upper(nix = 1)"));
  CHECK(fails("text | raw | upper"));
}

TEST_CASE("dates are reckoned in the zone, with civil arithmetic", "[expression]") {
  CHECK(value_of("slot") == "2026-11-20T02:00:00+08:00");
  CHECK(value_of("date('yyyyMMdd')") == "20261120");
  CHECK(value_of("date('yyyy-MM-dd', -1)") == "2026-11-19");
  CHECK(value_of("date('yyyyMMdd', '-1month')") == "20261020");
  CHECK(value_of("date('yyyyMMddHH', '-1d+2h')") == "2026111904");
  CHECK(value_of("date('yyyyMMdd', offset = 1, of = '2026-01-31')") == "20260201");
  CHECK(value_of("slot | date('HH:mm')") == "02:00");
  CHECK(value_of("add_days(-1) | date('yyyyMMdd')") == "20261119");
  CHECK(value_of("add_days(slot, -1) | date('yyyyMMdd')") == "20261119");
  CHECK(value_of("add_months(1, '2026-01-31')") == "2026-02-28");
  CHECK(value_of("month_begin()") == "2026-11-01T00:00:00+08:00");
  CHECK(value_of("month_end(of = '2026-02-03')") == "2026-02-28");
  CHECK(value_of("month_begin('-1month', '2026-03-31')") == "2026-02-01");
  CHECK(value_of("month_end('-1month', '2026-03-31')") == "2026-02-28");
  CHECK(value_of("month_begin(-1, '2026-03-31')") == "2026-02-28");
  CHECK(value_of("week_begin(of = '2026-11-20')") == "2026-11-16");
  CHECK(value_of("week_end(of = '2026-11-20')") == "2026-11-22");
  CHECK(value_of("quarter_begin(of = '2026-11-20')") == "2026-10-01");
  CHECK(value_of("quarter_end(of = '2026-11-20')") == "2026-12-31");
  CHECK(value_of("year_end(of = '2026-11-20')") == "2026-12-31");
  CHECK(value_of("weekday()") == "5");
  CHECK(value_of("slot > '2026-11-20T01:00'") == "true");
  CHECK(value_of("time('2026-11-20T03:00') - slot") == "3600.0");
}

TEST_CASE("wrong dates are errors that help", "[expression]") {
  const auto strftime = expression::parse("date('%Y-%m-%d')");
  REQUIRE(!strftime);
  CHECK(strftime.error().what.suggestion.find("yyyy-MM-dd") != std::string::npos);
  CHECK(fails("date('yyyy', '1fortnight')"));
  CHECK(fails("add_days(99999999999999)"));
  CHECK(fails("add_years(9000)"));
  CHECK(fails("date('yyyy', of = 'never')"));
  CHECK(fails("date('yyyy', '-9223372036854775807d')"));
}

TEST_CASE("problems stand at the byte where they are", "[expression]") {
  CHECK(value_of("1 + ") == "syntax 4: expected a value, found end");
  CHECK(value_of("1 + $") == "syntax 4: `$` has no meaning in an expression");
  CHECK(value_of("a.b.").starts_with("syntax 4"));
  CHECK(value_of("1 + missing") == "error 4: unknown name `missing`");
  CHECK(value_of("'open").starts_with("syntax 0"));
  CHECK(value_of("-1d").starts_with("syntax 1"));
}

TEST_CASE("references name all that an expression mentions", "[expression]") {
  const auto parsed = expression::parse("inputs['read-file'].path + vars.x[params.i] ?? run.id");
  REQUIRE(parsed);
  const auto& references = parsed.value().references();
  REQUIRE(references.size() == 4);
  CHECK(references[0].path == std::vector<std::string>{"inputs", "read-file", "path"});
  CHECK(references[0].has_default);
  CHECK(references[1].path == std::vector<std::string>{"vars", "x"});
  CHECK(references[1].computed);
  CHECK(references[3].path == std::vector<std::string>{"run", "id"});
  CHECK_FALSE(references[3].has_default);
}

TEST_CASE("no expression takes more than its limits", "[expression]") {
  CHECK(fails(std::string(100'000, '(')));
  CHECK(fails(std::string(100'000, '-')));
  CHECK(fails(std::string(100'000, '[')));
  std::string sum = "1", pow = "'x'", defaults = "1", nots = "true";
  for (int i = 0; i < 20'000; ++i)
    sum += "+1";
  for (int i = 0; i < 5'000; ++i) {
    defaults += "??1";
    nots = "not " + nots;
  }
  CHECK(fails(sum));
  CHECK(fails(defaults));
  CHECK(fails(nots));
  CHECK(fails("range(1000000000)"));
  CHECK(fails("range(100000) | join('" + std::string(1000, 'x') + "')"));
  for (int i = 0; i < 30; ++i)
    pow += " | replace('x', 'xxxxxxxxxx')";
  CHECK(fails(pow));
}

TEST_CASE("random text never breaks the parser or the evaluation", "[expression]") {
  static const std::vector<std::string> parts{
      "a",    "text",     "list",      "map",   ".",      "[",     "]",    "(",     ")",
      "{",    "}",        ",",         ":",     "'",      "\"",    "1",    "0",     "-1",
      "+",    "-",        "*",         "/",     "%",      "==",    "<",    "and",   "or",
      "not",  "in",       "if",        "else",  "??",     "|",     " ",    "upper", "join",
      "date", "add_days", "month_end", "range", "'yyyy'", "'-1d'", "slot", "1e9",   "replace",
      "raw",  "default",  "\\",        "\xff",  "=",      "!",     "of"};
  CHECK(rc::check([] {
    std::string text;
    const auto count = *rc::gen::inRange(0, 25);
    for (int i = 0; i < count; ++i)
      text += *rc::gen::elementOf(parts) + *rc::gen::element(std::string{}, std::string{" "});
    value_of(text);
  }));
  CHECK(rc::check([](const std::string& bytes) { value_of(bytes); }));
}

TEST_CASE("integer arithmetic agrees with the machine's", "[expression]") {
  CHECK(rc::check([](std::int16_t a, std::int16_t b, std::int16_t c) {
    const auto text =
        "(" + std::to_string(a) + ") * (" + std::to_string(b) + ") - (" + std::to_string(c) + ")";
    RC_ASSERT(value_of(text) == std::to_string(std::int64_t{a} * b - c));
  }));
}
