#include "verb.hpp"

#include "pinion/timing/near_names.hpp"

#include <algorithm>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <charconv>

namespace pinion::ctl {
namespace {

namespace po = boost::program_options;

std::string near_option(const std::string& written, const std::vector<option_spec>& options) {
  std::vector<std::string> names;
  for (const auto& one : options)
    names.push_back("--" + one.name);
  const auto near = nearest_name(written, names);
  return near.empty() ? std::string{} : "Did you mean '" + near + "'?";
}

std::vector<option_spec> options_of(const verb_spec* verb) {
  auto all = common_options();
  if (verb != nullptr)
    all.insert(all.begin(), verb->options.begin(), verb->options.end());
  return all;
}

/// The place of the verb: the first word that is neither an option nor a common option's value.
std::size_t verb_at(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (!word.starts_with('-') || word == "-")
      return i;
    const auto& common = common_options();
    const bool takes_next = std::any_of(common.begin(), common.end(), [&](const option_spec& one) {
      return !one.value.empty() &&
             (word == "--" + one.name || (one.letter != 0 && word == std::string{'-', one.letter}));
    });
    if (takes_next)
      ++i;
  }
  return words.size();
}

const verb_spec& find_verb(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& one : verbs()) {
    if (one.name == name)
      return one;
    names.push_back(one.name);
  }
  const auto near = nearest_name(name, names);
  throw usage_failure("Unknown verb '" + name + "'", near.empty()
                                                         ? "'pinionctl --help' lists the verbs"
                                                         : "Did you mean '" + near + "'?");
}

po::options_description describe(const std::vector<option_spec>& options) {
  po::options_description made;
  for (const auto& one : options) {
    const auto names = one.letter == 0 ? one.name : one.name + ',' + one.letter;
    using values = std::vector<std::string>;
    if (one.value.empty())
      made.add_options()(names.c_str(), "");
    else if (one.value.starts_with("[="))
      made.add_options()(names.c_str(), po::value<values>()->implicit_value({}, ""), "");
    else
      made.add_options()(names.c_str(), po::value<std::vector<std::string>>(), "");
  }
  return made;
}

arguments parse(const std::vector<std::string>& words, const std::vector<option_spec>& options) {
  auto described = describe(options);
  described.add_options()("words", po::value<std::vector<std::string>>(), "");
  po::positional_options_description positional;
  positional.add("words", -1);
  namespace style = po::command_line_style;
  // No guessing of abbreviated names: a script's `--all` must not change its meaning later.
  const int how = style::unix_style & ~style::allow_guessing;
  arguments made;
  try {
    const auto parsed =
        po::command_line_parser(words).options(described).positional(positional).style(how).run();
    for (const auto& one : parsed.options) {
      if (one.string_key == "words") {
        made.words.insert(made.words.end(), one.value.begin(), one.value.end());
        continue;
      }
      auto& values = made.given[one.string_key];
      values.insert(values.end(), one.value.begin(), one.value.end());
    }
  } catch (const po::unknown_option& unknown) {
    throw usage_failure("Unknown option '" + unknown.get_option_name() + "'",
                        near_option(unknown.get_option_name(), options));
  } catch (const po::error& other) {
    throw usage_failure(other.what());
  }
  return made;
}

void check_words(const verb_spec& verb, const arguments& args) {
  if (args.words.size() < verb.least_words)
    throw usage_failure("'" + verb.name + "' needs " + verb.usage,
                        "'pinionctl " + verb.name + " --help' shows how");
  if (args.words.size() > verb.most_words)
    throw usage_failure("'" + args.words[verb.most_words] + "' is one word too many for '" +
                            verb.name + "'",
                        "'pinionctl " + verb.name + " --help' shows how");
}

} // namespace

std::string arguments::text(const std::string& name) const {
  const auto found = given.find(name);
  return found == given.end() || found->second.empty() ? std::string{} : found->second.back();
}

std::vector<std::string> arguments::all(const std::string& name) const {
  const auto found = given.find(name);
  return found == given.end() ? std::vector<std::string>{} : found->second;
}

std::optional<std::uint64_t> arguments::number(const std::string& name, std::uint64_t least,
                                               std::uint64_t most) const {
  if (!has(name))
    return std::nullopt;
  const auto value = text(name);
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (failed != std::errc{} || end != value.data() + value.size() || number < least ||
      number > most)
    throw usage_failure("--" + name + " takes a whole number from " + std::to_string(least) +
                        " to " + std::to_string(most) + ", not '" + value + "'");
  return number;
}

command_line parse_command_line(const std::vector<std::string>& words) {
  command_line made;
  const auto at = verb_at(words);
  auto rest = words;
  if (at < words.size()) {
    if (words[at] == "help") {
      made.help = true;
      made.verb = at + 1 < words.size() ? &find_verb(words[at + 1]) : nullptr;
      return made;
    }
    made.verb = &find_verb(words[at]);
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  }
  made.args = parse(rest, options_of(made.verb));
  made.help = made.args.has("help");
  if (made.help)
    return made;
  if (made.verb == nullptr)
    throw usage_failure("What shall be done? A verb is missing",
                        "'pinionctl --help' lists the verbs");
  check_words(*made.verb, made.args);
  return made;
}

} // namespace pinion::ctl
