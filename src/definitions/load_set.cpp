#include "definitions/graph.hpp"
#include "definitions/suggest.hpp"
#include "definitions/templates.hpp"
#include "definitions/value_reader.hpp"
#include "definitions/workflow_reader.hpp"
#include "pinion/definitions/loader.hpp"
#include "pinion/definitions/reference_check.hpp"
#include "pinion/timing/instant_text.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace pinion {

namespace {

namespace fs = std::filesystem;
using namespace definitions;

std::string absolute_path(const std::string& path) {
  std::error_code failed;
  const auto whole = fs::absolute(path, failed);
  return (failed ? fs::path{path} : whole).lexically_normal().string();
}

std::string folder_of(const std::string& absolute) {
  return fs::path{absolute}.parent_path().string();
}

bool is_project_file(const std::string& path) {
  const auto name = fs::path{path}.filename();
  return name == "pinion.yaml" || name == "pinion.yml";
}

/// A calendar whose dates end within this time is warned about.
constexpr std::chrono::days running_out{60};

/// A workflow of the set, with what the checks between files need.
struct set_member {
  loaded_workflow loaded;
  file_place name_at;
  std::string made_from; ///< The template and its values, for messages; empty: written out.
  std::vector<workflow_call> calls;
  std::vector<outside_reference> references;
};

class set_loader {
public:
  explicit set_loader(const load_options& options) : options_{options} {}

  diagnostic_sink& sink() noexcept { return sink_; }

  load_result load(std::span<const source_text> sources) {
    std::vector<const source_text*> ordered;
    for (const auto& source : sources)
      ordered.push_back(&source);
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto* a, const auto* b) { return a->path < b->path; });
    for (const auto* source : ordered)
      if (is_project_file(source->path))
        read_project_file(*source);
    check_environment();
    for (const auto* source : ordered)
      if (!is_project_file(source->path))
        collect_templates(*source);
    for (const auto* source : ordered) {
      result_.files.push_back(source->path);
      if (!is_project_file(source->path))
        read_workflow_file(*source);
    }
    check_templates();
    check_duplicates();
    check_calls();
    check_outside_references();
    check_calendars();
    return finish();
  }

private:
  /// The text as a file, or nothing if its bytes are refused; that has then been reported.
  std::optional<source_file> open(const source_text& source) {
    source_file file{source.path, source.text};
    for (const auto& why : file.refused())
      sink_.add(why);
    if (!file.refused().empty())
      return std::nullopt;
    return file;
  }

  void read_project_file(const source_text& source) {
    const auto folder = folder_of(absolute_path(source.path));
    if (const auto other = projects_.find(folder); other != projects_.end())
      return sink_.add({source.path, 1, 1, "the folder has another one: " + other->second.path});
    const auto file = open(source);
    if (!file)
      return;
    auto made = read_project({*file, sink_}, folder, options_.environment);
    if (!made.project.empty())
      claim_project(made.project, made);
    projects_.emplace(folder, std::move(made));
  }

  /// The settings of a project come from one pinion.yaml.
  void claim_project(const std::string& project, const project_file& from) {
    const auto [at, fresh] = sources_.emplace(project, from.path);
    if (!fresh && at->second != from.path) {
      if (contested_.emplace(project, from.path).second)
        sink_.add({from.path, 1, 1,
                   "the project " + shown(project) + " has its settings from " + at->second +
                       " already"});
      return;
    }
    auto settings = from.settings;
    settings.project = project;
    settings_.insert_or_assign(project, std::move(settings));
  }

  void check_environment() {
    if (options_.environment.empty())
      return;
    std::vector<std::string_view> known;
    for (const auto& [folder, file] : projects_) {
      if (file.has_environment)
        return;
      known.insert(known.end(), file.environments.begin(), file.environments.end());
    }
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    const auto where =
        projects_.empty() ? std::string{"pinion.yaml"} : projects_.begin()->second.path;
    const auto message = "there is no environment " + shown(options_.environment);
    sink_.add({where, 1, 1, message,
               known.empty() ? "declare it under `environments:` in pinion.yaml"
                             : "known: " + listed(known, " and ")});
  }

  const project_file* above(const std::string& folder) const {
    for (fs::path at = folder;; at = at.parent_path()) {
      if (const auto found = projects_.find(at.string()); found != projects_.end())
        return &found->second;
      if (!at.has_relative_path())
        return nullptr;
    }
  }

  /// The project of a file in `folder`. An illegal one is reported at the file's beginning.
  std::string project_of(const source_text& source, const std::string& folder,
                         const project_file* from) {
    if (from != nullptr && !from->project.empty())
      return from->project;
    auto name = fs::path{folder}.filename().string();
    if (!is_name(name))
      sink_.add({source.path, 1, 1,
                 "the folder's name " + shown(name) + " is no legal name of a project",
                 "write `project: name` in a pinion.yaml beside the file"});
    return name;
  }

  const project_settings& settings_of(const std::string& project, const project_file* from) {
    if (from != nullptr)
      claim_project(project, *from);
    if (const auto known = settings_.find(project); known != settings_.end())
      return known->second;
    std::optional<project_settings> elsewhere;
    if (options_.settings_elsewhere)
      elsewhere = options_.settings_elsewhere(project);
    auto& settings = borrowed_[project];
    settings = elsewhere.value_or(project_settings{});
    settings.project = project;
    return settings;
  }

  /// Templates are known in the whole set, so they are gathered before any document is read. What
  /// is wrong with a file is told when it is read.
  void collect_templates(const source_text& source) {
    if (source.text.find("template") == std::string::npos)
      return;
    const auto file = std::make_shared<const source_file>(source.path, source.text);
    if (!file->refused().empty())
      return;
    diagnostic_sink told_later;
    const reporter report{*file, told_later};
    for (const auto& document : read_yaml(report)) {
      if (!is_template(document.root))
        continue;
      auto made = read_template(report, document, file);
      if (!made)
        continue;
      const auto place = file->place_of(made->name_offset);
      const auto name = made->name;
      const auto [at, fresh] = templates_.emplace(name, *std::move(made));
      if (fresh)
        continue;
      const auto& first = at->second;
      sink_.add({source.path, place.line, place.column,
                 "the template " + shown(name) + " is defined twice, first in " +
                     first.file->path() + ':' +
                     std::to_string(first.file->place_of(first.name_offset).line)});
    }
  }

  void check_templates() {
    for (const auto& [name, one] : templates_) {
      const auto place = one.file->place_of(one.name_offset);
      if (!used_templates_.contains(name))
        sink_.add({one.file->path(), place.line, place.column,
                   "no workflow is made from the template " + shown(name),
                   "add a document with `from: " + name + "` and `each:`", severity::warning});
    }
  }

  void read_stamped(const reporter& report, const yaml_document& document,
                    const workflow_context& context, const std::string& owner) {
    const auto made = stamp_documents(report, document, templates_, sink_);
    if (made.from == nullptr)
      return;
    used_templates_.insert(made.from->name);
    instance_faults faults;
    for (const auto& one : made.documents) {
      diagnostic_sink of_one;
      add_member(read_workflow({*made.from->file, of_one}, one.document, context), context.above,
                 made.from->file->path(), owner);
      members_.back().made_from = one.label;
      faults.add(of_one, one.label);
    }
    faults.tell(sink_);
  }

  void read_workflow_file(const source_text& source) {
    const auto file = open(source);
    if (!file)
      return;
    const reporter report{*file, sink_};
    const auto errors = sink_.error_count();
    const auto documents = read_yaml(report);
    const auto path = absolute_path(source.path);
    workflow_context context;
    context.folder = folder_of(path);
    context.above = above(context.folder);
    context.now = options_.now;
    std::size_t workflows = 0;
    std::size_t templates = 0;
    for (const auto& document : documents) {
      if (document.root.is_null())
        continue;
      if (is_template(document.root)) {
        ++templates;
        read_template(report, document, nullptr);
        continue;
      }
      if (++workflows == 1) {
        context.project = project_of(source, context.folder, context.above);
        context.settings = &settings_of(context.project, context.above);
      }
      if (is_made_from_template(document.root))
        read_stamped(report, document, context, path);
      else
        add_member(read_workflow(report, document, context), context.above, source.path, path);
    }
    if (workflows + templates == 0 && sink_.error_count() == errors)
      report.error(0, "the file has no workflow", "begin with `workflow: name` and `tasks:`");
  }

  void add_member(read_workflow_result read, const project_file* above, const std::string& file,
                  const std::string& path) {
    read.definition.source_file = path;
    for (auto& name : read.calendars)
      used_calendars_.emplace(above, std::move(name));
    members_.push_back({{std::move(read.definition), file, read.at.line},
                        read.name_at,
                        {},
                        std::move(read.calls),
                        std::move(read.references)});
  }

  void tell(const set_member& member, const file_place& at, std::string message,
            std::string suggestion = {}) {
    if (!member.made_from.empty())
      message += " (in " + member.made_from + ')';
    sink_.add({member.loaded.file, at.line, at.column, std::move(message), std::move(suggestion)});
  }

  void check_duplicates() {
    for (std::uint32_t i = 0; i < members_.size(); ++i) {
      const auto& loaded = members_[i].loaded;
      if (loaded.definition.name.empty())
        continue;
      const auto [first, fresh] = positions_.emplace(loaded.definition.id(), i);
      if (fresh)
        continue;
      const auto& other = members_[first->second];
      tell(members_[i], members_[i].name_at,
           "the workflow " + shown(loaded.definition.id()) + " is defined twice, first in " +
               other.loaded.file + ':' + std::to_string(other.name_at.line));
    }
  }

  std::string called_id(const workflow_definition& caller, const std::string& name) const {
    return name.find('.') == std::string::npos ? caller.project + '.' + name : name;
  }

  /// The position of the workflow that a task calls; nothing if it lies outside the set or was
  /// reported as unknown.
  std::optional<std::uint32_t> resolve(const set_member& caller, const workflow_call& call) {
    const auto& name = caller.loaded.definition.tasks[call.task].call_workflow;
    const auto id = called_id(caller.loaded.definition, name);
    if (const auto known = positions_.find(id); known != positions_.end()) {
      check_call_params(caller, call, members_[known->second].loaded.definition);
      return known->second;
    }
    if (options_.exists_elsewhere && options_.exists_elsewhere(id))
      return std::nullopt;
    std::vector<std::string_view> ids;
    for (const auto& [known_id, position] : positions_)
      ids.emplace_back(known_id);
    std::sort(ids.begin(), ids.end());
    tell(caller, call.at, "there is no workflow " + shown(id), did_you_mean(id, ids));
    return std::nullopt;
  }

  void check_call_params(const set_member& caller, const workflow_call& call,
                         const workflow_definition& called) {
    const auto& given = caller.loaded.definition.tasks[call.task].call_params;
    std::vector<std::string_view> declared;
    for (const auto& param : called.params)
      declared.emplace_back(param.name);
    for (const auto& [name, value] : given)
      if (std::find(declared.begin(), declared.end(), name) == declared.end())
        tell(caller, call.at,
             "the workflow " + shown(called.id()) + " has no parameter " + shown(name),
             did_you_mean(name, declared));
    for (const auto& param : called.params)
      if (param.default_value.empty() &&
          std::none_of(given.begin(), given.end(),
                       [&](const auto& value) { return value.first == param.name; }))
        tell(caller, call.at,
             "the workflow " + shown(called.id()) + " needs the parameter " + shown(param.name),
             "add it under `params:`");
  }

  void check_calls() {
    std::vector<std::vector<std::uint32_t>> called(members_.size());
    for (std::uint32_t i = 0; i < members_.size(); ++i)
      for (const auto& call : members_[i].calls)
        if (const auto target = resolve(members_[i], call))
          called[i].push_back(*target);
    const auto cycle = find_cycle(called);
    if (cycle.empty())
      return;
    std::vector<std::string> ids;
    for (const auto member : cycle)
      ids.push_back(members_[member].loaded.definition.id());
    const auto& first = members_[cycle.front()];
    // The call that closes the circle from its first member.
    const auto next = cycle[1 % cycle.size()];
    for (const auto& call : first.calls) {
      const auto& name = first.loaded.definition.tasks[call.task].call_workflow;
      if (called_id(first.loaded.definition, name) != members_[next].loaded.definition.id())
        continue;
      return tell(first, call.at,
                  "workflows call each other in a cycle: " + print_cycle({ids.begin(), ids.end()}));
    }
  }

  void check_outside_references() {
    std::vector<const workflow_definition*> set;
    for (const auto& member : members_)
      set.push_back(&member.loaded.definition);
    for (auto& found : check_references(set, options_.definition_elsewhere)) {
      const auto& member = members_[found.workflow];
      tell(member, std::move(found));
    }
  }

  void tell(const set_member& member, reference_problem found) {
    const auto position = found.task ? found.need : found.trigger.value_or(0);
    const auto at = std::find_if(member.references.begin(), member.references.end(),
                                 [&](const outside_reference& one) {
                                   return one.task == found.task && one.position == position;
                                 });
    if (at == member.references.end())
      return;
    if (found.where == reference_problem::part::workflow && exists_elsewhere(member, *at))
      return;
    const auto place = found.where == reference_problem::part::whole     ? at->whole
                       : found.where == reference_problem::part::trigger ? at->trigger
                                                                         : at->upstream;
    tell(member, place, std::move(found.what.message), std::move(found.what.suggestion));
  }

  bool exists_elsewhere(const set_member& member, const outside_reference& at) const {
    const auto& definition = member.loaded.definition;
    const auto& id = at.task ? definition.tasks[*at.task].outside_needs[at.position].workflow
                             : definition.triggers[at.position].after->workflow;
    return options_.exists_elsewhere && options_.exists_elsewhere(id);
  }

  void check_calendars() {
    for (const auto& [folder, file] : projects_)
      for (const auto& [name, one] : file.calendars)
        if (one.value != nullptr)
          check_calendar(file, name, one);
  }

  void check_calendar(const project_file& file, const std::string& name,
                      const named_calendar& one) {
    const auto warn = [&](std::string message, std::string suggestion) {
      sink_.add({file.path, one.at.line, one.at.column, std::move(message), std::move(suggestion),
                 severity::warning});
    };
    if (!one.below_another && !used_calendars_.contains({&file, name})) {
      if (is_whole(file))
        warn("no trigger uses the calendar " + shown(name), "remove it");
      return;
    }
    const auto& text = one.value->text();
    const auto last = one.value->last_explicit_day();
    if (!options_.now || !last || (text.except.empty() && text.also.empty()))
      return;
    const auto today = day_of(*options_.now, zone{});
    if (*last < today + running_out)
      warn("the dates of the calendar " + shown(name) +
               (*last < today ? " ended with " : " end with ") + print_day(*last),
           "add those of the coming year");
  }

  /// Are all the workflows below a pinion.yaml in the set? A root that is a file brings the
  /// pinion.yaml beside it and not its neighbours.
  bool is_whole(const project_file& file) const {
    return std::all_of(options_.roots.begin(), options_.roots.end(), [&](const std::string& root) {
      std::error_code ignored;
      return fs::is_directory(root, ignored) || folder_of(absolute_path(root)) != file.folder;
    });
  }

  load_result finish() {
    auto found = sink_.finish();
    result_.errors = std::move(found.errors);
    result_.warnings = std::move(found.warnings);
    if (!result_.ok())
      return std::move(result_);
    for (auto& member : members_) {
      settings_.try_emplace(member.loaded.definition.project,
                            project_settings{.project = member.loaded.definition.project});
      result_.workflows.push_back(std::move(member.loaded));
    }
    for (auto& [project, settings] : settings_)
      result_.projects.push_back(std::move(settings));
    return std::move(result_);
  }

  const load_options& options_;
  diagnostic_sink sink_;
  load_result result_;
  std::map<std::string, project_file> projects_;            ///< By absolute folder.
  std::map<std::string, std::string> sources_;              ///< Project -> path of its pinion.yaml.
  std::set<std::pair<std::string, std::string>> contested_; ///< Reported once each.
  std::map<std::string, project_settings> settings_;        ///< Of projects with a pinion.yaml.
  std::map<std::string, project_settings> borrowed_; ///< Of projects without one in this set.
  template_table templates_;
  std::set<std::string> used_templates_;
  std::vector<set_member> members_;
  std::set<std::pair<const project_file*, std::string>> used_calendars_;
  std::unordered_map<std::string, std::uint32_t> positions_; ///< Id -> place in `members_`.
};

} // namespace

load_result load_texts(std::span<const source_text> sources, const load_options& options) {
  return set_loader{options}.load(sources);
}

load_result load_text(std::string_view name, std::string_view text, const load_options& options) {
  const source_text source{std::string{name}, std::string{text}};
  return load_texts({&source, 1}, options);
}

load_result load_set(const load_options& options) {
  auto collected = collect_sources(options);
  set_loader loader{options};
  for (auto& problem : collected.problems)
    loader.sink().add(std::move(problem));
  return loader.load(collected.sources);
}

} // namespace pinion
