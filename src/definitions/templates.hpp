#pragma once

#include "definitions/diagnostic_sink.hpp"
#include "definitions/yaml_tree.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Workflows that are made from one document: `template:` names it, a document with `from:` and
/// `each:` gives the values that `{{ each.name }}` stands for.
namespace pinion::definitions {

/// A document with `template:`.
struct workflow_template {
  std::string name;
  std::shared_ptr<const source_file> file;
  std::uint32_t offset = 0;      ///< Of the document.
  std::uint32_t name_offset = 0; ///< Of the value of `template:`.
  node body;                     ///< Its map, without `template`.
};

/// By name, over all files of a set.
using template_table = std::map<std::string, workflow_template, std::less<>>;

bool is_template(const node& document);
/// A document with `from:` or `each:`.
bool is_made_from_template(const node& document);

/// Takes a document with `template:`. Reports an illegal name and content that is no map.
std::optional<workflow_template> read_template(const reporter& report,
                                               const yaml_document& document,
                                               std::shared_ptr<const source_file> file);

/// One workflow that a template gives.
struct stamped_document {
  yaml_document document; ///< Places are those of the template.
  std::string label;      ///< For messages: "`load` with country = DEU".
};

/// The documents that a document with `from:` and `each:` asks for; an empty list after an error.
/// What is wrong with it goes to `report`, what is wrong in the template to `told`, with the place
/// there.
struct stamped_set {
  const workflow_template* from = nullptr;
  std::vector<stamped_document> documents;
};
stamped_set stamp_documents(const reporter& report, const yaml_document& document,
                            const template_table& templates, diagnostic_sink& told);

/// Adds what was found while instances of a template were read: each fault once, with the first
/// instance that has it and how many others.
class instance_faults {
public:
  void add(diagnostic_sink& of, const std::string& label);
  void tell(diagnostic_sink& into) const;

private:
  struct fault {
    diagnostic what;
    std::string label;
    std::size_t others = 0;
  };
  std::vector<fault> faults_;
  std::map<std::string, std::size_t> positions_; ///< By the text of the diagnostic.
};

std::vector<std::string_view> template_keys();

} // namespace pinion::definitions
