#include "solver/regions.hpp"

#include <algorithm>
#include <numeric>

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
  const auto sides = sides_of(problem.grid());
  return !problem.wells.empty() || std::any_of(sides.begin(), sides.end(), [&](Side side) {
    const std::vector<double>& values = problem.on(side).values;
    return std::any_of(values.begin(), values.end(), not_zero);
  });
}

bool any_held(const std::vector<Region>& list) {
  return std::any_of(list.begin(), list.end(), [](const Region& r) { return r.held; });
}

}  // namespace

namespace {

// A bore that is open in several layers joins their cells: the later regions become the first one's, and numbers close ranks.
void join_by_bores(const Problem& problem, std::vector<int>& number) {
  const int count = *std::max_element(number.begin(), number.end()) + 1;
  std::vector<int> first(std::max(count, 0));
  std::iota(first.begin(), first.end(), 0);
  const auto root = [&](int n) {
    while (first[n] != n) n = first[n];
    return n;
  };
  for (const Well& well : problem.wells) {
    if (well.radius == 0.0) continue;
    const std::vector<Completion> open = completions(problem, well);
    for (const Completion& c : open) {
      const int a = root(number[open.front().cell]);
      const int b = root(number[c.cell]);
      first[std::max(a, b)] = std::min(a, b);
    }
  }
  std::vector<int> renamed(first.size(), -1);
  int next = 0;
  for (int n = 0; n < count; ++n) renamed[n] = root(n) == n ? next++ : renamed[root(n)];
  for (int& n : number) n = n < 0 ? n : renamed[n];
}

}  // namespace

Regions regions_of(const Problem& problem) {
  const Grid& g = problem.grid();
  Regions regions{region_numbers(problem.active, g), {}};
  if (!g.flat()) join_by_bores(problem, regions.number);
  for (std::size_t c = 0; c < g.cells(); ++c) {
    const int n = regions.number[c];
    if (n < 0) continue;
    if (n == static_cast<int>(regions.list.size())) regions.list.push_back({c});
    ++regions.list[n].cells;
  }
  const auto region_at = [&](std::size_t cell) -> Region* {
    const int n = regions.number[cell];
    return n < 0 ? nullptr : &regions.list[n];
  };
  for (Side side : sides_of(g)) {
    if (problem.on(side).type != BoundaryCondition::Type::pressure) continue;
    for_each_face(g, side, [&](const BoundaryFace& face) {
      if (Region* region = region_at(face.cell)) region->held = true;
    });
  }
  for (const Well& well : problem.wells) {
    for (const Completion& c : completions(problem, well)) {
      Region* region = region_at(c.cell);
      region->has_well = true;
      region->held = region->held || well.control == Well::Control::pressure;
    }
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
          "the {} cells joined to cell {} are an island: inactive cells cut them off from every given "
          "pressure and well; drop islands (--drop-islands), or give them a pressure",
          r.cells, problem.grid().cell(r.first));
    check(false,
          "nothing fixes the pressure of the {} cells joined to cell {} relative to the other {} "
          "regions: give a well in them a pressure{}",
          r.cells, problem.grid().cell(r.first), list.size() - 1,
          r.has_well ? "" : ", or drop islands (--drop-islands)");
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
