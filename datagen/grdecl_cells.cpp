#include "datagen/grdecl_cells.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "core/error.hpp"
#include "datagen/grdecl_values.hpp"

namespace mano {

namespace {

// "1*", "*", "2*": that many entries are left open; 0 for other words.
int left_open(const GrdeclWords::Word& word) {
  if (word.quoted || !word.text.ends_with('*')) return 0;
  int count = word.text == "*" ? 1 : 0;
  std::from_chars(word.text.data(), word.text.data() + word.text.size() - 1, count);
  return count;
}

}  // namespace

std::string text_of(const GridSize& n) {
  return fmt::format("{}x{}x{}", n[0], n[1], n[2]);
}

GrdeclBox grdecl_box(const std::vector<GrdeclWords::Word>& words, const GridSize& grid,
                     const GrdeclBox& otherwise, bool complete, const std::string& place) {
  std::vector<std::optional<int>> entries;
  for (const auto& word : words) {
    if (const int open = left_open(word); open > 0) {
      check(open <= 6, "{}: '{}' leaves more open than the six numbers of a box", place, word.text);
      entries.resize(entries.size() + open);
    } else {
      entries.emplace_back(grdecl_int(word, place));
    }
  }
  check(entries.size() == 6 || (entries.size() < 6 && !complete),
        "{}: a box has six numbers, I1 I2 J1 J2 K1 K2; here are {}", place, entries.size());
  entries.resize(6);
  GrdeclBox box;
  for (int d = 0; d < 3; ++d) {
    const int first = entries[2 * d].value_or(otherwise.first[d] + 1);
    const int last = entries[2 * d + 1].value_or(otherwise.first[d] + otherwise.size[d]);
    check(1 <= first && first <= last && last <= grid[d],
          "{}: a box from {} to {} in {}, the grid has 1 to {}", place, first, last, "IJK"[d], grid[d]);
    box.first[d] = first - 1;
    box.size[d] = last - first + 1;
  }
  return box;
}

GrdeclCells::GrdeclCells(std::string keyword, const GridSize& grid)
    : keyword_(std::move(keyword)), grid_(grid) {
  const std::size_t cells = GrdeclBox{{0, 0, 0}, grid}.cells();
  values_.assign(cells, 1.0);
  known_.assign(cells, same_keyword(keyword_, "ACTNUM") ? 1 : 0);
}

template <typename F>
void GrdeclCells::each(const GrdeclBox& box, const F& f) {
  for (int k = box.first[2]; k < box.first[2] + box.size[2]; ++k) {
    for (int j = box.first[1]; j < box.first[1] + box.size[1]; ++j) {
      const std::size_t row = (static_cast<std::size_t>(k) * grid_[1] + j) * grid_[0];
      for (int i = box.first[0]; i < box.first[0] + box.size[0]; ++i) f(row + i);
    }
  }
}

void GrdeclCells::take(const std::vector<double>& values, const GrdeclBox& box) {
  std::size_t next = 0;
  each(box, [&](std::size_t cell) {
    values_[cell] = values[next++];
    known_[cell] = 1;
  });
}

void GrdeclCells::copy(const GrdeclCells& from, const GrdeclBox& box, const std::string& place) {
  each(box, [&](std::size_t cell) {
    from.need(cell, place);
    values_[cell] = from.values_[cell];
    known_[cell] = 1;
  });
}

void GrdeclCells::apply(const std::string& operation, double x, const GrdeclBox& box,
                        const std::string& place) {
  using Change = double (*)(double, double);
  static const std::map<std::string, Change> kChanges{
      {"EQUALS", [](double, double number) { return number; }},
      {"MULTIPLY", [](double value, double number) { return value * number; }},
      {"ADD", [](double value, double number) { return value + number; }},
      {"MINVALUE", [](double value, double number) { return std::max(value, number); }},
      {"MAXVALUE", [](double value, double number) { return std::min(value, number); }}};
  const Change change = kChanges.at(operation);
  const bool needs_value = operation != "EQUALS";
  each(box, [&](std::size_t cell) {
    if (needs_value) need(cell, place);
    values_[cell] = change(values_[cell], x);
    known_[cell] = 1;
  });
}

std::vector<double> GrdeclCells::finish(const std::string& file) && {
  const auto none = std::find(known_.begin(), known_.end(), 0);
  check(none == known_.end(), "{}: nothing gives {} a value in cell {}", file, keyword_,
        text_of_cell(static_cast<std::size_t>(none - known_.begin())));
  return std::move(values_);
}

void GrdeclCells::need(std::size_t cell, const std::string& place) const {
  if (known_[cell] == 0)
    throw InvalidInput(
        fmt::format("{}: {} has no value yet in cell {}", place, keyword_, text_of_cell(cell)));
}

std::string GrdeclCells::text_of_cell(std::size_t cell) const {
  return fmt::format("({}, {}, {})", cell % grid_[0] + 1, cell / grid_[0] % grid_[1] + 1,
                     cell / grid_[0] / grid_[1] + 1);
}

}  // namespace mano
