#include "datagen/grdecl.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/grdecl_file.hpp"
#include "datagen/grdecl_values.hpp"

namespace mano {

namespace {

using Size = std::array<int, 3>;
using Word = GrdeclWords::Word;

constexpr int kLargestSize = 999'999;  // in each direction: the number of cells is then one of 64 bits

struct Box {
  Size first{0, 0, 0};  // counted from 0
  Size size{1, 1, 1};
  std::size_t cells() const { return static_cast<std::size_t>(size[0]) * size[1] * size[2]; }
  std::string text() const { return fmt::format("{}x{}x{}", size[0], size[1], size[2]); }
};

// Whether records of an operation, such as EQUALS, change the keyword: the target is the first word of a record, of COPY the second.
void check_unchanged(const GrdeclFile& file, const GrdeclSection& section, const std::string& keyword) {
  const bool copies = section.keyword.starts_with("COPY");
  GrdeclWords words(section.body, section.line);
  Word word;
  int place_in_record = 0;
  int line = section.line;
  while (words.next(word)) {
    // What stands behind the keyword on its line may be a remark.
    if (std::exchange(line, word.line) == section.line && word.line > section.line) place_in_record = 0;
    place_in_record = word.is_slash() ? 0 : place_in_record + 1;
    check(!same_keyword(word.text, keyword) || (copies && place_in_record == 1),
          "{}: {} changes {}; write the resulting values out", file.place(section, word.line),
          section.keyword, keyword);
  }
}

bool is_one_of(const std::string& keyword, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return keyword == name; });
}

// The sections that give the keyword. Throws InvalidInput where others change it.
std::vector<const GrdeclSection*> sections_of(const GrdeclFile& file, const std::string& keyword) {
  std::vector<const GrdeclSection*> found;
  std::string local;  // the local grid that we are in
  for (const GrdeclSection& section : file.sections()) {
    if (is_grdecl_operation(section.keyword)) check_unchanged(file, section, keyword);
    if (is_one_of(section.keyword, {"CARFIN", "RADFIN", "RADFIN4", "REFINE"})) local = section.keyword;
    if (section.keyword == "ENDFIN") local.clear();
    if (!same_keyword(section.keyword, keyword)) continue;
    check(local.empty(), "{}: {} is that of a local grid ({}); take it out of the file",
          file.place(section, section.line), section.keyword, local);
    found.push_back(&section);
  }
  return found;
}

std::optional<Size> grid_in(const GrdeclFile& file, const char* keyword) {
  const auto sections = sections_of(file, keyword);
  if (sections.empty()) return std::nullopt;
  const GrdeclSection& section = *sections.back();
  GrdeclWords words(section.body, section.line);
  Word word;
  Size n{};
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

std::string text_of(const Size& n) {
  return fmt::format("{}x{}x{}", n[0], n[1], n[2]);
}

Size grid_of(const GrdeclFile& file, const GrdeclOptions& options) {
  const auto specgrid = grid_in(file, "SPECGRID");
  const auto dimens = grid_in(file, "DIMENS");
  check(!specgrid || !dimens || *specgrid == *dimens, "{}: SPECGRID is {}, DIMENS {}", file.name(),
        text_of(specgrid.value_or(Size{})), text_of(dimens.value_or(Size{})));
  const auto in_file = specgrid ? specgrid : dimens;
  check(in_file || options.grid, "{}: no SPECGRID or DIMENS in the file: pass --grid NXxNYxNZ", file.name());
  check(!in_file || !options.grid || *in_file == *options.grid, "{}: the file's grid is {}, --grid says {}",
        file.name(), text_of(in_file.value_or(Size{})), text_of(options.grid.value_or(Size{})));
  return in_file ? *in_file : *options.grid;
}

// "1*", "*", "2*": that many entries are left open; 0 for other words.
int left_open(const Word& word) {
  if (word.quoted || !word.text.ends_with('*')) return 0;
  int count = word.text == "*" ? 1 : 0;
  std::from_chars(word.text.data(), word.text.data() + word.text.size() - 1, count);
  return count;
}

Box box_of(const GrdeclFile& file, const GrdeclSection& section, const Size& grid) {
  GrdeclWords words(section.body, section.line);
  Word word;
  Box box;
  int open = 0;
  for (int d = 0; d < 3; ++d) {
    int ends[2];
    for (int e = 0; e < 2; ++e) {
      if (open == 0) {
        check(words.next(word) && !word.is_slash(), "{}: BOX needs six numbers: I1 I2 J1 J2 K1 K2",
              file.place(section, section.line));
        open = left_open(word);
      }
      const bool to_the_end = open > 0;
      if (to_the_end) --open;
      ends[e] = to_the_end ? (e == 0 ? 1 : grid[d]) : grdecl_int(word, file.place(section, word.line));
    }
    check(1 <= ends[0] && ends[0] <= ends[1] && ends[1] <= grid[d],
          "{}: BOX from {} to {} in {}, the grid has 1 to {}", file.place(section, word.line), ends[0],
          ends[1], "IJK"[d], grid[d]);
    box.first[d] = ends[0] - 1;
    box.size[d] = ends[1] - ends[0] + 1;
  }
  return box;
}

// All cells of a keyword, from the parts of the grid that its sections are about.
class Cells {
 public:
  Cells(const GrdeclFile& file, const std::string& keyword, const Size& grid)
      : file_(file), keyword_(keyword), grid_{{0, 0, 0}, grid} {}

  void take(const GrdeclSection& section, const Box& box) {
    const bool whole = box.size == grid_.size;
    auto given = grdecl_values(file_, section, box.cells());
    check(given.size() == box.cells(), "{}: {} has {} {} values, {} of {} needs {}",
          file_.place(section, section.line), section.keyword,
          given.size() > box.cells() ? "more than" : "only", std::min(given.size(), box.cells()),
          whole ? "a grid" : "a BOX", box.text(), box.cells());
    if (whole) {
      values_ = std::move(given);
      has_value_.clear();
      return;
    }
    if (values_.empty()) {
      values_.assign(grid_.cells(), 1.0);
      // Eclipse takes cells as active unless it is told otherwise.
      if (!same_keyword(keyword_, "ACTNUM")) has_value_.assign(grid_.cells(), 0);
    }
    std::size_t next = 0;
    for (int k = box.first[2]; k < box.first[2] + box.size[2]; ++k) {
      for (int j = box.first[1]; j < box.first[1] + box.size[1]; ++j) {
        for (int i = box.first[0]; i < box.first[0] + box.size[0]; ++i) {
          const std::size_t cell = (static_cast<std::size_t>(k) * grid_.size[1] + j) * grid_.size[0] + i;
          values_[cell] = given[next++];
          if (!has_value_.empty()) has_value_[cell] = 1;
        }
      }
    }
  }

  std::vector<double> finish() && {
    const auto none = std::find(has_value_.begin(), has_value_.end(), 0);
    const auto cell = static_cast<std::size_t>(none - has_value_.begin());
    const auto [nx, ny, nz] = grid_.size;
    check(none == has_value_.end(), "{}: no BOX with {} gives cell ({}, {}, {}) a value", file_.name(),
          keyword_, cell % nx + 1, cell / nx % ny + 1, cell / nx / ny + 1);
    return std::move(values_);
  }

 private:
  const GrdeclFile& file_;
  const std::string& keyword_;
  Box grid_;
  std::vector<double> values_;
  std::vector<std::uint8_t> has_value_;  // empty where all have
};

std::vector<double> all_values(const GrdeclFile& file, const std::string& keyword, const Size& grid) {
  const auto sections = sections_of(file, keyword);
  const Box whole{{0, 0, 0}, grid};
  check_memory(16.0 * static_cast<double>(whole.cells()), fmt::format("{} on {}", keyword, whole.text()));
  Cells cells(file, keyword, grid);
  const GrdeclSection* box = nullptr;
  std::size_t next = 0;
  for (const GrdeclSection& section : file.sections()) {
    if (section.keyword == "BOX") box = &section;
    // A box ends with the part of the deck that it is in, at the latest.
    if (is_one_of(section.keyword, {"ENDBOX", "GRID", "EDIT", "PROPS", "REGIONS", "SOLUTION", "SUMMARY",
                                    "SCHEDULE", "RUNSPEC"}))
      box = nullptr;
    if (next < sections.size() && sections[next] == &section) {
      cells.take(section, box == nullptr ? whole : box_of(file, *box, grid));
      ++next;
    }
  }
  return std::move(cells).finish();
}

Field section_of(const std::vector<double>& values, const Size& n, int j, const std::string& name) {
  check(j >= 1 && j <= n[1], "{}: section is {}, the grid has 1 to {}", name, j, n[1]);
  Field field(Grid{n[0], n[2]});
  for (int k = 0; k < n[2]; ++k) {
    for (int i = 0; i < n[0]; ++i)
      field(i, k) = values[(static_cast<std::size_t>(k) * n[1] + (j - 1)) * n[0] + i];
  }
  return field;
}

Field layer_of(const std::vector<double>& values, const Size& n, int k, const std::string& name) {
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
  return !sections_of(*GrdeclFile::open(path, include_anywhere), keyword).empty();
}

std::optional<std::string> grdecl_units(const std::filesystem::path& path, bool include_anywhere) {
  const auto file = GrdeclFile::open(path, include_anywhere);
  std::optional<std::string> units;
  for (const GrdeclSection& section : file->sections()) {
    if (!is_one_of(section.keyword, {"METRIC", "FIELD", "LAB", "PVT-M"})) continue;
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
  check(!sections_of(*file, o.keyword).empty(),
        "{}: keyword {} not found; is it GRDECL? --keyword picks another", name, o.keyword);
  const Size n = grid_of(*file, o);
  const auto values = all_values(*file, o.keyword, n);
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
