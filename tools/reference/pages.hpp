#pragma once

#include <string>

/// Pages printed from the tables of the programs: each is the whole text of one file.
namespace pinion::reference_pages {

// docs/reference, as Markdown.
std::string verbs_markdown();
std::string settings_markdown();

// Manual pages, as troff with the man macros.
std::string pinion_manual();
std::string pinionctl_manual();
/// `pinion_schema` and `workflow_schema` are the texts of the JSON Schemas; throws
/// nlohmann::json::exception for what is none.
std::string files_manual(const std::string& pinion_schema, const std::string& workflow_schema);

} // namespace pinion::reference_pages
