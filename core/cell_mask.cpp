#include "core/cell_mask.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace mano {

std::size_t CellMask::inactive() const {
  return static_cast<std::size_t>(std::count(values.begin(), values.end(), 0));
}

CellMask make_cell_mask(const Field& values, const std::string& where) {
  const Grid& g = values.grid;
  CellMask mask{g, std::vector<std::uint8_t>(g.cells())};
  for (std::size_t c = 0; c < g.cells(); ++c) {
    const double value = values.values[c];
    check(value == 0.0 || value == 1.0, "{}: value {} in cell {}; a cell is active (1) or inactive (0)",
          where, value, g.cell(c));
    mask.values[c] = value != 0.0;
  }
  const std::size_t inactive = mask.inactive();
  check(inactive < g.cells(), "{}: all {} cells are inactive", where, g.cells());
  if (inactive == 0) mask.values.clear();
  return mask;
}

Field rock_of(const Field& permeability, const CellMask& mask) {
  return with_inactive(permeability, mask, 0.0);
}

CellMask mask_of_rock(const Field& rock) {
  CellMask mask{rock.grid, std::vector<std::uint8_t>(rock.values.size())};
  for (std::size_t c = 0; c < mask.values.size(); ++c) mask.values[c] = rock.values[c] != 0.0;
  if (mask.inactive() == 0) mask.values.clear();
  return mask;
}

CellMask cells_with_numbers(const Field& values, const std::string& where) {
  Field numbers(values.grid);
  std::transform(values.values.begin(), values.values.end(), numbers.values.begin(),
                 [](double value) { return std::isnan(value) ? 0.0 : 1.0; });
  return make_cell_mask(numbers, where);
}

CellMask both_active(const CellMask& a, const CellMask& b) {
  if (a.all()) return b;
  if (b.all()) return a;
  check(a.grid.same_cells(b.grid), "inactive cells are on grids of {} and of {}", a.grid.resolution(),
        b.grid.resolution());
  CellMask both = a;
  for (std::size_t c = 0; c < both.values.size(); ++c) both.values[c] = a[c] && b[c];
  return both;
}

std::vector<int> region_numbers(const CellMask& active, const Grid& g) {
  std::vector<int> number(g.cells(), -1);
  std::vector<std::size_t> open;
  int regions = 0;
  const auto visit = [&](std::size_t cell) {
    if (!active[cell] || number[cell] >= 0) return;
    number[cell] = regions;
    open.push_back(cell);
  };
  for (std::size_t first = 0; first < g.cells(); ++first) {
    visit(first);
    if (open.empty()) continue;
    while (!open.empty()) {
      const std::size_t cell = open.back();
      open.pop_back();
      const int i = static_cast<int>(cell % g.nx);
      const int j = static_cast<int>(cell / g.nx % g.ny);
      if (i > 0) visit(cell - 1);
      if (i + 1 < g.nx) visit(cell + 1);
      if (j > 0) visit(cell - g.nx);
      if (j + 1 < g.ny) visit(cell + g.nx);
      if (cell >= g.layer()) visit(cell - g.layer());
      if (cell + g.layer() < g.cells()) visit(cell + g.layer());
    }
    ++regions;
  }
  return number;
}

Field with_inactive(Field field, const CellMask& mask, double value) {
  for (std::size_t c = 0; c < mask.values.size(); ++c) {
    if (!mask[c]) field.values[c] = value;
  }
  return field;
}

void check_permeability(const Field& permeability, const std::string& where, const CellMask& mask) {
  check(mask.all() || mask.values.size() == permeability.values.size(),
        "{}: inactive cells are on a grid of {}, the permeability on {}", where, mask.grid.resolution(),
        permeability.grid.resolution());
  check_permeability(mask.all() ? permeability : with_inactive(permeability, mask, 1.0), where);
}

std::vector<double> active_values(const Field& field, const CellMask& mask) {
  if (mask.all()) return field.values;
  std::vector<double> active;
  active.reserve(field.values.size());
  for (std::size_t c = 0; c < field.values.size(); ++c) {
    if (mask[c]) active.push_back(field.values[c]);
  }
  return active;
}

Range least_and_most(const std::vector<double>& values, const CellMask& mask) {
  if (mask.all()) return least_and_most(values);
  Range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (std::size_t c = 0; c < values.size(); ++c) {
    if (!mask[c]) continue;
    range = {std::min(range.least, values[c]), std::max(range.most, values[c]),
             range.finite && std::isfinite(values[c])};
  }
  if (range.least > range.most) range.finite = false;  // no cell is active
  return range;
}

}  // namespace mano
