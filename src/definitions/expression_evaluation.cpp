#include "definitions/builtins.hpp"
#include "definitions/expression_node.hpp"
#include "definitions/expression_operators.hpp"

namespace pinion {

namespace limits = expression_limits;
using nlohmann::json;

namespace {

/// Walks the tree. Counts what it does, so that no expression costs more than the limits.
class evaluation {
public:
  using outcome = text_result<expression_value>;

  evaluation(const std::vector<name_reference>& references, const name_scope& scope)
      : references_{references}, scope_{scope}, zone_{scope.local_zone()} {}

  outcome run(const expression_node& node) {
    if (++steps_ > limits::steps)
      return at(node, {errc::limit, "the expression takes too many steps"});
    BOOST_OUTCOME_TRY(value, dispatch(node));
    BOOST_OUTCOME_TRY(charge(node, value));
    return std::move(value);
  }

private:
  static text_problem at(const expression_node& node, problem what) {
    return {{}, node.offset, std::move(what)};
  }

  template <class T>
  static text_result<T> placed(const expression_node& node, result<T> value) {
    if (!value)
      return at(node, std::move(value.error()));
    return std::move(value.value());
  }

  /// Every value that is made or copied counts against one budget of bytes.
  text_result<void> charge(const expression_node& node, const expression_value& value) {
    const auto* data = std::get_if<json>(&value);
    if (!data)
      return ok();
    copied_ += size_of(*data);
    const bool too_long =
        data->is_string() && data->get_ref<const std::string&>().size() > limits::string_bytes;
    const bool too_many = data->is_structured() && data->size() > limits::list_elements;
    if (copied_ > limits::copied_bytes || too_long || too_many)
      return at(node, {errc::limit, too_long   ? "text of more than 1 MiB"
                                    : too_many ? "a list of more than 100,000 elements"
                                               : "the values of this expression are too large"});
    return ok();
  }

  outcome dispatch(const expression_node& node) {
    switch (node.kind) {
    case node_kind::literal:
      return expression_value{node.literal};
    case node_kind::name:
      return name(node);
    case node_kind::list:
      return list(node);
    case node_kind::map:
      return map(node);
    case node_kind::call:
      return call(node);
    case node_kind::coalesce:
      return coalesce(node);
    case node_kind::both:
    case node_kind::either:
    case node_kind::logical_not:
    case node_kind::conditional:
      return logic(node);
    case node_kind::negate: {
      BOOST_OUTCOME_TRY(value, run(*node.children[0]));
      return placed(node, apply_operator("-", expression_value{json(0)}, value, zone_));
    }
    case node_kind::binary: {
      BOOST_OUTCOME_TRY(left, run(*node.children[0]));
      BOOST_OUTCOME_TRY(right, run(*node.children[1]));
      return placed(node, apply_operator(node.text, left, right, zone_));
    }
    case node_kind::member: {
      BOOST_OUTCOME_TRY(container, run(*node.children[0]));
      BOOST_OUTCOME_TRY(key, run(*node.children[1]));
      return placed(node, member_of(container, key, zone_));
    }
    }
    return at(node, {errc::internal, "a node of unknown kind"});
  }

  outcome name(const expression_node& node) {
    const auto& reference = references_[node.reference];
    BOOST_OUTCOME_TRY(found, placed(node, scope_.resolve(reference)));
    auto value = std::move(found.value);
    for (auto i = found.used; i < reference.path.size(); ++i) {
      BOOST_OUTCOME_TRY(
          part, placed(node, member_of(value, expression_value{json(reference.path[i])}, zone_)));
      value = std::move(part);
    }
    return value;
  }

  outcome list(const expression_node& node) {
    auto out = json::array();
    for (const auto& child : node.children) {
      BOOST_OUTCOME_TRY(item, run(*child));
      out.push_back(to_json(item, zone_));
    }
    return expression_value{std::move(out)};
  }

  outcome map(const expression_node& node) {
    auto out = json::object();
    for (std::size_t i = 0; i < node.children.size(); i += 2) {
      BOOST_OUTCOME_TRY(key, run(*node.children[i]));
      BOOST_OUTCOME_TRY(item, run(*node.children[i + 1]));
      out[to_text(key, zone_)] = to_json(item, zone_);
    }
    return expression_value{std::move(out)};
  }

  text_result<bool> condition(const expression_node& node) {
    BOOST_OUTCOME_TRY(value, run(node));
    return placed(node, truth(value, zone_));
  }

  outcome logic(const expression_node& node) {
    const auto& first = *node.children[node.kind == node_kind::conditional ? 1 : 0];
    BOOST_OUTCOME_TRY(holds, condition(first));
    if (node.kind == node_kind::logical_not)
      return expression_value{json(!holds)};
    if (node.kind == node_kind::conditional)
      return run(*node.children[holds ? 0 : 2]);
    if (holds == (node.kind == node_kind::either))
      return expression_value{json(holds)};
    BOOST_OUTCOME_TRY(second, condition(*node.children[1]));
    return expression_value{json(second)};
  }

  outcome coalesce(const expression_node& node) {
    auto value = run(*node.children[0]);
    if (!value && value.error().what.code != errc::not_found)
      return value;
    if (!value || value.value() == expression_value{json(nullptr)})
      return run(*node.children[1]);
    return value;
  }

  outcome call(const expression_node& node) {
    std::vector<expression_value> arguments;
    for (const auto& child : node.children) {
      BOOST_OUTCOME_TRY(value, run(*child));
      arguments.push_back(std::move(value));
    }
    return placed(node, run_call(node, std::move(arguments), scope_));
  }

  const std::vector<name_reference>& references_;
  const name_scope& scope_;
  zone zone_;
  std::size_t steps_ = 0;
  std::size_t copied_ = 0;
};

} // namespace

text_result<expression_value> expression::evaluate(const name_scope& scope) const {
  return evaluation{content_->references, scope}.run(*content_->root);
}

} // namespace pinion
