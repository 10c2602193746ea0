#include "apps/commands/compare_options.hpp"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

namespace fs = std::filesystem;

std::vector<Grid> grids_to_compare(const CompareOptions& o, const FieldSource& field) {
  if (o.resolution.empty()) {
    check(field.from_file(), "no resolution: pass --resolution WxH,...");
    return {field.grid("")};
  }
  std::vector<Grid> grids;
  for (const Resolution& r : parse_resolutions(o.resolution)) {
    grids.push_back(field.grid(r.text()));
    check(std::find(grids.begin(), grids.end() - 1, grids.back()) == grids.end() - 1,
          "resolution {} is asked for twice", r.text());
  }
  return grids;
}

void prepare_folder(const CompareOptions& o) {
  const fs::path folder(o.output);
  std::error_code error;
  const bool used = fs::is_directory(folder, error) && !fs::is_empty(folder, error);
  check(!used || o.overwrite, "{} holds files already: name another folder, or pass --overwrite", o.output);
  fs::create_directories(folder, error);
  check(!error, "cannot make the folder {}: {}", o.output, error.message());
  check_writable(folder / "report.html");
  std::ifstream earlier(folder / "compare.json");
  const auto written = nlohmann::json::parse(earlier, nullptr, false);
  if (!used || !written.is_object() || !written.contains("files")) return;
  for (const auto& name : written["files"]) {
    const fs::path file(name.is_string() ? name.get<std::string>() : "");
    if (!file.empty() && file == file.filename()) fs::remove(folder / file, error);
  }
}

}  // namespace mano
