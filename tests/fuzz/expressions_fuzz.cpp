#include "fuzz_target.hpp"

#include "definitions/map_scope.hpp"
#include "pinion/definitions/text_template.hpp"

using namespace pinion;
using fuzz::require;

namespace {

map_scope names() {
  map_scope out;
  out.values["a"] = 7;
  out.values["text"] = "it's \"quoted\" $HOME `x` \\ \n end";
  out.values["list"] = {3, 1, "two"};
  out.values["map"] = {{"k", {{"x", "deep"}}}, {"read-file", {{"path", "/p"}}}, {"none", nullptr}};
  out.values["params"] = {{"brand", "A"}, {"n", 12}, {"ok", true}};
  return out;
}

template <class T>
void check(const text_result<T>& of, std::size_t size) {
  if (of)
    return;
  require(!of.error().what.message.empty(), "a problem has a sentence");
  require(of.error().offset <= size, "a problem lies within the text");
}

} // namespace

/// The first byte says what the rest is: an expression, or a text with some of them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto scope = names();
  auto text = fuzz::text_of(data, size);
  const auto kind = fuzz::take_byte(text);
  if (kind == 'e') {
    const auto parsed = expression::parse(text);
    check(parsed, text.size());
    if (parsed)
      check(parsed.value().evaluate(scope), text.size());
    return 0;
  }
  if (kind == 'v') {
    const auto parsed = value_text::parse(text, value_text::bare::expression);
    check(parsed, text.size());
    if (parsed)
      check(parsed.value().evaluate(scope), text.size());
    return 0;
  }
  const auto as = kind == 's'   ? text_kind::shell
                  : kind == 'y' ? text_kind::python
                                : text_kind::plain;
  const auto parsed = text_template::parse(text, as);
  check(parsed, text.size());
  if (!parsed)
    return 0;
  const auto rendered = parsed.value().render(scope);
  check(rendered, text.size());
  if (rendered && parsed.value().constant() && text.find("{{") == std::string_view::npos)
    require(rendered.value() == text, "text without expressions prints itself");
  return 0;
}
