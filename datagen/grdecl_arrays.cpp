#include "datagen/grdecl_arrays.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/grdecl_values.hpp"

namespace mano {

namespace {

bool is_one_of(std::string_view keyword, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return keyword == name; });
}

bool is_carried_out(std::string_view operation) {
  return is_one_of(operation, {"EQUALS", "MULTIPLY", "ADD", "MINVALUE", "MAXVALUE", "COPY"});
}

bool begins_local_grid(std::string_view keyword) {
  return is_one_of(keyword, {"CARFIN", "RADFIN", "RADFIN4", "REFINE"});
}

bool only_commas(std::string_view text) {
  return text.find_first_not_of(',') == std::string_view::npos;
}

std::string plain(std::string_view keyword) {
  std::string result(keyword);
  while (!result.empty() && std::isspace(static_cast<unsigned char>(result.back())) != 0) result.pop_back();
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

// Refuses what would change the keyword: operations that are not carried out, those in local grids, records on the line of their
// operation, which Eclipse does not read.
void check_operations(const GrdeclFile& file, const std::string& keyword) {
  std::string local;
  for (const GrdeclSection& section : file.sections()) {
    if (begins_local_grid(section.keyword)) local = section.keyword;
    if (section.keyword == "ENDFIN") local.clear();
    if (!is_grdecl_operation(section.keyword)) continue;
    const bool refused = !is_carried_out(section.keyword) || !local.empty();
    for (const GrdeclRecord& record : grdecl_records(section)) {
      const std::size_t source = section.keyword == "COPY" || section.keyword == "COPYREG" ? 0 : 99;
      for (std::size_t w = 0; w < record.words.size() && refused; ++w)
        check(w == source || !same_keyword(record.words[w].text, keyword),
              "{}: {}{} changes {}, and is not carried out; write the resulting values out",
              file.place(section, record.words[w].line), section.keyword,
              local.empty() ? "" : " in a local grid", keyword);
    }
    GrdeclWords words(section.body, section.line);
    GrdeclWords::Word word;
    for (bool first = true; words.next(word) && word.line == section.line; first = false)
      check(!first || !same_keyword(word.text, keyword),
            "{}: what stands behind {} on its line is not read: put {} on the next one",
            file.place(section, word.line), section.keyword, keyword);
  }
}

// The keyword, and those that it is copied from, directly or not.
std::map<std::string, bool> needed_for(const GrdeclFile& file, const std::string& keyword) {
  std::map<std::string, bool> looked_at{{plain(keyword), false}};
  for (;;) {
    const auto next =
        std::find_if(looked_at.begin(), looked_at.end(), [](const auto& e) { return !e.second; });
    if (next == looked_at.end()) return looked_at;
    next->second = true;
    check_operations(file, next->first);
    for (const GrdeclSection& section : file.sections()) {
      if (section.keyword != "COPY") continue;
      for (const GrdeclRecord& record : grdecl_records(section)) {
        if (same_keyword(record.target, next->first)) looked_at.emplace(plain(record.words[0].text), false);
      }
    }
  }
}

// Runs through a deck and keeps the keywords that are needed.
class Arrays {
 public:
  Arrays(const GrdeclFile& file, const std::string& keyword, const GridSize& grid)
      : file_(file), grid_(grid), whole_{{0, 0, 0}, grid}, box_(whole_) {
    const auto needed = needed_for(file, keyword);
    check_memory(17.0 * static_cast<double>(whole_.cells()) * static_cast<double>(needed.size()),
                 fmt::format("{} on {}", keyword, text_of(grid)));
    for (const auto& [name, looked_at] : needed) cells_.emplace(name, GrdeclCells(name, grid));
  }

  std::vector<double> run(const std::string& keyword) {
    for (const auto& [name, cells] : cells_) sections_of(file_, name);  // which refuses local grids
    for (const GrdeclSection& section : file_.sections()) {
      if (section.keyword == "BOX") set_box(section);
      // A box ends with the part of the deck that it is in, at the latest.
      if (is_one_of(section.keyword, {"ENDBOX", "GRID", "EDIT", "PROPS", "REGIONS", "SOLUTION", "SUMMARY",
                                      "SCHEDULE", "RUNSPEC"}))
        box_ = whole_;
      if (const auto found = cells_.find(section.keyword); found != cells_.end())
        take(section, found->second);
      if (is_carried_out(section.keyword)) operate(section);
    }
    return std::move(cells_.at(plain(keyword))).finish(file_.name());
  }

 private:
  void set_box(const GrdeclSection& section) {
    GrdeclWords words(section.body, section.line);
    std::vector<GrdeclWords::Word> numbers;
    GrdeclWords::Word word;
    while (words.next(word) && !word.is_slash()) numbers.push_back(word);
    box_ =
        grdecl_box(numbers, grid_, whole_, true, fmt::format("{}: BOX", file_.place(section, section.line)));
  }

  void take(const GrdeclSection& section, GrdeclCells& cells) {
    const auto given = grdecl_values(file_, section, box_.cells());
    check(given.size() == box_.cells(), "{}: {} has {} {} values, {} of {} needs {}",
          file_.place(section, section.line), section.keyword,
          given.size() > box_.cells() ? "more than" : "only", std::min(given.size(), box_.cells()),
          box_ == whole_ ? "a grid" : "a BOX", text_of(box_.size), box_.cells());
    cells.take(given, box_);
  }

  void operate(const GrdeclSection& section) {
    GrdeclBox box = box_;  // each record's is that of the one before, where it does not say
    for (const GrdeclRecord& record : grdecl_records(section)) {
      const std::string place = fmt::format("{}: {}", file_.place(section, record.line), section.keyword);
      const auto target = cells_.find(plain(record.target));
      check(target == cells_.end() || record.words.size() >= 2, "{} of {} is cut off", place, record.target);
      if (record.words.size() < 2) continue;
      const std::vector<GrdeclWords::Word> rest(record.words.begin() + 2, record.words.end());
      if (target == cells_.end()) {
        box = box_of_others(rest, box, place);
        continue;
      }
      box = grdecl_box(rest, grid_, box, false, place);
      if (section.keyword == "COPY") {
        target->second.copy(cells_.at(plain(record.words[0].text)), box, place);
        continue;
      }
      const double x = grdecl_number(record.words[1], place);
      check(std::isfinite(x), "{} of {} by {}", place, record.target, x);
      target->second.apply(section.keyword, x, box, place);
    }
  }

  // Of a keyword that is not asked for, whose record may be of a kind that is not understood.
  GrdeclBox box_of_others(const std::vector<GrdeclWords::Word>& rest, const GrdeclBox& before,
                          const std::string& place) const {
    try {
      return grdecl_box(rest, grid_, before, false, place);
    } catch (const InvalidInput&) {
      return before;
    }
  }

  const GrdeclFile& file_;
  GridSize grid_;
  GrdeclBox whole_;
  GrdeclBox box_;
  std::map<std::string, GrdeclCells, std::less<>> cells_;
};

}  // namespace

std::vector<GrdeclRecord> grdecl_records(const GrdeclSection& section) {
  std::vector<GrdeclRecord> records;
  GrdeclRecord record;
  const auto close = [&] {
    const std::size_t target = section.keyword == "COPY" || section.keyword == "COPYREG" ? 1 : 0;
    if (record.words.size() > target) record.target = record.words[target].text;
    records.push_back(std::exchange(record, {}));
  };
  GrdeclWords words(section.body, section.line);
  GrdeclWords::Word word;
  while (words.next(word)) {
    if (word.line == section.line) continue;
    if (word.is_slash()) {
      if (record.words.empty()) return records;
      close();
    } else if (word.quoted || !only_commas(word.text)) {
      if (record.words.empty()) record.line = word.line;
      record.words.push_back(word);
    }
  }
  if (!record.words.empty()) close();
  return records;
}

std::vector<const GrdeclSection*> sections_of(const GrdeclFile& file, std::string_view keyword) {
  std::vector<const GrdeclSection*> found;
  std::string local;  // the local grid that we are in
  for (const GrdeclSection& section : file.sections()) {
    if (begins_local_grid(section.keyword)) local = section.keyword;
    if (section.keyword == "ENDFIN") local.clear();
    if (!same_keyword(section.keyword, keyword)) continue;
    check(local.empty(), "{}: {} is that of a local grid ({}); take it out of the file",
          file.place(section, section.line), section.keyword, local);
    found.push_back(&section);
  }
  return found;
}

bool gives(const GrdeclFile& file, const std::string& keyword) {
  check_operations(file, keyword);
  if (!sections_of(file, keyword).empty()) return true;
  for (const GrdeclSection& section : file.sections()) {
    if (section.keyword != "EQUALS" && section.keyword != "COPY") continue;
    for (const GrdeclRecord& record : grdecl_records(section)) {
      if (same_keyword(record.target, keyword)) return true;
    }
  }
  return false;
}

std::vector<double> grdecl_array(const GrdeclFile& file, const std::string& keyword, const GridSize& grid) {
  return Arrays(file, keyword, grid).run(keyword);
}

}  // namespace mano
