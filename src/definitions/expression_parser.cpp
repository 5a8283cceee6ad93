#include "definitions/builtins.hpp"
#include "definitions/expression_lexer.hpp"
#include "definitions/expression_node.hpp"
#include "definitions/foreign_words.hpp"
#include "definitions/suggest.hpp"

namespace pinion {

namespace limits = expression_limits;
using node_ptr = std::unique_ptr<expression_node>;

/// Recursive descent over the tokens, with precedence climbing for binary operators. Lowest first:
/// `a if c else b`, `??`, or, and, not, comparisons and `in`, + -, * / %, unary -, then members,
/// calls and filters.
class expression_parser {
public:
  expression_parser(std::string_view text, std::size_t begin)
      : text_{text}, lexer_{text, begin}, begin_{begin} {}

  /// A whole expression that ends at the end of the text, or (embedded) at `}}`.
  text_result<expression> whole(bool embedded) {
    if (!embedded && text_.size() > limits::text_bytes)
      return text_problem{{}, 0, {errc::limit, "an expression may have at most 64 KiB"}};
    BOOST_OUTCOME_TRY(advance());
    if (at_end(embedded))
      return fail("an expression is missing here");
    BOOST_OUTCOME_TRY(root, conditional());
    if (!at_end(embedded))
      return fail(embedded && now_.kind == token_kind::end
                      ? "`{{` without its `}}`"
                      : "unexpected " + shown() + " after the expression",
                  embedded && now_.kind == token_kind::end
                      ? "write {{ '{{' }} for the braces themselves"
                      : advice_behind(*root));
    if (now_.offset - begin_ > limits::text_bytes)
      return text_problem{{}, begin_, {errc::limit, "an expression may have at most 64 KiB"}};
    end_ = now_.offset + 2;
    auto made = std::make_shared<expression::content>();
    if (root->kind == node_kind::call && root->text == "raw") {
      made->raw = true;
      root = std::move(root->children.front());
    }
    if (raw_calls_ > (made->raw ? 1U : 0U))
      return text_problem{
          {}, raw_at_, {errc::invalid, "`raw` must be the last filter of the whole expression"}};
    made->root = std::move(root);
    made->references = std::move(references_);
    return expression{std::move(made)};
  }

  std::size_t end() const noexcept { return end_; }

private:
  using parsed = text_result<node_ptr>;

  text_problem fail(std::string message, std::string suggestion = {}) const {
    return {{}, now_.offset, {errc::invalid, std::move(message), std::move(suggestion)}};
  }

  /// What is most often meant by what goes on behind a whole expression.
  std::string advice_behind(const expression_node& root) const {
    if (now_.text == "=")
      return "write == to compare";
    if (now_.text == "}")
      return "an expression ends in }}";
    const auto* first = &root;
    while (!first->children.empty())
      first = first->children.front().get();
    if (first->kind != node_kind::name)
      return {};
    const auto known = definitions::advice_for_name(references_[first->reference].path.front());
    return !known.empty()     ? std::string{known}
           : now_.text == "(" ? "values have no methods: write x | f(...)"
                              : std::string{};
  }

  std::string shown() const {
    if (now_.kind == token_kind::end)
      return "end";
    return "`" +
           std::string{
               text_.substr(now_.offset, std::min<std::size_t>(now_.end - now_.offset, 40))} +
           "`";
  }

  bool at_end(bool embedded) const noexcept {
    return embedded ? text_.substr(now_.offset, 2) == "}}" : now_.kind == token_kind::end;
  }

  text_result<void> advance() {
    BOOST_OUTCOME_TRY(next, lexer_.next());
    now_ = std::move(next);
    return ok();
  }

  bool sees(std::string_view text) const noexcept {
    return (now_.kind == token_kind::sign || now_.kind == token_kind::name) && now_.text == text;
  }

  text_result<bool> take(std::string_view text) {
    if (!sees(text))
      return false;
    BOOST_OUTCOME_TRY(advance());
    return true;
  }

  text_result<void> expect(std::string_view text) {
    BOOST_OUTCOME_TRY(there, take(text));
    if (!there)
      return fail("expected `" + std::string{text} + "`, found " + shown());
    return ok();
  }

  template <class... Nodes>
  parsed make(node_kind kind, std::size_t offset, std::string text, Nodes... children) {
    auto node = std::make_unique<expression_node>();
    node->kind = kind;
    node->offset = offset;
    node->text = std::move(text);
    (node->children.push_back(std::move(children)), ...);
    return finish(std::move(node));
  }

  parsed finish(node_ptr node) {
    for (const auto& child : node->children)
      node->height = std::max(node->height, child->height + 1);
    if (node->height > limits::height || ++nodes_ > limits::nodes)
      return text_problem{
          {}, node->offset, {errc::limit, "the expression is too large or too deep"}};
    return node;
  }

  parsed conditional() {
    if (++depth_ > limits::height)
      return text_problem{{}, now_.offset, {errc::limit, "the expression is nested too deep"}};
    auto out = conditional_inner();
    --depth_;
    return out;
  }

  parsed conditional_inner() {
    BOOST_OUTCOME_TRY(value, coalesce());
    const auto offset = now_.offset;
    BOOST_OUTCOME_TRY(has_if, take("if"));
    if (!has_if)
      return std::move(value);
    BOOST_OUTCOME_TRY(condition, coalesce());
    BOOST_OUTCOME_TRY(expect("else"));
    BOOST_OUTCOME_TRY(otherwise, conditional());
    return make(node_kind::conditional, offset, {}, std::move(value), std::move(condition),
                std::move(otherwise));
  }

  parsed coalesce() {
    const auto first = references_.size();
    BOOST_OUTCOME_TRY(left, binary(0));
    const auto offset = now_.offset;
    if (!sees("??"))
      return std::move(left);
    for (auto i = first; i < references_.size(); ++i)
      references_[i].has_default = true;
    BOOST_OUTCOME_TRY(advance());
    if (++depth_ > limits::height)
      return text_problem{{}, offset, {errc::limit, "the expression is nested too deep"}};
    BOOST_OUTCOME_TRY(right, coalesce());
    --depth_;
    return make(node_kind::coalesce, offset, {}, std::move(left), std::move(right));
  }

  /// The level of the operator at hand, 0 (or) to 4 (* / %); -1 if there is none.
  int level() const noexcept {
    if (sees("or") || sees("||"))
      return 0;
    if (sees("and") || sees("&&"))
      return 1;
    for (const auto* op : {"==", "!=", "<", "<=", ">", ">=", "in", "not"})
      if (sees(op))
        return 2;
    if (sees("+") || sees("-"))
      return 3;
    return sees("*") || sees("/") || sees("%") ? 4 : -1;
  }

  parsed binary(int least) {
    BOOST_OUTCOME_TRY(left, unary(least));
    while (true) {
      const auto at = level();
      if (at < least)
        return std::move(left);
      const auto offset = now_.offset;
      auto op = now_.text;
      BOOST_OUTCOME_TRY(advance());
      if (op == "not") { // a not in b
        BOOST_OUTCOME_TRY(expect("in"));
        op = "not in";
      }
      BOOST_OUTCOME_TRY(right, binary(at + 1));
      if (at == 2 && level() == 2)
        return fail("comparisons cannot be chained", "join two with `and`");
      const auto kind = at == 0 ? node_kind::either : at == 1 ? node_kind::both : node_kind::binary;
      BOOST_OUTCOME_TRY(joined, make(kind, offset, op, std::move(left), std::move(right)));
      left = std::move(joined);
    }
  }

  /// `not` binds weaker than comparisons: `not a == b` is `not (a == b)`.
  parsed unary(int least) {
    const auto offset = now_.offset;
    if (++depth_ > limits::height)
      return text_problem{{}, offset, {errc::limit, "the expression is nested too deep"}};
    if (sees("not") || sees("!")) {
      const auto weak = sees("not") && least <= 2;
      BOOST_OUTCOME_TRY(advance());
      auto inner = weak ? binary(2) : unary(4);
      --depth_;
      BOOST_OUTCOME_TRY(operand, std::move(inner));
      return make(node_kind::logical_not, offset, {}, std::move(operand));
    }
    if (sees("-")) {
      BOOST_OUTCOME_TRY(advance());
      BOOST_OUTCOME_TRY(operand, unary(4));
      --depth_;
      return make(node_kind::negate, offset, {}, std::move(operand));
    }
    auto out = postfix();
    --depth_;
    return out;
  }

  parsed postfix() {
    BOOST_OUTCOME_TRY(value, primary());
    while (true) {
      const auto offset = now_.offset;
      if (sees(".")) {
        BOOST_OUTCOME_TRY(advance());
        if (now_.kind != token_kind::name && now_.kind != token_kind::number)
          return fail("expected a key after `.`, found " + shown());
        auto key = now_.kind == token_kind::name ? nlohmann::json(now_.text) : now_.value;
        if (key.is_number_float())
          return fail("a key that is no name stands in brackets: ['...']");
        BOOST_OUTCOME_TRY(advance());
        BOOST_OUTCOME_TRY(member, select(std::move(value), offset, std::move(key)));
        value = std::move(member);
      } else if (sees("[")) {
        BOOST_OUTCOME_TRY(advance());
        BOOST_OUTCOME_TRY(key, conditional());
        BOOST_OUTCOME_TRY(expect("]"));
        if (key->kind == node_kind::literal &&
            (key->literal.is_string() || key->literal.is_number_integer())) {
          BOOST_OUTCOME_TRY(member, select(std::move(value), offset, std::move(key->literal)));
          value = std::move(member);
        } else {
          BOOST_OUTCOME_TRY(member, select(std::move(value), offset, std::move(key)));
          value = std::move(member);
        }
      } else if (sees("|")) {
        BOOST_OUTCOME_TRY(advance());
        BOOST_OUTCOME_TRY(filtered, filter(std::move(value)));
        value = std::move(filtered);
      } else {
        return std::move(value);
      }
    }
  }

  /// A constant key prolongs the path of a name, so that a scope can be asked for exactly that.
  parsed select(node_ptr value, std::size_t offset, nlohmann::json key) {
    if (value->kind == node_kind::name && key.is_string() &&
        !references_[value->reference].computed) {
      references_[value->reference].path.push_back(key.get<std::string>());
      return value;
    }
    BOOST_OUTCOME_TRY(literal, make(node_kind::literal, offset, {}));
    literal->literal = std::move(key);
    return select(std::move(value), offset, std::move(literal));
  }

  parsed select(node_ptr value, std::size_t offset, node_ptr key) {
    if (value->kind == node_kind::name)
      references_[value->reference].computed = true;
    return make(node_kind::member, offset, {}, std::move(value), std::move(key));
  }

  parsed filter(node_ptr value) {
    if (now_.kind != token_kind::name)
      return fail("expected a filter after `|`, found " + shown());
    const auto name = now_.text;
    const auto offset = now_.offset;
    if (name == "default") {
      mark_default(*value);
      BOOST_OUTCOME_TRY(advance());
      BOOST_OUTCOME_TRY(expect("("));
      BOOST_OUTCOME_TRY(otherwise, conditional());
      BOOST_OUTCOME_TRY(expect(")"));
      return make(node_kind::coalesce, offset, {}, std::move(value), std::move(otherwise));
    }
    auto node = std::make_unique<expression_node>();
    node->children.push_back(std::move(value));
    node->named.emplace_back();
    node->piped = true;
    return call(std::move(node));
  }

  void mark_default(const expression_node& node) {
    if (node.kind == node_kind::name)
      references_[node.reference].has_default = true;
    for (const auto& child : node.children)
      mark_default(*child);
  }

  /// The name of a function or filter is at hand; `node` has its arguments so far.
  parsed call(node_ptr node) {
    node->kind = node_kind::call;
    node->offset = now_.offset;
    node->text = now_.text;
    if (node->text == "raw" && node->piped) {
      ++raw_calls_;
      raw_at_ = node->offset;
    } else if (!is_builtin(node->text)) {
      auto advice = std::string{definitions::advice_for_name(node->text)};
      if (advice.empty())
        advice = definitions::did_you_mean(node->text, builtin_names());
      return fail("unknown function or filter `" + node->text + "`", std::move(advice));
    }
    BOOST_OUTCOME_TRY(advance());
    BOOST_OUTCOME_TRY(opens, take("("));
    if (!opens && !node->piped)
      return fail("expected `(` after the function's name");
    if (opens) {
      BOOST_OUTCOME_TRY(arguments(*node));
    }
    if (const auto wrong = check_call(*node); !wrong.message.empty())
      return text_problem{{}, node->offset, wrong};
    return finish(std::move(node));
  }

  text_result<void> arguments(expression_node& node) {
    while (!sees(")")) {
      auto next = lexer_; // `name =` needs a look at two tokens
      std::string name;
      if (now_.kind == token_kind::name) {
        BOOST_OUTCOME_TRY(second, next.next());
        if (second.kind == token_kind::sign && second.text == "=") {
          name = now_.text;
          BOOST_OUTCOME_TRY(advance());
          BOOST_OUTCOME_TRY(advance());
        }
      }
      if (name.empty() && !node.named.empty() && !node.named.back().empty())
        return fail("a positional argument after a named one");
      BOOST_OUTCOME_TRY(value, conditional());
      node.children.push_back(std::move(value));
      node.named.push_back(std::move(name));
      BOOST_OUTCOME_TRY(more, take(","));
      if (!more)
        break;
    }
    return expect(")");
  }

  parsed primary() {
    const auto offset = now_.offset;
    if (now_.kind == token_kind::number || now_.kind == token_kind::string) {
      BOOST_OUTCOME_TRY(node, make(node_kind::literal, offset, {}));
      node->literal = std::move(now_.value);
      BOOST_OUTCOME_TRY(advance());
      return std::move(node);
    }
    if (now_.kind == token_kind::name)
      return named();
    if (sees("(")) {
      BOOST_OUTCOME_TRY(advance());
      BOOST_OUTCOME_TRY(inner, conditional());
      BOOST_OUTCOME_TRY(expect(")"));
      // In brackets a name is whole: `(a).b` asks for `b` of the value of `a`, which is the same.
      return std::move(inner);
    }
    if (sees("["))
      return collection("]", node_kind::list);
    if (sees("{"))
      return collection("}", node_kind::map);
    if (sees("%"))
      return fail("`%` formats are not those of this language", "write date('yyyy-MM-dd')");
    return fail("expected a value, found " + shown());
  }

  parsed named() {
    const auto offset = now_.offset;
    for (const auto& [word, value] : {std::pair{"true", nlohmann::json(true)},
                                      {"false", nlohmann::json(false)},
                                      {"null", nlohmann::json(nullptr)},
                                      {"none", nlohmann::json(nullptr)}})
      if (now_.text == word) {
        BOOST_OUTCOME_TRY(node, make(node_kind::literal, offset, {}));
        node->literal = value;
        BOOST_OUTCOME_TRY(advance());
        return std::move(node);
      }
    for (const auto* word : {"if", "else", "and", "or", "in"})
      if (sees(word))
        return fail("expected a value, found " + shown());
    auto next = lexer_;
    BOOST_OUTCOME_TRY(second, next.next());
    if (second.kind == token_kind::sign && second.text == "(")
      return call(std::make_unique<expression_node>());
    BOOST_OUTCOME_TRY(node, make(node_kind::name, offset, {}));
    node->reference = references_.size();
    references_.push_back({offset, {now_.text}, false, false});
    BOOST_OUTCOME_TRY(advance());
    return std::move(node);
  }

  /// `[a, b]` or `{'k': v}`; a trailing comma is allowed.
  parsed collection(std::string_view close, node_kind kind) {
    auto node = std::make_unique<expression_node>();
    node->kind = kind;
    node->offset = now_.offset;
    BOOST_OUTCOME_TRY(advance());
    while (!sees(close)) {
      BOOST_OUTCOME_TRY(item, conditional());
      node->children.push_back(std::move(item));
      if (kind == node_kind::map) {
        BOOST_OUTCOME_TRY(expect(":"));
        BOOST_OUTCOME_TRY(value, conditional());
        node->children.push_back(std::move(value));
      }
      BOOST_OUTCOME_TRY(more, take(","));
      if (!more)
        break;
    }
    BOOST_OUTCOME_TRY(expect(close));
    return finish(std::move(node));
  }

  std::string_view text_;
  expression_lexer lexer_;
  std::size_t begin_;
  token now_;
  std::size_t end_ = 0;
  unsigned depth_ = 0;
  std::size_t nodes_ = 0;
  unsigned raw_calls_ = 0;
  std::size_t raw_at_ = 0;
  std::vector<name_reference> references_;
};

text_result<expression> expression::parse(std::string_view text) {
  return expression_parser{text, 0}.whole(false);
}

text_result<embedded_expression> parse_embedded(std::string_view text, std::size_t begin) {
  expression_parser parser{text, begin};
  BOOST_OUTCOME_TRY(what, parser.whole(true));
  return embedded_expression{std::move(what), parser.end()};
}

expression::expression(std::shared_ptr<const content> of) : content_{std::move(of)} {}
const std::vector<name_reference>& expression::references() const noexcept {
  return content_->references;
}
bool expression::raw() const noexcept { return content_->raw; }

} // namespace pinion
