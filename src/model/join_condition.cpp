#include "pinion/model/join_condition.hpp"

#include <algorithm>
#include <array>

namespace pinion {

using truth = join_condition::truth;
using node_kind = join_condition::node_kind;

namespace {

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

constexpr std::array<std::string_view, 4> questions{"success", "failed", "skipped", "done"};

truth negated(truth value) noexcept {
  if (value == truth::unknown)
    return value;
  return value == truth::yes ? truth::no : truth::yes;
}

} // namespace

/// Recursive descent; the depth is bounded by `max_depth`.
class join_condition_parser {
public:
  join_condition_parser(std::string_view text, const join_condition::resolver& find,
                        join_condition& into)
      : text_{text}, find_{find}, nodes_{into.nodes_} {
    nodes_.clear();
  }

  std::optional<join_condition::failure> run() {
    if (text_.size() > join_condition::max_bytes)
      return join_condition::failure{
          0, {errc::limit, "the condition has more than 16 KiB", "put an `empty` task between"}};
    if (!any(0))
      return failure_;
    skip_blanks();
    if (at_ < text_.size())
      fail(at_, "`&&`, `||` or the end is expected here",
           "write as in \"a.success && (b.failed || c.done)\"");
    return failure_;
  }

private:
  static constexpr unsigned max_depth = 64;

  std::optional<std::uint32_t> fail(std::size_t offset, std::string message,
                                    std::string suggestion = {}) {
    if (!failure_)
      failure_ = join_condition::failure{
          offset, {errc::invalid, std::move(message), std::move(suggestion)}};
    return std::nullopt;
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n'))
      ++at_;
  }

  bool take(std::string_view token) {
    skip_blanks();
    if (text_.substr(at_, token.size()) != token)
      return false;
    at_ += token.size();
    return true;
  }

  std::optional<std::uint32_t> add(join_condition::node what,
                                   const std::vector<std::uint32_t>& children) {
    if (nodes_.size() >= join_condition::max_nodes)
      return fail(at_, "the condition has more than 1,000 parts");
    const auto position = static_cast<std::uint32_t>(nodes_.size());
    what.children = static_cast<std::uint32_t>(children.size());
    for (const auto child : children)
      nodes_[child].parent = position;
    nodes_.push_back(what);
    return position;
  }

  using part = std::optional<std::uint32_t> (join_condition_parser::*)(unsigned);

  std::optional<std::uint32_t> row_of(part read, std::string_view between, node_kind kind,
                                      unsigned depth) {
    std::vector<std::uint32_t> children;
    do {
      const auto child = (this->*read)(depth);
      if (!child)
        return std::nullopt;
      children.push_back(*child);
    } while (take(between));
    return children.size() == 1 ? std::optional{children.front()}
                                : add({kind, {}, 0, 0, {}}, children);
  }

  std::optional<std::uint32_t> any(unsigned depth) {
    return row_of(&join_condition_parser::all, "||", node_kind::any, depth);
  }

  std::optional<std::uint32_t> all(unsigned depth) {
    return row_of(&join_condition_parser::one, "&&", node_kind::all, depth);
  }

  std::optional<std::uint32_t> one(unsigned depth) {
    if (depth > max_depth)
      return fail(at_, "the condition is nested more than 64 deep");
    if (take("!")) {
      const auto child = one(depth + 1);
      return child ? add({node_kind::negation, {}, 0, 0, {}}, {*child}) : std::nullopt;
    }
    if (take("(")) {
      const auto inner = any(depth + 1);
      if (inner && !take(")"))
        return fail(at_, "a `)` is missing here");
      return inner;
    }
    return operand();
  }

  std::string_view word() {
    const auto from = at_;
    while (at_ < text_.size() && is_word(text_[at_]))
      ++at_;
    return text_.substr(from, at_ - from);
  }

  std::optional<std::uint32_t> operand() {
    skip_blanks();
    const auto from = at_;
    const auto name = word();
    if (name.empty())
      return fail(at_,
                  at_ < text_.size() ? "the name of a task is expected here"
                                     : "the condition ends too early",
                  "write as in \"a.success && (b.failed || c.done)\"");
    const auto task = find_(name);
    if (!task)
      return fail(from, "`" + std::string{name} + "` is none of the tasks that it needs",
                  "add it to `needs`");
    if (!take("."))
      return fail(at_, "the state of `" + std::string{name} + "` is missing",
                  "write `" + std::string{name} + ".success`");
    const auto asked = at_;
    const auto question = word();
    const auto found = std::find(questions.begin(), questions.end(), question);
    if (found == questions.end())
      return fail(asked, "a task is `success`, `failed`, `skipped` or `done`, not `" +
                             std::string{question} + "`");
    return add({node_kind::operand, join_condition::no_parent, 0, *task,
                static_cast<join_condition::question>(found - questions.begin())},
               {});
  }

  std::string_view text_;
  const join_condition::resolver& find_;
  std::vector<join_condition::node>& nodes_;
  std::size_t at_ = 0;
  std::optional<join_condition::failure> failure_;
};

std::optional<join_condition::failure>
join_condition::parse(std::string_view text, const resolver& find, join_condition& into) {
  auto failed = join_condition_parser{text, find, into}.run();
  into.operands_.clear();
  if (failed)
    return failed;
  into.nodes_.back().parent = no_parent;
  for (std::uint32_t at = 0; at < into.nodes_.size(); ++at)
    if (into.nodes_[at].kind == node_kind::operand)
      into.operands_.emplace_back(into.nodes_[at].task, at);
  std::sort(into.operands_.begin(), into.operands_.end());
  return failed;
}

std::span<const std::pair<std::uint32_t, std::uint32_t>>
join_condition::operands_of(std::uint32_t task) const noexcept {
  const auto first = std::lower_bound(operands_.begin(), operands_.end(), std::pair{task, 0U});
  const auto last = std::lower_bound(first, operands_.end(), std::pair{task + 1, 0U});
  return {first, last};
}

std::vector<std::uint32_t> join_condition::tasks() const {
  std::vector<std::uint32_t> out;
  for (const auto& [task, _] : operands_)
    out.push_back(task);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

truth join_condition::answer(question asks, upstream_class of) noexcept {
  const auto is = [](bool so) { return so ? truth::yes : truth::no; };
  if (of == upstream_class::pending)
    return truth::unknown;
  switch (asks) {
  case question::success:
    return is(of == upstream_class::success);
  case question::failed:
    return is(of == upstream_class::failed || of == upstream_class::upstream_failed);
  case question::skipped:
    return is(of == upstream_class::skipped || of == upstream_class::removed);
  case question::done:
    return truth::yes;
  }
  return truth::unknown;
}

join_condition_state::join_condition_state(const join_condition& of)
    : of_{&of}, values_(of.nodes().size(), truth::unknown), tallies_(of.nodes().size()) {}

void join_condition_state::set(std::uint32_t task, upstream_class as) {
  for (const auto& [_, at] : of_->operands_of(task))
    change(at, join_condition::answer(of_->nodes()[at].asks, as));
}

void join_condition_state::change(std::uint32_t node, truth to) {
  const auto& nodes = of_->nodes();
  while (values_[node] != to) {
    const auto before = values_[node];
    values_[node] = to;
    const auto up = nodes[node].parent;
    if (up == join_condition::no_parent)
      return;
    auto& parts = tallies_[up];
    const auto count = [&](truth value, std::uint32_t by) {
      if (value == truth::yes)
        parts.yes += by;
      else if (value == truth::no)
        parts.no += by;
    };
    count(before, 0xffff'ffffU); // Modulo 2^32.
    count(to, 1);
    switch (nodes[up].kind) {
    case node_kind::all:
      to = parts.no > 0 ? truth::no : parts.yes == nodes[up].children ? truth::yes : truth::unknown;
      break;
    case node_kind::any:
      to = parts.yes > 0 ? truth::yes : parts.no == nodes[up].children ? truth::no : truth::unknown;
      break;
    case node_kind::negation:
      to = negated(to);
      break;
    case node_kind::operand:
      return;
    }
    node = up;
  }
}

} // namespace pinion
