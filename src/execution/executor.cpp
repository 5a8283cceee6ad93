#include "pinion/execution/executor.hpp"

#include <algorithm>
#include <cstdlib>
#include <pwd.h>
#include <string_view>
#include <unistd.h>

namespace pinion {

namespace {

constexpr std::string_view usual_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

result<void> check_texts(const std::vector<std::string>& texts) {
  if (std::any_of(texts.begin(), texts.end(), [](const auto& text) { return has_nul(text); }))
    return problem{errc::invalid, "an argument has a NUL byte in it"};
  return ok();
}

std::string variable(const char* name) {
  const auto* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// `path` without empty and relative entries: those mean the working folder, which is the
/// workflow's.
std::string absolute_entries(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const auto end = std::min(path.find(':'), path.size());
    const auto entry = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (entry.empty() || entry.front() != '/')
      continue;
    if (!out.empty())
      out += ':';
    out += entry;
  }
  return out.empty() ? std::string{usual_path} : out;
}

struct account {
  std::string home = "/";
  std::string user;
};

account own_account() {
  account out;
  out.user = std::to_string(::geteuid());
  std::vector<char> buffer(16U << 10U);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr)
    out = {found->pw_dir, found->pw_name};
  return out;
}

} // namespace

result<void> set_shell_command(start_request& to, std::string text, const std::string& shell) {
  if (text.empty())
    return problem{errc::invalid, "the text to run is empty"};
  if (shell.empty())
    return problem{errc::invalid, "the name of the shell is empty"};
  BOOST_OUTCOME_TRY(check_texts({text, shell}));
  const auto slash = shell.rfind('/');
  const auto name = slash == std::string::npos ? shell : shell.substr(slash + 1);
  if (shell == "bash")
    to.argv = {"/bin/bash", "-eo", "pipefail"};
  else if (name == "bash")
    to.argv = {shell, "-eo", "pipefail"};
  else if (name == "sh" || name == "dash")
    to.argv = {shell, "-e"};
  else
    to.argv = {shell};
  to.script = std::move(text);
  // A shell that reads "…\n# comment" without a last newline is fine; a here-document is not.
  if (to.script.back() != '\n')
    to.script += '\n';
  to.script_args.clear();
  return ok();
}

result<void> set_list_command(start_request& to, std::vector<std::string> argv) {
  if (argv.empty() || argv.front().empty())
    return problem{errc::invalid, "there is no command to run"};
  BOOST_OUTCOME_TRY(check_texts(argv));
  to.argv = std::move(argv);
  to.script.clear();
  to.script_args.clear();
  return ok();
}

result<void> set_python_command(start_request& to, std::string script,
                                std::vector<std::string> args, const std::string& python) {
  if (script.empty())
    return problem{errc::invalid, "the Python script is empty"};
  if (python.empty())
    return problem{errc::invalid, "the name of the Python interpreter is empty"};
  BOOST_OUTCOME_TRY(check_texts(args));
  BOOST_OUTCOME_TRY(check_texts({script, python}));
  to.argv = {python, "-u"};
  to.script = std::move(script);
  to.script_args = std::move(args);
  return ok();
}

environment_list base_environment() {
  const auto who = own_account();
  const auto home = variable("HOME");
  const auto user = variable("USER");
  const auto lang = variable("LANG");
  return {{"PATH", absolute_entries(variable("PATH"))},
          {"HOME", home.empty() ? who.home : home},
          {"USER", user.empty() ? who.user : user},
          {"LANG", lang.empty() ? "C.UTF-8" : lang}};
}

result<environment_list> merge_environment(environment_list base, const environment_list& more) {
  for (const auto& [name, value] : more) {
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name))
      return problem{errc::invalid, "\"" + name + "\" is no name for an environment variable"};
    if (has_nul(value))
      return problem{errc::invalid, "the environment variable " + name + " has a NUL byte in it"};
    const auto same = std::find_if(base.begin(), base.end(),
                                   [&n = name](const auto& each) { return each.first == n; });
    if (same == base.end())
      base.emplace_back(name, value);
    else
      same->second = value;
  }
  return base;
}

} // namespace pinion
