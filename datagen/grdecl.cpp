#include "datagen/grdecl.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/error.hpp"
#include "datagen/grdecl_arrays.hpp"
#include "datagen/grdecl_file.hpp"
#include "datagen/grdecl_values.hpp"

namespace mano {

namespace {

using Word = GrdeclWords::Word;

constexpr int kLargestSize = 999'999;  // in each direction: the number of cells is then one of 64 bits

std::optional<GridSize> grid_in(const GrdeclFile& file, const char* keyword) {
  const auto sections = sections_of(file, keyword);
  if (sections.empty()) return std::nullopt;
  const GrdeclSection& section = *sections.back();
  GrdeclWords words(section.body, section.line);
  Word word;
  GridSize n{};
  for (int& size : n) {
    check(words.next(word), "{}: {} is cut off", file.place(section, section.line), keyword);
    size = grdecl_int(word, file.place(section, word.line));
    check(size > 0 && size <= kLargestSize, "{}: {} has a size of {}", file.place(section, word.line),
          keyword, size);
  }
  while (words.next(word) && !word.is_slash())
    check(!same_keyword(word.text, "T"), "{}: {} says T: cylindrical coordinates are not understood",
          file.place(section, word.line), keyword);
  return n;
}

GridSize grid_of(const GrdeclFile& file, const GrdeclOptions& options) {
  const auto specgrid = grid_in(file, "SPECGRID");
  const auto dimens = grid_in(file, "DIMENS");
  check(!specgrid || !dimens || *specgrid == *dimens, "{}: SPECGRID is {}, DIMENS {}", file.name(),
        text_of(specgrid.value_or(GridSize{})), text_of(dimens.value_or(GridSize{})));
  const auto in_file = specgrid ? specgrid : dimens;
  check(in_file || options.grid, "{}: no SPECGRID or DIMENS in the file: pass --grid NXxNYxNZ", file.name());
  check(!in_file || !options.grid || *in_file == *options.grid, "{}: the file's grid is {}, --grid says {}",
        file.name(), text_of(in_file.value_or(GridSize{})), text_of(options.grid.value_or(GridSize{})));
  return in_file ? *in_file : *options.grid;
}

Field section_of(const std::vector<double>& values, const GridSize& n, int j, const std::string& name) {
  check(j >= 1 && j <= n[1], "{}: section is {}, the grid has 1 to {}", name, j, n[1]);
  Field field(Grid{n[0], n[2]});
  for (int k = 0; k < n[2]; ++k) {
    for (int i = 0; i < n[0]; ++i)
      field(i, k) = values[(static_cast<std::size_t>(k) * n[1] + (j - 1)) * n[0] + i];
  }
  return field;
}

Field layer_of(const std::vector<double>& values, const GridSize& n, int k, const std::string& name) {
  check(k >= 1 && k <= n[2], "{}: layer is {}, the grid has 1 to {}", name, k, n[2]);
  Field field(Grid{n[0], n[1]});
  const auto size = static_cast<std::ptrdiff_t>(field.grid.cells());
  std::copy_n(values.begin() + (k - 1) * size, size, field.values.begin());
  return field;
}

}  // namespace

std::array<int, 3> parse_grid3(const std::string& text) {
  std::array<int, 3> n{};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int d = 0; d < 3; ++d) {
    if (d > 0 && at < end && *at == 'x') ++at;
    const auto [next, error] = std::from_chars(at, end, n[d]);
    check(error == std::errc() && n[d] > 0 && n[d] <= kLargestSize,
          "grid '{}' is not of the form NXxNYxNZ, such as 100x1x20", text);
    at = next;
  }
  check(at == end, "grid '{}' is not of the form NXxNYxNZ, such as 100x1x20", text);
  return n;
}

bool grdecl_has(const std::filesystem::path& path, const std::string& keyword, bool include_anywhere) {
  return gives(*GrdeclFile::open(path, include_anywhere), keyword);
}

std::vector<std::string> grdecl_mentions(const std::filesystem::path& path,
                                         const std::vector<std::string>& keywords, bool include_anywhere) {
  const auto file = GrdeclFile::open(path, include_anywhere);
  const auto mentioned = [&](const std::string& keyword) {
    return std::any_of(file->sections().begin(), file->sections().end(), [&](const GrdeclSection& section) {
      if (same_keyword(section.keyword, keyword)) return true;
      if (!is_grdecl_operation(section.keyword)) return false;
      const auto records = grdecl_records(section);
      return std::any_of(records.begin(), records.end(),
                         [&](const GrdeclRecord& r) { return same_keyword(r.target, keyword); });
    });
  };
  std::vector<std::string> found;
  std::copy_if(keywords.begin(), keywords.end(), std::back_inserter(found), mentioned);
  return found;
}

std::optional<std::string> grdecl_units(const std::filesystem::path& path, bool include_anywhere) {
  const auto file = GrdeclFile::open(path, include_anywhere);
  std::optional<std::string> units;
  for (const GrdeclSection& section : file->sections()) {
    const std::array kSystems{"METRIC", "FIELD", "LAB", "PVT-M"};
    if (std::find(kSystems.begin(), kSystems.end(), section.keyword) == kSystems.end()) continue;
    GrdeclWords rest(section.body, section.line);
    GrdeclWords::Word word;
    if (rest.next(word) && !word.is_slash()) continue;  // a line of any words, such as a title's
    check(!units || *units == section.keyword, "{}: the units are {}, before they were {}; leave one of them",
          file->place(section, section.line), section.keyword, units.value_or(""));
    units = section.keyword;
  }
  return units;
}

std::vector<std::filesystem::path> grdecl_included(const std::filesystem::path& path, bool include_anywhere) {
  const auto file = GrdeclFile::open(path, include_anywhere);
  return {file->files().begin() + 1, file->files().end()};
}

Field read_grdecl(const std::filesystem::path& path, const GrdeclOptions& o) {
  const auto file = GrdeclFile::open(path, o.include_anywhere);
  const std::string name = path.string();
  check(gives(*file, o.keyword), "{}: keyword {} not found; is it GRDECL? --keyword picks another", name,
        o.keyword);
  const GridSize n = grid_of(*file, o);
  const auto values = grdecl_array(*file, o.keyword, n);
  check(!(o.layer && o.section), "{}: --layer and --section exclude each other", name);
  if (o.whole && !o.layer && !o.section && n[2] > 1 && n[1] > 1) {
    Grid grid{n[0], n[1]};
    grid.nz = n[2];
    Field volume(grid);
    volume.values = values;
    return volume;
  }
  check(o.layer || o.section || n[2] == 1 || n[1] == 1,
        "{}: a grid of {} needs --layer K (1 to {}) or --section J (1 to {})", name, text_of(n), n[2], n[1]);
  if (o.section || (!o.layer && n[2] > 1)) return section_of(values, n, o.section.value_or(1), name);
  return layer_of(values, n, o.layer.value_or(1), name);
}

}  // namespace mano
