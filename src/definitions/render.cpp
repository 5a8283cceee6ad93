#include "pinion/definitions/render.hpp"

#include "definitions/masking.hpp"
#include "definitions/run_scope.hpp"
#include "definitions/task_names.hpp"
#include "definitions/task_texts.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <set>

namespace pinion {

using nlohmann::json;

namespace {

constexpr std::size_t max_word_bytes = (128U << 10U) - 1; // Linux, MAX_ARG_STRLEN
constexpr std::size_t max_arguments_bytes = 1U << 20U;
constexpr std::size_t max_inputs_bytes = 16U << 20U;

problem in_field(std::string_view field, problem what) {
  what.message = std::string{field} + ": " + what.message;
  return what;
}

/// One attempt's process in the making.
class renderer {
public:
  static result<renderer> make(const render_input& input) {
    const auto& workflow = input.run.definition();
    if (input.key.task >= workflow.tasks.size())
      return problem{errc::not_found, "the workflow has no such task", {}};
    BOOST_OUTCOME_TRY(scope, run_scope::make(input.run, input.key.task));
    renderer out{input, std::move(scope)};
    if (const auto* instance = input.run.find(input.key);
        instance && input.key.element != no_element) {
      BOOST_OUTCOME_TRY(element, parse_json(instance->element_value));
      out.index_ = instance->element_key;
      out.scope_.bind_element(instance->element_key, std::move(element));
    }
    out.scope_.bind_attempt(input.attempt);
    return out;
  }

  result<rendered_task> body() {
    if (task_->type == task_type::python)
      return python();
    if (task_->type == task_type::java)
      return java();
    if (task_->type != task_type::shell)
      return problem{errc::invalid, "a task of this type has no process", {}};
    BOOST_OUTCOME_TRY(command(body_texts(*task_), shell_command(task_->shell)));
    out_.timeout = task_->timeout.attempt;
    return finish();
  }

  result<rendered_task> check(std::uint32_t which) {
    if (which >= task_->checks.size())
      return problem{errc::not_found, "the task has no check " + std::to_string(which), {}};
    BOOST_OUTCOME_TRY(command(check_texts(*task_, which), shell_command(task_->shell)));
    out_.timeout = task_->checks[which].timeout;
    return finish();
  }

  result<json_text> call_params() {
    auto out = json::object();
    for (const auto& [name, text] : task_->call_params) {
      auto parsed = value_text::parse(text, value_text::bare::text);
      if (!parsed)
        return in_field("params." + name, parsed.error().what);
      auto value = parsed.value().evaluate(scope_);
      if (!value)
        return in_field("params." + name, value.error().what);
      out[name] = to_json(value.value(), scope_.local_zone());
    }
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
  }

private:
  renderer(const render_input& input, run_scope scope)
      : input_{&input}, task_{&input.run.definition().tasks[input.key.task]}, scope_{std::move(
                                                                                  scope)} {}

  result<std::string> render(const task_text& what) {
    auto parsed = parse_text(what, task_->expressions);
    if (!parsed)
      return in_field(what.field, parsed.error().what);
    scope_.open_secrets(what.secrets ? &input_->secrets : nullptr);
    auto text = parsed.value().render(scope_);
    scope_.open_secrets(nullptr);
    if (!text)
      return in_field(what.field, text.error().what);
    if (what.field != "stdin" && text.value().find('\0') != std::string::npos)
      return problem{errc::invalid, what.field + ": has a NUL byte, which no process can take", {}};
    return std::move(text.value());
  }

  /// Shell text becomes the script of `shell`, a list the arguments.
  result<void> command(const std::vector<task_text>& texts, std::vector<std::string> shell) {
    if (texts.empty())
      return problem{errc::invalid, "there is no command", {}};
    const bool script = texts.front().of != task_text::kind::plain;
    for (const auto& text : texts) {
      BOOST_OUTCOME_TRY(rendered, render(text));
      if (!script)
        out_.argv.push_back(std::move(rendered));
      else
        out_.script = std::move(rendered);
    }
    if (script)
      out_.argv = std::move(shell);
    if (script && out_.script.find_first_not_of(" \t\r\n") == std::string::npos)
      return problem{errc::invalid, texts.front().field + ": the text is empty", {}};
    return ok();
  }

  result<rendered_task> python() {
    const auto texts = body_texts(*task_);
    const bool source = texts.front().of == task_text::kind::python;
    out_.argv = {task_->python, "-u"};
    for (std::size_t i = 0; i < texts.size(); ++i) {
      BOOST_OUTCOME_TRY(rendered, render(texts[i]));
      if (i == 0 && source)
        out_.script = std::move(rendered);
      else
        (source ? out_.script_args : out_.argv).push_back(std::move(rendered));
    }
    out_.timeout = task_->timeout.attempt;
    return finish();
  }

  result<rendered_task> java() {
    out_.argv = {"java"};
    for (const auto& text : body_texts(*task_)) {
      BOOST_OUTCOME_TRY(rendered, render(text));
      if (text.field == "jar")
        out_.argv.emplace_back("-jar");
      out_.argv.push_back(std::move(rendered));
    }
    out_.timeout = task_->timeout.attempt;
    return finish();
  }

  result<rendered_task> finish() {
    for (const auto& text : process_texts(*task_)) {
      BOOST_OUTCOME_TRY(value, render(text));
      if (text.field == "stdin")
        out_.stdin_text = std::move(value);
      else
        set(text.field.substr(4), std::move(value)); // Behind "env."
    }
    own_variables();
    BOOST_OUTCOME_TRY(gather_inputs());
    out_.params_json = input_->run.run().params;
    out_.cwd = task_->cwd;
    out_.grace = task_->grace;
    BOOST_OUTCOME_TRY(check_limits());
    mask();
    return std::move(out_);
  }

  void set(std::string name, std::string value) {
    for (auto& [known, old] : out_.environment)
      if (known == name) {
        old = std::move(value);
        return;
      }
    out_.environment.emplace_back(std::move(name), std::move(value));
  }

  void own_variables() {
    const auto& workflow = input_->run.definition();
    const auto& run = input_->run.run();
    const auto in = scope_.local_zone();
    set("PINION_PROJECT", workflow.project);
    set("PINION_WORKFLOW", workflow.name);
    set("PINION_RUN", to_string(run.id));
    set("PINION_TASK", task_->name);
    set("PINION_INDEX", index_);
    set("PINION_ATTEMPT", std::to_string(input_->attempt));
    set("PINION_LANE", run.lane);
    set("PINION_SLOT", print_local(run.slot, in));
    set("PINION_BIZ_DATE", print_day(biz_date(run.slot, in)));
    set("PINION_DATA_INTERVAL_START", print_local(run.interval_start, in));
    set("PINION_DATA_INTERVAL_END", print_local(run.interval_end, in));
    if (is_at_end(workflow, input_->key.task))
      outcome_variables();
  }

  /// Names have no blanks: the shell takes the list apart.
  void outcome_variables() {
    const auto outcome = input_->run.outcome();
    if (!outcome)
      return; // Only looked at before its time.
    set("PINION_RUN_OUTCOME", std::string{to_string(*outcome)});
    set("PINION_RUN_REASON", std::string{to_string(input_->run.reason_of_outcome())});
    std::string failed;
    for (const auto task : input_->run.failing_tasks(max_failed_names))
      failed += (failed.empty() ? "" : " ") + input_->run.definition().tasks[task].name;
    set("PINION_RUN_FAILED", failed);
  }

  /// Task names are plain and outputs are JSON already, so the text is joined without parsing.
  result<void> gather_inputs() {
    const auto& workflow = input_->run.definition();
    std::string out{"{"};
    const auto add = [&](const std::string& name, const json_text& outputs) {
      if (outputs.empty() || outputs == "{}" || out.size() > max_inputs_bytes)
        return;
      out += out.size() > 1 ? ",\"" : "\"";
      out += name + "\":" + outputs;
    };
    for (const auto task : ancestors_of(workflow, input_->key.task))
      add(workflow.tasks[task].name, input_->run.outputs_of(task));
    for (const auto& need : workflow.tasks[head_of_chain(workflow, input_->key.task)].outside_needs)
      if (const auto* outputs = input_->run.outputs_as(input_->key.task, need.as))
        add(need.as, *outputs);
    if (out.size() > max_inputs_bytes)
      return problem{errc::limit,
                     "the outputs of the tasks before this one have more than 16 MiB together",
                     "hand large data over as files"};
    out_.inputs_json = out + '}';
    return ok();
  }

  result<void> check_limits() const {
    std::size_t arguments = 0;
    for (const auto* list : {&out_.argv, &out_.script_args})
      for (const auto& word : *list) {
        arguments += word.size() + 1;
        if (word.size() > max_word_bytes || arguments > max_arguments_bytes)
          return problem{errc::limit,
                         "an argument has more than 128 KiB, or all of them more than 1 MiB",
                         "use `stdin:` or a file"};
      }
    if (out_.argv.empty() || out_.argv.front().empty())
      return problem{errc::invalid, "the command is empty", {}};
    std::size_t environment = 0;
    for (const auto& [name, value] : out_.environment) {
      environment += name.size() + value.size() + 2;
      if (name.empty() || name.find_first_of(std::string_view{"=\0", 2}) != std::string::npos)
        return problem{errc::invalid, "env: a variable's name must not be empty or hold `=`", {}};
      if (name.size() + value.size() + 1 > max_word_bytes || environment > max_environment_bytes)
        return problem{errc::limit, "env." + name + ": the environment has more than 128 KiB",
                       "use `stdin:` or a file"};
    }
    return ok();
  }

  /// What a variable that names a secret made of it may no longer hold its value; then all of it is
  /// hidden.
  std::string masked_variable(const std::string& name, const std::string& value,
                              const secret_mask& hide) const {
    auto out = hide.apply(value);
    return out == value && derived_.contains(name) ? "***" : out;
  }

  void mask() {
    for (const auto& text : process_texts(*task_))
      if (auto parsed = parse_text(text, task_->expressions))
        for (const auto& reference : parsed.value().references())
          if (reference.path.front() == "secrets")
            derived_.insert(text.field == "stdin" ? text.field : text.field.substr(4));
    const secret_mask hide{scope_.used_secrets()};
    const auto list = [&](const std::vector<std::string>& words) {
      auto out = json::array();
      for (const auto& word : words)
        out.push_back(hide.apply(word));
      return out;
    };
    json out{{"argv", list(out_.argv)}};
    if (!out_.script.empty())
      out["script"] = hide.apply(out_.script);
    if (!out_.script_args.empty())
      out["script_args"] = list(out_.script_args);
    for (const auto& [name, value] : out_.environment)
      out["env"][name] = masked_variable(name, value, hide);
    if (!out_.stdin_text.empty())
      out["stdin"] = masked_variable("stdin", out_.stdin_text, hide);
    out_.masked = out.dump(-1, ' ', false, json::error_handler_t::replace);
  }

  const render_input* input_;
  const task_definition* task_;
  run_scope scope_;
  std::string index_;
  std::set<std::string> derived_;
  rendered_task out_;
};

} // namespace

result<rendered_task> render_task(const render_input& input) {
  BOOST_OUTCOME_TRY(work, renderer::make(input));
  return work.body();
}

result<rendered_task> render_check(const render_input& input, std::uint32_t check) {
  BOOST_OUTCOME_TRY(work, renderer::make(input));
  return work.check(check);
}

result<json_text> render_call_params(const render_input& input) {
  BOOST_OUTCOME_TRY(work, renderer::make(input));
  return work.call_params();
}

} // namespace pinion
