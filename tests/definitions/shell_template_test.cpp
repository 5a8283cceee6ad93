#include "pinion/definitions/text_template.hpp"

#include "definitions/map_scope.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <rapidcheck.h>
#include <unistd.h>

using namespace pinion;

namespace {

/// A folder that goes with the test.
struct scratch {
  std::string path;
  scratch() {
    char name[] = "/tmp/pinion-shell-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~scratch() {
    std::remove((path + "/script").c_str());
    ::rmdir(path.c_str());
  }
};

/// What bash prints when it runs the text as a task would.
std::string run_bash(const std::string& text) {
  const scratch folder;
  std::ofstream{folder.path + "/script", std::ios::binary} << text;
  const auto command = "/bin/bash -eo pipefail " + folder.path + "/script 2>/dev/null";
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe);
  std::string out;
  std::array<char, 4096> buffer{};
  while (const auto got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    out.append(buffer.data(), got);
  ::pclose(pipe);
  return out;
}

text_result<std::string> rendered(std::string_view text, nlohmann::json x,
                                  text_kind kind = text_kind::shell) {
  map_scope scope;
  scope.values["x"] = std::move(x);
  BOOST_OUTCOME_TRY(parsed, text_template::parse(text, kind));
  return parsed.render(scope);
}

/// The place of the problem and its sentence, or nothing.
std::string refusal(std::string_view text) {
  const auto parsed = text_template::parse(text, text_kind::shell);
  return parsed ? std::string{}
                : std::to_string(parsed.error().offset) + " " + parsed.error().what.message;
}

/// Texts in which bash must print exactly the value, then a line break.
const std::vector<std::string> places{
    "printf '%s\\n' {{ x }}",
    "printf '%s\\n' '{{ x }}'",
    "printf '%s\\n' \"{{ x }}\"",
    "printf '%s\\n' $'{{ x }}'",
    "v={{ x }}; printf '%s\\n' \"$v\"",
    "printf '%s\\n' \"$(printf '%s.' {{ x }})\" | sed '$s/\\.$//'",
    "printf '%s\\n' \"$(printf '%s.' \"{{ x }}\")\" | sed '$s/\\.$//'",
    "cat <<'END-OF-IT'\n{{ x }}\nEND-OF-IT\n",
    "cat <<END-OF-IT\n{{ x }}\nEND-OF-IT\n",
    "# it's a \"comment\n: \"it's\"; printf '%s\\n' {{ x }} # {{ x }}",
    "f() { printf '%s\\n' \"$1\"; }\nf {{ x }}",
    "for i in {{ x }}; do printf '%s\\n' \"$i\"; done",
    "a=( {{ x }} ); printf '%s\\n' \"${a[0]}\"",
    "echo \"${HOME:-x}\" >/dev/null; printf '%s\\n' {{ x }}",
    "[[ {{ x }} == {{ x }} ]] && printf '%s\\n' {{ x }}",
    "cat <<A >/dev/null; printf '%s\\n' \"{{ x }}\"\nit's $(echo \"in\" ) `date`\nA\n",
    "(( 1 + 1 )); echo $((1 + (2))) $# $$ >/dev/null; printf '%s\\n' {{ x }}",
};

} // namespace

TEST_CASE("a shell prints exactly the value, wherever it stands", "[text_template]") {
  static const std::vector<std::string> hostile{"",        " ",    "'",     "\"",
                                                "\\",      "$",    "`",     "$(echo pwned)",
                                                "${HOME}", "a b",  "-rf",   "*",
                                                "~",       "#x",   "!x",    "\n",
                                                "\\n",     "a\nb", "'\\''", "\"; echo x; \"",
                                                "é",       "日本", "{a,b}", "$'x'",
                                                "&& x",    "<<E",  "\t",    "%s"};
  for (const auto& text : places)
    for (const auto& value : hostile) {
      const auto script = rendered(text, value);
      INFO(text << " with " << value);
      REQUIRE(script);
      CHECK(run_bash(script.value()) == value + "\n");
    }
}

TEST_CASE("a shell prints exactly the value: random ones", "[text_template]") {
  const auto piece = rc::gen::elementOf(std::vector<std::string>{
      "'", "\"", "\\", "$", "`", "(", ")", "{",  "}", "\n", " ", "a",  "-",   "#",
      "!", "*",  ";",  "&", "|", "<", ">", "\t", "é", "=",  "~", "$(", "EOF", "1"});
  const auto checked = rc::check([&] {
    const auto parts = *rc::gen::resize(12, rc::gen::container<std::vector<std::string>>(piece));
    std::string value;
    for (const auto& part : parts)
      value += part;
    const auto text = *rc::gen::elementOf(places);
    const auto script = rendered(text, value);
    RC_ASSERT(script.has_value());
    RC_ASSERT(run_bash(script.value()) == value + "\n");
  });
  CHECK(checked);
}

TEST_CASE("where a value cannot be placed the text is refused", "[text_template]") {
  CHECK(refusal("echo `ls {{ x }}`").starts_with("9 a value cannot be placed inside backticks"));
  CHECK(refusal("echo ${v:-{{ x }}}").find("inside ${...}") != std::string::npos);
  CHECK(refusal("echo ${{ x }}").find("behind `$`") != std::string::npos);
  CHECK(refusal("echo \"${{ x }}\"").find("behind `$`") != std::string::npos);
  CHECK(refusal("echo \\{{ x }}").find("backslash") != std::string::npos);
  CHECK(refusal("cat <<{{ x }}\n").find("delimiter") != std::string::npos);
  CHECK(refusal("cat <<E\n$(ls {{ x }})\nE\n").find("within a here-document") != std::string::npos);
  CHECK(refusal("x=$(case a in a) echo {{ x }};; esac)").find("case") != std::string::npos);
  CHECK(refusal("cat <<E\n{{ x }}\\\nb\nE\n").find("continue") != std::string::npos);
  CHECK(refusal("cat <<E\na\\\n{{ x }}\nE\n").find("continue") != std::string::npos);
  CHECK(refusal("echo {{ x").find("without its `}}`") != std::string::npos);
  CHECK(refusal("echo `ls {{ x | raw }}`").empty());
}

TEST_CASE("a value does not end its here-document", "[text_template]") {
  CHECK_FALSE(rendered("cat <<E\n{{ x }}\nE\n", "E"));
  CHECK_FALSE(rendered("cat <<E\n{{ x }}\nE\n", "a\nE\nrm"));
  CHECK_FALSE(rendered("cat <<E\n{{ x }}E\n\nE\n", "a\n"));
  CHECK_FALSE(rendered("cat <<EE\nE{{ x }}\nEE\n", "E"));
  CHECK_FALSE(rendered("cat <<'EE'\nE{{ x }}E\nEE\n", ""));
  CHECK_FALSE(rendered("cat <<-E\n\t{{ x }}\n\tE\n", "E"));
  CHECK_FALSE(rendered("cat <<-E\n{{ x }}\nE\n", "a\n\tb"));
  CHECK(run_bash(rendered("cat <<-E\n\t{{ x }}\n\tE\n", "$a").value()) == "$a\n");
  CHECK(run_bash(rendered("cat <<E; echo {{ x }}\n{{ x }}\nE\necho '{{ x }}'", "e e").value()) ==
        "e e\ne e\ne e\n");
  CHECK(run_bash(rendered("cat <<A - <<'B' >/dev/null\n$(echo a)\nA\n`\nB\necho {{ x }}", "'")
                     .value()) == "'\n");
}

TEST_CASE("arithmetic takes integers only", "[text_template]") {
  CHECK(rendered("echo $(( {{ x }} + 1 ))", 41).value() == "echo $(( 41 + 1 ))");
  CHECK_FALSE(rendered("echo $(( {{ x }} + 1 ))", "a[$(id)]"));
  CHECK_FALSE(rendered("echo $(( {{ x }} + 1 ))", "010"));
  CHECK(run_bash(rendered("for ((i = 0; i < {{ x }}; i++)); do echo $i; done; echo '{{ x }}'", 2)
                     .value()) == "0\n1\n2\n");
}

TEST_CASE("raw values stand as they are", "[text_template]") {
  CHECK(rendered("echo {{ x | raw }}", "a b").value() == "echo a b");
  CHECK(rendered("echo {{ '{{' }} }}", 1).value() == "echo '{{' }}");
  CHECK_FALSE(rendered("echo {{ x }}", std::string("a\0b", 3)));
}

TEST_CASE("random shell text never breaks the scanner", "[text_template]") {
  static const std::vector<std::string> parts{"'",  "\"", "$(",   ")",    "((",      "))",     "`",
                                              "${", "}",  "\\",   "\n",   "<<E",     "<<-'E'", "E",
                                              "#",  " ",  "case", "esac", "{{ x }}", "$'",     "$[",
                                              "]",  "a",  ";",    "\t",   "<<<",     "$",      "{"};
  CHECK(rc::check([] {
    std::string text;
    for (const auto& part :
         *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(parts)))
      text += part;
    (void)rendered(text, "v'\"$`\\\nE\n");
    (void)rendered(text, 5);
    (void)rendered(text, "v", text_kind::python);
  }));
}

TEST_CASE("when bash parses the text with one value it parses it with any", "[text_template]") {
  // Random surroundings: a value may never add a command. `touch` of the file would show it.
  static const std::vector<std::string> parts{
      "'",         "\"", "$(", ")", "\\", "\n", "<<E\n", "\nE\n", "#",     " ", "{{ x }}",
      " {{ x }} ", "$'", "a",  ";", "((", "))", "${v:-", "}",     "echo ", "`"};
  const scratch folder;
  const auto mark = folder.path + "/script";
  const std::string attack =
      "'\"`$(touch " + mark + ")\n;touch " + mark + "\nE\ntouch " + mark + "\n#";
  CHECK(rc::check([&] {
    std::string text;
    for (const auto& part : *rc::gen::resize(
             14, rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(parts))))
      text += part;
    const auto script = rendered(text, attack);
    if (!script)
      return;
    run_bash(script.value());
    RC_ASSERT(::access(mark.c_str(), F_OK) != 0);
  }));
}
