#include "definitions/templates.hpp"

#include "definitions/expression_lexer.hpp"
#include "definitions/key_rules.hpp"
#include "pinion/definitions/limits.hpp"

#include <set>
#include <utility>

namespace pinion::definitions {

namespace {

/// Keys of a task, of `defaults:` and of a check whose texts hold expressions: a value goes into
/// them as an expression, and is quoted like all others when the text is rendered.
constexpr std::string_view expression_keys[] = {"run",  "script", "command", "stdin",
                                                "args", "when",   "env",     "params"};

bool holds_expressions(std::string_view key) {
  return std::find(std::begin(expression_keys), std::end(expression_keys), key) !=
         std::end(expression_keys);
}

/// `each.country`, or `each.source.path`, in an expression.
struct use {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::vector<std::string> path;
};

/// One `{{ ... }}`.
struct braces {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::vector<use> uses;
  bool alone = false; ///< It is `{{ each.x }}` and nothing else.
};

/// Takes tokens up to `}}`; what cannot be read is left to the reader of the whole text.
class braces_reader {
public:
  braces_reader(std::string_view text, std::size_t begin) : text_{text}, lexer_{text, begin + 2} {
    found_.begin = begin;
  }

  std::optional<braces> read() {
    if (!advance())
      return std::nullopt;
    std::size_t others = 0;
    while (!at_end()) {
      if (now_.kind == token_kind::end)
        return std::nullopt;
      if (now_.kind == token_kind::name && now_.text == "each" && before_ != ".") {
        if (!take_use())
          return std::nullopt;
        continue;
      }
      ++others;
      depth_ += now_.text == "{" ? 1 : now_.text == "}" ? -1 : 0;
      if (!advance())
        return std::nullopt;
    }
    found_.end = now_.offset + 2;
    found_.alone = found_.uses.size() == 1 && others == 0;
    return std::move(found_);
  }

private:
  bool at_end() const {
    return depth_ == 0 && now_.text == "}" && text_.substr(now_.offset, 2) == "}}";
  }

  bool advance() {
    before_ = now_.text;
    auto next = lexer_.next();
    if (!next)
      return false;
    now_ = std::move(next).value();
    return true;
  }

  bool take_use() {
    use made{now_.offset, now_.end, {}};
    if (!advance())
      return false;
    while (now_.text == "." && now_.kind == token_kind::sign) {
      if (!advance() || now_.kind != token_kind::name)
        return false;
      made.path.push_back(now_.text);
      made.end = now_.end;
      if (!advance())
        return false;
    }
    found_.uses.push_back(std::move(made));
    return true;
  }

  std::string_view text_;
  expression_lexer lexer_;
  token now_;
  std::string before_;
  int depth_ = 0;
  braces found_;
};

/// What a value is called in messages.
std::string shortly(const node& value) {
  return value.is_scalar() ? value.text.substr(0, 40) : std::string{kind_of(value)};
}

/// Makes one document of a template's.
class stamper {
public:
  stamper(const reporter& report, const node& values, std::set<std::string>& used)
      : report_{report}, values_{values}, used_{used} {}

  node document(const node& body) {
    auto made = body;
    made.items.clear();
    for (std::size_t i = 0; i < body.pairs(); ++i) {
      const auto& key = body.key(i);
      const auto& value = body.value(i);
      if (key.text == "tasks" && value.is_map())
        add(made, key, of_tasks(value));
      else if (key.text == "defaults" && value.is_map())
        add(made, key, of_task(value));
      else
        add(made, key, any(value, false));
    }
    return made;
  }

private:
  node of_tasks(const node& tasks) {
    auto made = tasks;
    made.items.clear();
    for (std::size_t i = 0; i < tasks.pairs(); ++i)
      add(made, tasks.key(i),
          tasks.value(i).is_map() ? of_task(tasks.value(i)) : any(tasks.value(i), false));
    return made;
  }

  /// A task, the defaults of tasks, or a check.
  node of_task(const node& task) {
    const auto* expressions = task.find("expressions");
    const bool off =
        expressions != nullptr && expressions->is_scalar() && is_off(expressions->text);
    auto made = task;
    made.items.clear();
    for (std::size_t i = 0; i < task.pairs(); ++i) {
      const auto& key = task.key(i);
      const auto& value = task.value(i);
      if (key.text == "checks" && value.is_list())
        add(made, key, of_checks(value));
      else
        add(made, key, any(value, !off && holds_expressions(key.text)));
    }
    return made;
  }

  node of_checks(const node& checks) {
    auto made = checks;
    for (auto& check : made.items)
      check = check.is_map() ? of_task(check) : any(check, false);
    return made;
  }

  static bool is_off(std::string_view text) {
    return text == "off" || text == "false" || text == "no" || text == "Off" || text == "False" ||
           text == "No" || text == "OFF" || text == "FALSE" || text == "NO";
  }

  void add(node& map, const node& key, node value) {
    auto stamped = any(key, false);
    if (!stamped.is_scalar() || stamped.text == key.text)
      stamped = key;
    else if (map.find(stamped.text) != nullptr)
      report_.error(key, "the key " + shown(stamped.text) + " stands twice");
    map.items.push_back(std::move(stamped));
    map.items.push_back(std::move(value));
  }

  /// `as_expression`: values go into a text as expressions, not as they print.
  node any(const node& at, bool as_expression) {
    if (at.is_scalar())
      return scalar(at, as_expression);
    auto made = at;
    made.items.clear();
    if (at.is_map())
      for (std::size_t i = 0; i < at.pairs(); ++i)
        add(made, at.key(i), any(at.value(i), as_expression));
    else
      for (const auto& item : at.items)
        made.items.push_back(any(item, as_expression));
    return made;
  }

  node scalar(const node& at, bool as_expression) {
    if (at.text.find("each") == std::string::npos || at.text.find("{{") == std::string::npos)
      return at;
    std::string text;
    std::size_t done = 0;
    for (auto begin = at.text.find("{{"); begin != std::string::npos;
         begin = at.text.find("{{", std::max(done, begin + 2))) {
      const auto found = braces_reader{at.text, begin}.read();
      if (!found || found->uses.empty()) {
        if (found) {
          text += at.text.substr(done, found->end - done);
          done = found->end;
        }
        continue;
      }
      if (found->alone && begin == 0 && found->end == at.text.size())
        return whole(at, found->uses.front());
      text += at.text.substr(done, begin - done);
      text += filled(at, *found, as_expression);
      done = found->end;
    }
    auto made = at;
    made.text = text + at.text.substr(done);
    made.stamped = true;
    return made;
  }

  const node* value_of(const node& at, const use& asked) {
    const node* value = &values_;
    std::string name = "each";
    for (const auto& part : asked.path) {
      const auto* next = value->find(part);
      if (next == nullptr) {
        std::vector<std::string_view> known;
        for (std::size_t i = 0; value->is_map() && i < value->pairs(); ++i)
          known.emplace_back(value->key(i).text);
        report_.error(at, shown(name) + " has no " + shown(part), did_you_mean(part, known));
        return nullptr;
      }
      value = next;
      name += '.' + part;
    }
    if (!asked.path.empty()) {
      used_.insert(asked.path.front());
      return value;
    }
    report_.error(at, "`each` alone is no value", "write {{ each.name }}");
    return nullptr;
  }

  /// The value itself, with its type, in place of the text.
  node whole(const node& at, const use& asked) {
    const auto* value = value_of(at, asked);
    if (value == nullptr)
      return at;
    auto made = *value;
    move_to(made, at.offset);
    return made;
  }

  static void move_to(node& at, std::uint32_t offset) {
    at.offset = offset;
    at.stamped = true;
    for (auto& item : at.items)
      move_to(item, offset);
  }

  std::string filled(const node& at, const braces& found, bool as_expression) {
    const bool printed = found.alone && !as_expression;
    std::string text;
    auto done = found.begin;
    for (const auto& asked : found.uses) {
      const auto* value = value_of(at, asked);
      if (value == nullptr)
        return {};
      if (!value->is_scalar() && !value->is_null()) {
        report_.error(at, std::string{kind_of(*value)} + " cannot stand in a text",
                      "a value of this kind stands alone: \"{{ each.name }}\"");
        return {};
      }
      if (printed)
        return value->text;
      text += at.text.substr(done, asked.begin - done);
      text += literal(*value);
      done = asked.end;
    }
    return text + at.text.substr(done, found.end - done);
  }

  /// A value as an expression writes it.
  std::string literal(const node& value) {
    const auto read = read_json(report_, value);
    if (!read)
      return "null";
    if (!read->is_string())
      return read->dump();
    std::string text{'"'};
    for (const auto c : read->get_ref<const std::string&>())
      switch (c) {
      case '"':
        text += "\\\"";
        break;
      case '\\':
        text += "\\\\";
        break;
      case '\n':
        text += "\\n";
        break;
      case '\t':
        text += "\\t";
        break;
      default:
        text += c;
      }
    return text + '"';
  }

  const reporter& report_;
  const node& values_;
  std::set<std::string>& used_;
};

struct from_draft {
  const node* from = nullptr;
  const node* each = nullptr;
};

constexpr key_rule<from_draft> from_rules[] = {
    {"from", [](const reporter&, const node& at, from_draft& into) { into.from = &at; }},
    {"each", [](const reporter&, const node& at, from_draft& into) { into.each = &at; }},
};

bool check_names(const reporter& report, const node& values) {
  bool good = true;
  for (std::size_t i = 0; i < values.pairs(); ++i)
    if (!is_identifier(values.key(i).text)) {
      report.error(values.key(i), shown(values.key(i).text) + " is no legal name of a value",
                   "write letters, digits and _, not a digit first");
      good = false;
    }
  return good;
}

/// Every combination of the lists of a map, the last name fastest.
std::vector<node> combinations(const reporter& report, const node& lists) {
  std::vector<node> made(1);
  made.front().is = node::kind::map;
  made.front().offset = lists.offset;
  if (lists.pairs() == 0 || !check_names(report, lists))
    return {};
  for (std::size_t i = 0; i < lists.pairs(); ++i) {
    const auto& list = lists.value(i);
    if (!list.is_list()) {
      report_kind(report, list, "a list of values");
      return {};
    }
    if (made.size() * list.items.size() > definition_limits::template_instances) {
      report.error(lists, "more than 10,000 workflows from one document");
      return {};
    }
    std::vector<node> longer;
    for (const auto& one : made)
      for (const auto& item : list.items) {
        longer.push_back(one);
        longer.back().items.push_back(lists.key(i));
        longer.back().items.push_back(item);
      }
    made = std::move(longer);
  }
  return made;
}

/// The maps of values, one for each workflow to be made.
std::vector<node> values_of(const reporter& report, const node& each) {
  if (each.is_map())
    return combinations(report, each);
  if (!each.is_list()) {
    report_kind(report, each, "a list of maps, or a map of lists");
    return {};
  }
  if (each.items.size() > definition_limits::template_instances) {
    report.error(each, "more than 10,000 workflows from one document");
    return {};
  }
  bool good = true;
  for (const auto& one : each.items)
    if (!one.is_map()) {
      report_kind(report, one, "a map of values, as {country: DEU}");
      good = false;
    } else {
      good = check_names(report, one) && good;
    }
  return good ? each.items : std::vector<node>{};
}

std::string label_of(const std::string& name, const node& values) {
  std::string label = shown(name) + " with ";
  for (std::size_t i = 0; i < values.pairs() && i < 4; ++i)
    label += (i == 0 ? "" : ", ") + values.key(i).text + " = " + shortly(values.value(i));
  return label;
}

std::size_t count_of(const node& at) {
  std::size_t count = 1;
  for (const auto& item : at.items)
    count += count_of(item);
  return count;
}

const workflow_template* find_template(const reporter& report, const node& name,
                                       const template_table& templates) {
  if (!name.is_scalar()) {
    report_kind(report, name, "the name of a template");
    return nullptr;
  }
  if (const auto found = templates.find(name.text); found != templates.end())
    return &found->second;
  std::vector<std::string_view> known;
  for (const auto& [each, _] : templates)
    known.emplace_back(each);
  auto advice = did_you_mean(name.text, known);
  report.error(name, "there is no template " + shown(name.text),
               advice.empty() ? "a document of these files begins it: `template: " + name.text + "`"
                              : advice);
  return nullptr;
}

void warn_of_unused(const reporter& report, const std::vector<node>& all,
                    const std::set<std::string>& used, const std::string& name) {
  std::set<std::string> told;
  for (const auto& values : all)
    for (std::size_t i = 0; i < values.pairs(); ++i)
      if (const auto& key = values.key(i); !used.contains(key.text) && told.insert(key.text).second)
        report.warning(key.offset,
                       "the template " + shown(name) + " does not use " + shown(key.text));
}

} // namespace

bool is_template(const node& document) { return document.find("template") != nullptr; }

bool is_made_from_template(const node& document) {
  return document.find("from") != nullptr || document.find("each") != nullptr;
}

std::optional<workflow_template> read_template(const reporter& report,
                                               const yaml_document& document,
                                               std::shared_ptr<const source_file> file) {
  workflow_template made;
  made.file = std::move(file);
  made.offset = document.offset;
  made.body = document.root;
  made.body.items.clear();
  for (std::size_t i = 0; i < document.root.pairs(); ++i) {
    if (document.root.key(i).text != "template") {
      made.body.items.push_back(document.root.key(i));
      made.body.items.push_back(document.root.value(i));
      continue;
    }
    made.name_offset = document.root.value(i).offset;
    if (auto name = read_name(report, document.root.value(i)))
      made.name = *std::move(name);
  }
  if (made.name.empty())
    return std::nullopt;
  if (const auto* from = document.root.find("from"))
    report.error(*from, "a template is not made from another one");
  return made;
}

stamped_set stamp_documents(const reporter& report, const yaml_document& document,
                            const template_table& templates, diagnostic_sink& told) {
  from_draft asked;
  read_keys<from_draft>(report, document.root, from_rules, "a document with `from` and `each`",
                        asked);
  if (asked.from == nullptr || asked.each == nullptr) {
    report.error(document.root, asked.from == nullptr ? "`each` needs `from` with a template's name"
                                                      : "`from` needs `each` with the values");
    return {};
  }
  const auto* from = find_template(report, *asked.from, templates);
  const auto errors = report.sink.error_count();
  const auto all = values_of(report, *asked.each);
  if (all.empty() && report.sink.error_count() == errors)
    report.error(*asked.each, "`each` is empty: no workflow is made");
  stamped_set made;
  made.from = from;
  if (from == nullptr || all.empty())
    return made;
  if (count_of(from->body) * all.size() > definition_limits::nodes) {
    report.error(*asked.each, "the workflows of this document have more than 1,500,000 values");
    return made;
  }
  std::set<std::string> used;
  instance_faults faults;
  for (const auto& values : all) {
    diagnostic_sink of_one;
    const reporter in_template{*from->file, of_one};
    made.documents.push_back(
        {{from->offset, stamper{in_template, values, used}.document(from->body)},
         label_of(from->name, values)});
    if (of_one.error_count() > 0) {
      faults.add(of_one, made.documents.back().label);
      made.documents.pop_back();
    }
  }
  faults.tell(told);
  warn_of_unused(report, all, used, from->name);
  return made;
}

void instance_faults::add(diagnostic_sink& of, const std::string& label) {
  auto found = of.finish();
  for (auto* list : {&found.errors, &found.warnings})
    for (auto& one : *list) {
      const auto [at, fresh] = positions_.emplace(to_text(one), faults_.size());
      if (fresh)
        faults_.push_back({std::move(one), label});
      else
        ++faults_[at->second].others;
    }
}

void instance_faults::tell(diagnostic_sink& into) const {
  for (const auto& [what, label, others] : faults_) {
    auto told = what;
    told.message += " (in " + label;
    if (others > 0)
      told.message += " and " + std::to_string(others) + (others == 1 ? " other" : " others");
    told.message += ')';
    into.add(std::move(told));
  }
}

std::vector<std::string_view> template_keys() { return keys_of<from_draft>(from_rules); }

} // namespace pinion::definitions
