#include "pinion/definitions/template_check.hpp"

#include "definitions/foreign_words.hpp"
#include "definitions/suggest.hpp"
#include "definitions/task_names.hpp"
#include "definitions/task_texts.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace pinion {

namespace {

using names = std::vector<std::string_view>;

/// What the names of one text may be.
struct allowance {
  bool secrets = false;
  bool loop = false;    ///< The loop name.
  bool attempt = false; ///< task.attempt
};

} // namespace

struct template_checker::tables {
  const workflow_definition& workflow;
  const project_settings& settings;
  names params;
  names vars;
  names secrets;
  nlohmann::json vars_value;
  std::unordered_map<std::string_view, std::uint32_t> tasks;
};

template_checker::template_checker(const workflow_definition& workflow,
                                   const project_settings& settings)
    : tables_{new tables{workflow, settings, {}, {}, {}, {}, {}}} {
  auto& to = *tables_;
  for (const auto& param : workflow.params)
    to.params.push_back(param.name);
  if (auto vars = parse_json(workflow.vars); vars && vars.value().is_object())
    to.vars_value = std::move(vars.value());
  for (const auto& item : to.vars_value.items())
    to.vars.emplace_back(item.key());
  for (const auto& [name, source] : settings.secrets)
    to.secrets.emplace_back(name);
  for (std::uint32_t i = 0; i < workflow.tasks.size(); ++i)
    to.tasks.emplace(workflow.tasks[i].name, i);
}

template_checker::~template_checker() = default;

namespace {

/// Checks the texts of one task.
class task_check {
public:
  template <class Tables>
  task_check(const Tables& known, std::uint32_t task)
      : workflow_{known.workflow}, params_{known.params}, vars_{known.vars},
        secrets_{known.secrets}, tasks_{known.tasks}, position_{task},
        task_{known.workflow.tasks[task]} {}

  std::vector<text_problem> run() {
    check_loop_name();
    for (const auto& text : body_texts(task_))
      check(text);
    for (const auto& text : process_texts(task_))
      check(text);
    check_value("when", task_.when, value_text::bare::expression, {});
    if (task_.choice)
      check_value("on", task_.choice->on, value_text::bare::expression, {});
    if (task_.for_each) {
      if (!task_.for_each->of_is_json)
        check_value("for_each.of", task_.for_each->of, value_text::bare::expression, {});
      check_value("for_each.key", task_.for_each->key, value_text::bare::expression,
                  {false, true, false});
    }
    for (std::size_t i = 0; i < task_.checks.size(); ++i)
      for (const auto& text : check_texts(task_, i))
        check(text);
    for (const auto& [name, text] : task_.call_params)
      check_value("params." + name, text, value_text::bare::text, {false, true, true});
    return std::move(out_);
  }

private:
  void report(const std::string& field, std::size_t offset, std::string message,
              std::string suggestion = {}) {
    out_.push_back({field, offset, {errc::invalid, std::move(message), std::move(suggestion)}});
  }

  void check_loop_name() {
    if (task_.for_each && std::find(root_names.begin(), root_names.end(),
                                    task_.for_each->variable) != root_names.end())
      report("for_each.variable", 0,
             "the loop name `" + task_.for_each->variable + "` hides a name of the language");
  }

  void check(const task_text& text) {
    auto parsed = parse_text(text, task_.expressions);
    if (!parsed)
      return add(text.field, std::move(parsed.error()));
    for (const auto& reference : parsed.value().references())
      check(text.field, reference, {text.secrets, true, true});
  }

  void check_value(const std::string& field, const std::string& text, value_text::bare bare,
                   allowance may) {
    if (text.empty())
      return;
    auto parsed = value_text::parse(text, bare);
    if (!parsed)
      return add(field, std::move(parsed.error()));
    for (const auto& reference : parsed.value().references())
      check(field, reference, may);
  }

  void add(const std::string& field, text_problem what) {
    what.field = field;
    out_.push_back(std::move(what));
  }

  void check(const std::string& field, const name_reference& name, allowance may) {
    const auto& root = name.path.front();
    const auto offset = name.offset;
    if (task_.for_each && root == task_.for_each->variable) {
      if (!may.loop)
        report(field, offset, "the loop name `" + root + "` has no value here");
    } else if (root == "params") {
      check_key(field, name, "parameter", params_);
    } else if (root == "vars") {
      check_key(field, name, "variable", vars_);
    } else if (root == "inputs") {
      check_input(field, name);
    } else if (root == "secrets") {
      if (!may.secrets)
        report(field, offset, "secrets are available only in `env:` and `stdin:`",
               "pass it through `env:`");
      else if (name.path.size() < 2)
        report(field, offset, "`secrets` needs the name of a secret", "write secrets.NAME");
      else
        must_be(field, offset, "secret", name.path[1], secrets_);
    } else if (root == "run") {
      check_key(field, name, "key of `run`", {run_keys.begin(), run_keys.end()});
      check_outcome(field, name);
    } else if (root == "task") {
      check_key(field, name, "key of `task`", {task_keys.begin(), task_keys.end()});
      if (!may.attempt && name.path.size() > 1 && name.path[1] == "attempt")
        report(field, offset, "`task.attempt` is not known before an attempt starts");
    } else {
      names roots{root_names.begin(), root_names.end()};
      if (task_.for_each)
        roots.emplace_back(task_.for_each->variable);
      must_be(field, offset, "name", root, roots, advice_for_root(root));
    }
  }

  /// A key that `??` covers may be absent.
  void check_key(const std::string& field, const name_reference& name, std::string_view what,
                 const names& known) {
    if (name.path.size() > 1 && !name.has_default)
      must_be(field, name.offset, what, name.path[1], known);
  }

  void check_outcome(const std::string& field, const name_reference& name) {
    if (name.path.size() < 2 || name.has_default || is_at_end(workflow_, position_) ||
        std::find(outcome_keys.begin(), outcome_keys.end(), name.path[1]) == outcome_keys.end())
      return;
    report(field, name.offset,
           "`run." + name.path[1] + "` is known when all tasks have ended: only to end tasks",
           "name the task in `on_failure` or `on_success` of the workflow: {task: " + task_.name +
               '}');
  }

  /// What to write for a name that stands alone and means nothing by itself.
  std::string advice_for_root(const std::string& root) const {
    for (const auto& [what, known] : {std::pair{"params", &params_}, std::pair{"vars", &vars_}})
      if (std::find(known->begin(), known->end(), root) != known->end())
        return "write `" + std::string{what} + '.' + root + '`';
    return std::string{definitions::advice_for_name(root)};
  }

  void must_be(const std::string& field, std::size_t offset, std::string_view what,
               std::string_view name, const names& known, std::string hint = {}) {
    if (std::find(known.begin(), known.end(), name) != known.end())
      return;
    if (hint.empty())
      hint = definitions::did_you_mean(name, known);
    if (hint.empty() && !known.empty())
      hint = "known are " + definitions::listed(known);
    report(field, offset, "unknown " + std::string{what} + " " + definitions::shown(name),
           std::move(hint));
  }

  void check_input(const std::string& field, const name_reference& name) {
    if (name.path.size() < 2)
      return report(field, name.offset, "`inputs` needs the name of a task",
                    "write inputs.TASK.KEY or inputs['TASK'].KEY");
    const auto& wanted = name.path[1];
    if (is_need_name(workflow_, position_, wanted))
      return;
    const auto at = tasks_.find(wanted);
    if (at == tasks_.end()) {
      names near;
      for (const auto task : ancestors())
        near.push_back(workflow_.tasks[task].name);
      // `inputs.read-file` is a difference: inputs.read less file.
      const auto cut = std::find_if(near.begin(), near.end(), [&](std::string_view each) {
        return each.size() > wanted.size() && each.starts_with(wanted) &&
               each[wanted.size()] == '-';
      });
      if (cut != near.end())
        return report(field, name.offset, "unknown task " + definitions::shown(wanted),
                      "write inputs['" + std::string{*cut} + "']");
      for (const auto& need : workflow_.tasks[head_of_chain(workflow_, position_)].outside_needs)
        if (!need.as.empty())
          near.push_back(need.as);
      const auto close = definitions::nearest(wanted, near);
      std::string hint;
      if (!close.empty())
        hint = close.find('-') == std::string_view::npos
                   ? "did you mean `" + std::string{close} + "`?"
                   : "write inputs['" + std::string{close} + "']";
      return report(field, name.offset, "unknown task " + definitions::shown(wanted),
                    std::move(hint));
    }
    if (std::binary_search(ancestors().begin(), ancestors().end(), at->second))
      return;
    const auto head = head_of_chain(workflow_, at->second);
    if (head != at->second)
      report(field, name.offset,
             "`" + wanted + "` is a fallback; its outputs are those of its primary",
             "write inputs['" + workflow_.tasks[head].name + "']");
    else
      report(field, name.offset, "task `" + wanted + "` is not upstream of `" + task_.name + "`",
             at->second == position_ ? "" : "add it to `needs:`");
  }

  const std::vector<std::uint32_t>& ancestors() {
    if (!ancestors_)
      ancestors_ = ancestors_of(workflow_, position_);
    return *ancestors_;
  }

  const workflow_definition& workflow_;
  const names& params_;
  const names& vars_;
  const names& secrets_;
  const std::unordered_map<std::string_view, std::uint32_t>& tasks_;
  std::uint32_t position_;
  const task_definition& task_;
  std::optional<std::vector<std::uint32_t>> ancestors_;
  std::vector<text_problem> out_;
};

} // namespace

std::vector<text_problem> template_checker::check(std::uint32_t task) const {
  return task_check{*tables_, task}.run();
}

std::vector<text_problem> check_task(const workflow_definition& workflow, std::uint32_t task,
                                     const project_settings& settings) {
  return template_checker{workflow, settings}.check(task);
}

} // namespace pinion
