#include "api/posted_files.hpp"

#include "api/query.hpp"
#include "api/store_directory.hpp"
#include "pinion/definitions/canonical.hpp"

namespace pinion {

json details_of(const std::vector<diagnostic>& list) {
  json details = json::array();
  for (const auto& one : list)
    details.push_back(from_stored(to_json(one)));
  return details;
}

http_reply refused_set(const load_result& loaded, const std::string& outcome) {
  const auto count = loaded.errors.size();
  json error{{"code", to_string(errc::invalid)},
             {"message", std::to_string(count) + (count == 1 ? " error" : " errors") +
                             " in the definitions: " + outcome},
             {"suggestion", ""},
             {"details", details_of(loaded.errors)}};
  return json_reply(json{{"error", std::move(error)}}, 400);
}

result<std::vector<source_text>> posted_files(const json& body) {
  const auto files = body.find("files");
  if (files == body.end() || !files->is_array())
    return problem{errc::invalid, "'files' must be a list of {path, text}"};
  std::vector<source_text> sources;
  for (const auto& file : *files) {
    if (!file.is_object())
      return problem{errc::invalid, "'files' must be a list of {path, text}"};
    BOOST_OUTCOME_TRY(path, body_text(file, "path"));
    BOOST_OUTCOME_TRY(text, body_text(file, "text"));
    if (path.empty())
      return problem{errc::invalid, "A file of 'files' has no path"};
    sources.push_back({std::move(path), std::move(text)});
  }
  return sources;
}

namespace {

/// What the engine has beside a set that is read; what lies in `folder` belongs to the set.
class beside {
public:
  beside(api_state& state, std::string folder)
      : view_{state}, stored_{view_}, folder_{std::move(folder)} {}

  load_options options(const std::string& environment) const {
    load_options made;
    made.environment = environment;
    made.now = view_.now();
    made.exists_elsewhere = [this](const std::string& id) { return exists(id); };
    made.definition_elsewhere = [this](std::string_view id) {
      return exists(std::string{id}) ? stored_.definitions().definition(id) : nullptr;
    };
    made.settings_elsewhere = [this](const std::string& project) { return settings(project); };
    return made;
  }

private:
  bool exists(const std::string& id) const {
    const auto row = view_.rows.workflow(id);
    return row && row.value() && !row.value()->retired &&
           (folder_.empty() || !row.value()->source.starts_with(folder_ + '/'));
  }

  std::optional<project_settings> settings(const std::string& project) const {
    const auto row = view_.rows.project(project);
    if (!row || !row.value())
      return std::nullopt;
    auto made = settings_from_canonical_json(*row.value());
    if (!made)
      return std::nullopt;
    return std::move(made.value());
  }

  const store_view view_;
  const store_directory stored_;
  const std::string folder_;
};

} // namespace

load_result load_posted(api_state& state, const std::vector<source_text>& sources) {
  const beside known{state, {}};
  return load_texts(sources, known.options(state.handles.environment));
}

load_result load_folder(api_state& state, const std::string& folder) {
  const beside known{state, folder};
  auto options = known.options(state.handles.environment);
  options.roots = {folder};
  return load_set(options);
}

} // namespace pinion
