#include "runs.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

// The scripts are made from the tables of verbs. What they ask of an engine at run time they ask
// through pinionctl itself, for at most two seconds.

namespace pinion::ctl {
namespace {

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream from{text};
  for (std::string part; std::getline(from, part, separator);)
    parts.push_back(part);
  return parts;
}

/// "asc|desc" as its words; nothing for "N|all", "T" or "H-H".
std::vector<std::string> choices_of(const std::string& value) {
  auto words = parts_of(value, '|');
  const auto literal = [](const std::string& word) {
    return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
      return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_' || c == '-';
    });
  };
  if (words.size() < 2 || !std::all_of(words.begin(), words.end(), literal))
    words.clear();
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words)
    text += (text.empty() ? "" : " ") + word;
  return text;
}

/// What can stand at a place of a command line: fixed words, files, names that the engine knows.
struct place {
  std::vector<std::string> words;
  bool files = false;
  std::vector<std::string> kinds; ///< Of `get KIND -o name`.
};

/// Does a value follow as a word of its own? In the form "[=A|B]" it does not.
bool takes_word(const option_spec& option) {
  return !option.value.empty() && !option.value.starts_with("[=");
}

place of_option(const option_spec& option) {
  place made;
  made.words = choices_of(option.value);
  made.files = option.value == "FILE" || option.value == "F" || option.value == "SOCKET" ||
               option.value == "DIR" || option.value == "PATH";
  if (option.name == "workflow")
    made.kinds = {"workflows"};
  else if (option.name == "run")
    made.kinds = {"runs"};
  return made;
}

/// Reads it off the usage: "KIND [REF]", "WORKFLOW|WORKFLOW/TRIGGER", "PATH...", "verify|backup
/// DIR".
place of_words(const verb_spec& verb) {
  place made;
  std::string firsts; // "verify|backup DIR" as "verify|backup".
  for (const auto& part : parts_of(verb.usage, '|'))
    firsts += (firsts.empty() ? "" : "|") + part.substr(0, part.find(' '));
  made.words = choices_of(firsts);
  const auto says = [&](const char* word) { return verb.usage.find(word) != std::string::npos; };
  if (says("KIND"))
    made.words = kind_names();
  made.files = says("PATH") || says("FILE") || says("DIR");
  if (says("WORKFLOW") || says("REF"))
    made.kinds.emplace_back("workflows");
  if (says("TRIGGER"))
    made.kinds.emplace_back("triggers");
  if (says("RUN") || says("REF"))
    made.kinds.emplace_back("runs");
  if (says("BACKFILL"))
    made.kinds.emplace_back("backfills");
  return made;
}

std::vector<std::string> names_of(const option_spec& option) {
  std::vector<std::string> names{"--" + option.name};
  if (option.letter != 0)
    names.push_back(std::string{'-', option.letter});
  return names;
}

std::string flags_of(const std::vector<option_spec>& options) {
  std::vector<std::string> all;
  for (const auto& option : options)
    for (const auto& name : names_of(option))
      all.push_back(name);
  return joined(all);
}

std::string verb_names() {
  std::vector<std::string> all;
  for (const auto& verb : verbs())
    all.push_back(verb.name);
  return joined(all) + " help";
}

/// `'` inside single quotes of a shell.
std::string in_quotes(const std::string& text) {
  std::string made = "'";
  for (const char c : text)
    made += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return made + "'";
}

// bash.

std::string bash_place(const place& at) {
  std::string text;
  if (!at.words.empty())
    text += " _pinionctl_words " + in_quotes(joined(at.words)) + ";";
  if (at.files)
    text += " _pinionctl_files;";
  if (!at.kinds.empty())
    text += " _pinionctl_names " + joined(at.kinds) + ";";
  return text.empty() ? " :;" : text;
}

std::string bash_option_rows(const std::string& verb, const std::vector<option_spec>& options) {
  std::string text;
  for (const auto& option : options) {
    if (!takes_word(option))
      continue;
    std::string pattern;
    for (const auto& name : names_of(option))
      pattern += (pattern.empty() ? "" : "|") + (verb + "\\ " + name);
    text += "    " + pattern + ")" + bash_place(of_option(option)) + " return ;;\n";
  }
  return text;
}

constexpr const char* bash_begin =
    R"sh(# Completion of pinionctl for bash, printed by `pinionctl completion bash`.
_pinionctl_words() {
  local word
  while read -r word; do COMPREPLY+=("${word#"$part"}"); done < <(compgen -W "$1" -- "$cur")
}
_pinionctl_files() {
  local word
  compopt -o filenames 2>/dev/null
  while read -r word; do COMPREPLY+=("${word#"$part"}"); done < <(compgen -f -- "$cur")
}
# Names that the engine knows of the given kinds; after `r12/` the tasks of the run.
_pinionctl_names() {
  local kind
  if [[ $cur == r[0-9]*/* ]]; then
    _pinionctl_words "$(timeout 2 "${ask[@]}" get instances --run "${cur%%/*}" -o name 2>/dev/null)"
    return
  fi
  for kind in "$@"; do
    _pinionctl_words "$(timeout 2 "${ask[@]}" get "$kind" --limit 200 -o name 2>/dev/null)"
  done
}
_pinionctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb='' ask=("${COMP_WORDS[0]}") i
  local part='' whole=${COMP_LINE:0:COMP_POINT}
  COMPREPLY=()
  # `--name=value` comes as three words.
  [[ $cur == '=' ]] && cur=''
  [[ $before == '=' ]] && before=${COMP_WORDS[COMP_CWORD-2]}
  # `r1/train:DEU` comes as three words too, and only the last of them is replaced.
  whole=${whole##*[[:blank:]=]}
  if [[ $whole == *:* && $COMP_WORDBREAKS == *:* ]]; then
    cur=$whole part=${whole%:*}:
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
    --server) ask+=(--server "${COMP_WORDS[i+1]}"); ((++i)) ;;
    -o|--output) ((++i)) ;;
    -*|=) ;;
    *) [[ -n $verb ]] || verb=${COMP_WORDS[i]} ;;
    esac
  done
)sh";

std::string bash_script() {
  std::string text = bash_begin;
  text += "  case \"$verb $before\" in\n";
  for (const auto& verb : verbs())
    text += bash_option_rows(verb.name, verb.options);
  text += bash_option_rows("*", common_options());
  text += "  esac\n  if [[ $cur == -* ]]; then\n    case $verb in\n";
  for (const auto& verb : verbs())
    if (!verb.options.empty())
      text +=
          "    " + verb.name + ") _pinionctl_words " + in_quotes(flags_of(verb.options)) + " ;;\n";
  text += "    esac\n    _pinionctl_words " + in_quotes(flags_of(common_options())) +
          "\n    return\n  fi\n  case $verb in\n  ''|help) _pinionctl_words " +
          in_quotes(verb_names()) + " ;;\n";
  for (const auto& verb : verbs()) {
    auto at = of_words(verb);
    if (verb.usage.starts_with("KIND")) {
      // The kind first, then the thing: a workflow or a run.
      text += "  " + verb.name + ") if [[ $before == " + verb.name + " ]]; then" +
              bash_place({at.words, false, {}}) + " else" + bash_place({{}, false, at.kinds}) +
              " fi ;;\n";
      continue;
    }
    text += "  " + verb.name + ")" + bash_place(at) + ";\n";
  }
  return text + "  esac\n}\ncomplete -F _pinionctl pinionctl\n";
}

// zsh.

/// Text inside the brackets of a specification of `_arguments`, or behind a colon of `_describe`.
std::string zsh_text(const std::string& text) {
  std::string made;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\')
      made += '\\';
    made += c;
  }
  return made;
}

std::string zsh_action(const place& at) {
  if (!at.words.empty())
    return '(' + joined(at.words) + ')';
  if (at.files)
    return "_files";
  // With a blank before it zsh adds no options of `compadd` to the words.
  return at.kinds.empty() ? " " : " _pinionctl_names " + joined(at.kinds);
}

std::string zsh_option(const option_spec& option) {
  std::string text;
  for (const auto& name : names_of(option)) {
    auto spec = "*" + name;
    if (takes_word(option) && name.starts_with("--"))
      spec += '=';
    spec += '[' + zsh_text(option.help) + ']';
    if (takes_word(option))
      spec += ':' + zsh_text(option.value) + ':' + zsh_action(of_option(option));
    text += ' ' + in_quotes(spec);
  }
  return text;
}

std::string zsh_options(const std::vector<option_spec>& options) {
  std::string text;
  for (const auto& option : options)
    text += zsh_option(option);
  return text;
}

std::string zsh_words(const verb_spec& verb) {
  const auto at = of_words(verb);
  if (verb.usage.starts_with("KIND"))
    return ' ' + in_quotes("1:KIND:" + zsh_action({at.words, false, {}})) + ' ' +
           in_quotes("*:REF:" + zsh_action({{}, false, at.kinds}));
  if (verb.most_words == 0)
    return {};
  auto action = zsh_action(at);
  if (at.files && !at.kinds.empty())
    action = "_alternative \"files:file:_files\" \"names:name: _pinionctl_names " +
             joined(at.kinds) + "\"";
  return ' ' + in_quotes("*:" + zsh_text(verb.usage) + ':' + action);
}

constexpr const char* zsh_begin = R"sh(#compdef pinionctl
# Completion of pinionctl for zsh, printed by `pinionctl completion zsh`.
# Names that the engine knows of the given kinds; after `r12/` the tasks of the run.
_pinionctl_names() {
  local -a known ask
  local kind
  ask=(pinionctl)
  [[ -n ${opt_args[--server]} ]] && ask+=(--server ${opt_args[--server]})
  if [[ $PREFIX == r<->/* ]]; then
    known=(${(f)"$(timeout 2 $ask get instances --run ${PREFIX%%/*} -o name 2>/dev/null)"})
  else
    for kind in "$@"; do
      known+=(${(f)"$(timeout 2 $ask get $kind --limit 200 -o name 2>/dev/null)"})
    done
  fi
  compadd -a known
}
_pinionctl() {
  local curcontext=$curcontext state line
  local -a verbs common
  typeset -A opt_args
)sh";

std::string zsh_script() {
  std::string text = zsh_begin;
  text += "  verbs=(\n";
  for (const auto& verb : verbs())
    text += "    " + in_quotes(verb.name + ':' + zsh_text(verb.summary)) + '\n';
  text += "    'help:Shows the help of a verb.'\n  )\n  common=(" + zsh_options(common_options()) +
          ")\n  _arguments -C $common '1: :->verb' '*:: :->rest'\n  case $state in\n"
          "  verb) _describe verb verbs ;;\n  rest)\n    case $line[1] in\n"
          "    help) _describe verb verbs ;;\n";
  for (const auto& verb : verbs())
    text += "    " + verb.name + ") _arguments $common" + zsh_options(verb.options) +
            zsh_words(verb) + " ;;\n";
  return text +
         "    esac ;;\n  esac\n}\n"
         // Loaded from $fpath the file is the function's body; by `eval` it registers itself.
         "if [[ $funcstack[1] == _pinionctl ]]; then\n  _pinionctl \"$@\"\nelse\n"
         "  compdef _pinionctl pinionctl\nfi\n";
}

} // namespace

exit_code run_completion(session& now) {
  const auto& shell = now.args.words.front();
  if (shell != "bash" && shell != "zsh")
    throw usage_failure("There is no completion for '" + shell + "'", "bash or zsh");
  now.out.raw(completion_script(shell));
  return exit_code::done;
}

std::string completion_script(const std::string& shell) {
  return shell == "bash" ? bash_script() : zsh_script();
}

} // namespace pinion::ctl
