#include "solver/regions.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "solver/boundary_faces.hpp"

namespace mano {

namespace {

// By anything but a given pressure.
bool is_driven(const Problem& problem) {
  const auto not_zero = [](double value) { return value != 0.0; };
  for (std::size_t c = 0; c < problem.source.values.size(); ++c) {
    if (problem.active[c] && not_zero(problem.source.values[c])) return true;
  }
  return !problem.wells.empty() || std::any_of(kSides.begin(), kSides.end(), [&](Side side) {
    const std::vector<double>& values = problem.on(side).values;
    return std::any_of(values.begin(), values.end(), not_zero);
  });
}

bool any_held(const std::vector<Region>& list) {
  return std::any_of(list.begin(), list.end(), [](const Region& r) { return r.held; });
}

}  // namespace

Regions regions_of(const Problem& problem) {
  const Grid& g = problem.grid();
  Regions regions{region_numbers(problem.active, g), {}};
  for (std::size_t c = 0; c < g.cells(); ++c) {
    const int n = regions.number[c];
    if (n < 0) continue;
    if (n == static_cast<int>(regions.list.size()))
      regions.list.push_back({static_cast<int>(c % g.nx), static_cast<int>(c / g.nx)});
    ++regions.list[n].cells;
  }
  const auto region_at = [&](int i, int j) -> Region* {
    const int n = regions.number[g.index(i, j)];
    return n < 0 ? nullptr : &regions.list[n];
  };
  for (Side side : kSides) {
    if (problem.on(side).type != BoundaryCondition::Type::pressure) continue;
    for_each_face(g, side, [&](const BoundaryFace& face) {
      if (Region* region = region_at(face.i, face.j)) region->held = true;
    });
  }
  for (const Well& well : problem.wells) {
    Region* region = region_at(well.i, well.j);
    if (region == nullptr) continue;
    region->has_well = true;
    region->held = region->held || well.control == Well::Control::pressure;
  }
  return regions;
}

void check_regions(const Problem& problem) {
  if (problem.active.all()) return;
  const std::vector<Region> list = regions_of(problem).list;
  const bool held = any_held(list);
  if (!held && (list.size() == 1 || !is_driven(problem))) return;
  for (const Region& r : list) {
    if (r.held) continue;
    check(r.has_well || !held,
          "the {} cells joined to cell ({}, {}) are an island: inactive cells cut them off from every given "
          "pressure and well; drop islands (--drop-islands), or give them a pressure",
          r.cells, r.i, r.j);
    check(false,
          "nothing fixes the pressure of the {} cells joined to cell ({}, {}) relative to the other {} "
          "regions: give a well in them a pressure{}",
          r.cells, r.i, r.j, list.size() - 1, r.has_well ? "" : ", or drop islands (--drop-islands)");
  }
}

std::size_t drop_islands(Problem& problem) {
  if (problem.active.all()) return 0;
  const Regions regions = regions_of(problem);
  const bool something_moves =
      any_held(regions.list) ||
      std::any_of(regions.list.begin(), regions.list.end(), [](const Region& r) { return r.has_well; });
  const auto largest = std::max_element(regions.list.begin(), regions.list.end(),
                                        [](const Region& a, const Region& b) { return a.cells < b.cells; }) -
                       regions.list.begin();
  std::size_t dropped = 0;
  for (std::size_t c = 0; c < problem.active.values.size(); ++c) {
    const int n = regions.number[c];
    if (n < 0) continue;
    const Region& r = regions.list[n];
    if (something_moves ? r.held || r.has_well : n == largest) continue;
    problem.active.values[c] = 0;
    ++dropped;
  }
  return dropped;
}

}  // namespace mano
