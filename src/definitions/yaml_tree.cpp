#include "definitions/yaml_tree.hpp"

#include "definitions/suggest.hpp"
#include "pinion/definitions/limits.hpp"

#include <istream>
#include <streambuf>
#include <unordered_map>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace pinion::definitions {

namespace {

/// Thrown through yaml-cpp, which has no other way to be stopped; the error has been reported.
struct reading_stopped {};

/// Reads a string in place: std::istringstream would copy it.
class text_buffer final : public std::streambuf {
public:
  explicit text_buffer(const std::string& text) {
    auto* begin = const_cast<char*>(text.data()); // setg wants it; a get area is not written to.
    setg(begin, begin, begin + text.size());
  }
};

class tree_builder final : public YAML::EventHandler {
public:
  explicit tree_builder(const reporter& report) : report_{report} {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    const auto offset = offset_of(mark);
    // yaml-cpp begins a document anew wherever one ends, also in the middle of a line.
    if (!documents_.empty() && report_.file.text().compare(offset, 3, "---") != 0)
      stop(offset, "text after the end of a document", "separate workflows by a line `---`");
    if (documents_.size() == definition_limits::documents)
      stop(offset, "more than 10,000 documents in a file");
    documents_.push_back({});
    documents_.back().offset = offset;
  }

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(node::kind::null, mark, {}, anchor));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    stop(offset_of(mark), "aliases (`*name`) are not supported", "write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto made = make(node::kind::scalar, mark, tag, anchor);
    made.plain = tag == "?";
    made.text = value;
    if (value.find('\0') != std::string::npos)
      report_.error(made.offset, "a text must not hold the character NUL");
    add(std::move(made));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(make(node::kind::list, mark, tag, anchor), style);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(make(node::kind::map, mark, tag, anchor), style);
  }
  void OnMapEnd() override {
    check_keys(open_.back());
    close();
  }

  std::vector<yaml_document> take() { return std::move(documents_); }

  /// The innermost bracket that is not closed yet, for errors at the end of the file.
  const node* open_bracket() const {
    // NOLINTNEXTLINE(modernize-loop-convert): clang 14 cannot read this library's views.
    for (auto at = open_.rbegin(); at != open_.rend(); ++at)
      if (at->flow && report_.file.text()[at->offset] != '}' &&
          std::string_view{"[{"}.find(report_.file.text()[at->offset]) != std::string_view::npos)
        return &*at;
    return nullptr;
  }

private:
  static std::uint32_t offset_of(const YAML::Mark& mark) {
    return static_cast<std::uint32_t>(mark.pos < 0 ? 0 : mark.pos);
  }

  [[noreturn]] void stop(std::size_t offset, std::string message, std::string suggestion = {}) {
    report_.error(offset, std::move(message), std::move(suggestion));
    throw reading_stopped{};
  }

  node make(node::kind is, const YAML::Mark& mark, std::string_view tag, YAML::anchor_t anchor) {
    node made;
    made.is = is;
    made.offset = offset_of(mark);
    if (++count_ > definition_limits::nodes)
      stop(made.offset, "more than 1,500,000 values in a file", "split it into several files");
    if (anchor != 0)
      report_.error(made.offset, "anchors (`&name`) are not supported", "write the value out");
    if (!tag.empty() && tag != "?" && tag != "!")
      report_.error(made.offset, "tags are not supported: " + shown(tag), "remove the tag");
    return made;
  }

  void open(node made, YAML::EmitterStyle::value style) {
    made.flow = style == YAML::EmitterStyle::Flow;
    if (open_.size() == definition_limits::depth)
      stop(made.offset, "lists and maps are nested more than 64 deep");
    open_.push_back(std::move(made));
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done));
  }

  void add(node made) {
    if (open_.empty()) {
      documents_.back().root = std::move(made);
      return;
    }
    auto& into = open_.back();
    // The mark of nothing is that of whatever comes next, which may be lines below.
    if (made.is_null() && into.is_map() && into.items.size() % 2 == 1)
      made.offset = into.items.back().offset;
    into.items.push_back(std::move(made));
  }

  /// A map that stands where a text belongs is left to its reader, which has the better advice.
  static bool is_braces(const node& map) {
    return map.flow && map.pairs() == 1 && map.key(0).is_map();
  }

  void check_keys(node& map) {
    if (is_braces(map))
      return;
    std::unordered_map<std::string_view, const node*> seen;
    seen.reserve(map.pairs());
    for (std::size_t i = 0; i < map.pairs(); ++i) {
      const auto& key = map.key(i);
      if (!key.is_scalar()) {
        report_.error(key, key.is_null() ? "a key is missing or null" : "a key must be text",
                      key.is_null() ? "write it in quotes" : "");
      } else if (key.text == "<<" && key.plain) {
        report_.error(key, "merge keys (`<<`) are not supported", "write the values out");
      } else if (const auto [at, fresh] = seen.emplace(key.text, &key); !fresh) {
        const auto line = report_.file.place_of(at->second->offset).line;
        report_.error(key,
                      "the key " + shown(key.text) + " stands twice, first in line " +
                          std::to_string(line),
                      key.text == "workflow" ? "separate workflows by a line `---`" : "");
      }
    }
  }

  const reporter& report_;
  std::vector<yaml_document> documents_;
  std::vector<node> open_;
  std::size_t count_ = 0;
};

/// What most often is behind a syntax error on a line.
std::string advice(const source_file& file, std::size_t offset) {
  const auto begin = file.line_begin(file.place_of(offset).line);
  const std::string_view rest = std::string_view{file.text()}.substr(begin);
  const auto line = rest.substr(0, rest.find('\n'));
  const auto first = line.find_first_not_of(" \t");
  if (line.substr(0, first).find('\t') != std::string_view::npos)
    return "indent by spaces: YAML allows no tabs";
  if (line.find("{{") != std::string_view::npos)
    return "write text with \"{{ … }}\" in quotes";
  if (line.find('\t') != std::string_view::npos)
    return "use spaces instead of tabs";
  for (const auto* reserved : {": *", "- *", ": @", "- @", ": %", "- %"})
    if (const auto at = line.find(reserved); at != std::string_view::npos)
      return std::string{"write text that begins with "} + reserved[2] + " in quotes";
  if (line.find(": ") != line.rfind(": "))
    return "write text that holds `: ` in quotes";
  return {};
}

void report_syntax_error(const reporter& report, const tree_builder& tree,
                         const YAML::Exception& why) {
  const auto known = !why.mark.is_null() && why.mark.pos > 0;
  auto offset = known ? static_cast<std::size_t>(why.mark.pos) : 0;
  // At the end of the file yaml-cpp loses its place: what is open tells more.
  if (const auto* bracket = tree.open_bracket();
      bracket != nullptr && (offset == 0 || offset >= report.file.text().size()))
    return report.error(*bracket, "this bracket is not closed");
  if (report.file.text().compare(offset, 1, "\t") == 0 && why.msg.find("tab") == std::string::npos)
    return report.error(offset, "syntax error: a tab where YAML allows none",
                        "indent by spaces: YAML allows no tabs");
  report.error(offset, "syntax error: " + why.msg, advice(report.file, offset));
}

} // namespace

std::vector<yaml_document> read_yaml(const reporter& report) {
  tree_builder tree{report};
  text_buffer buffer{report.file.text()};
  try {
    std::istream in{&buffer};
    YAML::Parser parser{in};
    while (parser.HandleNextDocument(tree)) {
    }
    return tree.take();
  } catch (const reading_stopped&) {
    return {};
  } catch (const YAML::Exception& why) {
    report_syntax_error(report, tree, why);
    return {};
  }
}

} // namespace pinion::definitions
