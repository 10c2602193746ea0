#pragma once
// Parts of an HTML page that stands alone: text, tables, pictures within the file.

#include <filesystem>
#include <string>
#include <vector>

namespace mano {

/// Up to the first heading, with the style. Both are plain text.
std::string page_head(const std::string& title, const std::string& heading);

/// With &, <, > and quotes as entities.
std::string escaped(const std::string& text);

/// The picture `name` of `folder` with its caption; empty where the name is.
std::string inline_picture(const std::filesystem::path& folder, const std::string& name,
                           const std::string& caption);

using Row = std::vector<std::string>;
/// Plain text in every cell.
std::string table(const Row& heading, const std::vector<Row>& rows);

}  // namespace mano
