#include "displacement/coarse.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/resample.hpp"

namespace mano {

namespace {

Grid coarse_grid(const Grid& g, int factor) {
  check(factor >= 1 && factor <= g.nx && factor <= g.ny, "a grid of {} cannot be coarsened {} times",
        g.resolution(), factor);
  check(g.nx % factor == 0 && g.ny % factor == 0, "a grid of {} does not divide into cells of {}x{}",
        g.resolution(), factor, factor);
  return {g.nx / factor, g.ny / factor, g.lx, g.ly, g.x0, g.y0};
}

// Of the values of the active fine cells in each coarse one: the mean of `of`, taken back by `back`; 0 where there is none.
template <typename Of, typename Back>
Field mean_of(const Field& fine, const CellMask& active, const Grid& grid, int factor, const Of& of,
              const Back& back) {
  Field coarse(grid);
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i) {
      double sum = 0.0;
      int count = 0;
      for (int y = j * factor; y < (j + 1) * factor; ++y) {
        for (int x = i * factor; x < (i + 1) * factor; ++x) {
          if (!active(x, y)) continue;
          sum += of(fine(x, y));
          ++count;
        }
      }
      coarse(i, j) = count > 0 ? back(sum / count) : 0.0;
    }
  }
  return coarse;
}

double same(double x) {
  return x;
}

Field geometric_mean(const Field& fine, const CellMask& active, const Grid& grid, int factor) {
  return mean_of(
      fine, active, grid, factor, [](double k) { return std::log(k); },
      [](double mean) { return std::exp(mean); });
}

// Over whole coarse cells, inactive parts counting as nothing.
Field share(const Field& fine, const CellMask& active, const Grid& grid, int factor) {
  Field filled = with_inactive(fine, active, 0.0);
  return mean_of(filled, {}, grid, factor, same, same);
}

BoundaryCondition coarsened(const BoundaryCondition& fine, int factor) {
  BoundaryCondition coarse{fine.type, std::vector<double>(fine.values.size() / factor, 0.0)};
  for (std::size_t f = 0; f < fine.values.size(); ++f) coarse.values[f / factor] += fine.values[f] / factor;
  return coarse;
}

// Half the difference across the cell where both neighbours go the same way, at most what leads to the nearer one; 0 else.
double limited_slope(double before, double here, double after) {
  const double back = here - before;
  const double on = after - here;
  if (back * on <= 0) return 0.0;
  const double size = std::min({2 * std::abs(back), 2 * std::abs(on), 0.5 * std::abs(back + on)});
  return back > 0 ? size : -size;
}

}  // namespace

Displacement coarsened(const Displacement& fine, int factor) {
  const Problem& p = fine.problem;
  const Grid grid = coarse_grid(p.grid(), factor);
  Displacement coarse{{.permeability = geometric_mean(p.permeability, p.active, grid, factor),
                       .source = share(p.source, p.active, grid, factor)},
                      share(fine.pore, p.active, grid, factor),
                      fine.fluids};
  if (!p.permeability_y.values.empty())
    coarse.problem.permeability_y = geometric_mean(p.permeability_y, p.active, grid, factor);
  for (Side side : sides_of(grid)) coarse.problem.on(side) = coarsened(p.on(side), factor);
  for (Well well : p.wells) {
    well.i /= factor;
    well.j /= factor;
    coarse.problem.wells.push_back(well);
  }
  if (!p.active.all()) {
    CellMask& active = coarse.problem.active;
    active = {grid, std::vector<std::uint8_t>(grid.cells(), 0)};
    for (int j = 0; j < p.grid().ny; ++j) {
      for (int i = 0; i < p.grid().nx; ++i) {
        if (p.active(i, j)) active.values[grid.index(i / factor, j / factor)] = 1;
      }
    }
    if (active.inactive() == 0) active = {};
  }
  return coarse;
}

namespace {

struct Slopes {
  double x = 0.0;  // change across the coarse cell
  double y = 0.0;
};

Slopes slopes_at(const Field& s, const CellMask& active, int i, int j) {
  const Grid& g = s.grid;
  const auto at = [&](int x, int y) {
    return x >= 0 && x < g.nx && y >= 0 && y < g.ny && active(x, y) ? s(x, y)
                                                                    : s(i, j);  // nothing is known there
  };
  return {limited_slope(at(i - 1, j), s(i, j), at(i + 1, j)),
          limited_slope(at(i, j - 1), s(i, j), at(i, j + 1))};
}

// One coarse cell on the fine grid: `mean` and a linear part, shifted so that the pore volume holds as much, and shortened to fit the bounds.
void refine_cell(const Displacement& fine, const Grid& coarse, int i, int j, double mean,
                 const Slopes& slopes, Field& refined) {
  const Grid& g = fine.problem.grid();
  const int factor = g.nx / coarse.nx;
  std::vector<std::size_t> cells;
  std::vector<double> change;
  double pore = 0.0;
  double excess = 0.0;
  for (int y = j * factor; y < (j + 1) * factor; ++y) {
    for (int x = i * factor; x < (i + 1) * factor; ++x) {
      if (!fine.problem.active(x, y)) continue;
      cells.push_back(g.index(x, y));
      change.push_back(slopes.x * ((x - i * factor + 0.5) / factor - 0.5) +
                       slopes.y * ((y - j * factor + 0.5) / factor - 0.5));
      pore += fine.pore.values[cells.back()];
      excess += fine.pore.values[cells.back()] * change.back();
    }
  }
  const double least = fine.fluids.injected_residual;
  const double most = 1.0 - fine.fluids.displaced_residual;
  double part = 1.0;
  for (double& c : change) {
    c -= pore > 0 ? excess / pore : 0.0;
    const double room = std::max(0.0, c > 0 ? most - mean : mean - least);
    if (std::abs(c) > room) part = std::min(part, room / std::abs(c));
  }
  for (std::size_t n = 0; n < cells.size(); ++n) refined.values[cells[n]] = mean + part * change[n];
}

// How a pressure goes on to the sides.
Ends ends_of(const Problem& problem) {
  Ends ends;
  for (Side side : sides_of(problem.grid())) {
    const BoundaryCondition& condition = problem.on(side);
    const Range range = least_and_most(condition.values);
    AxisEnd& end = ends[static_cast<int>(side)];
    if (condition.type == BoundaryCondition::Type::flux) {
      end.kind = AxisEnd::Kind::mirror;
    } else if (range.least == range.most) {
      end = {AxisEnd::Kind::value, range.least};
    }
  }
  return ends;
}

}  // namespace

Field refine_saturation(const Displacement& fine, const Displacement& coarse, const Field& saturation) {
  const Grid& g = saturation.grid;
  check(g.same_cells(coarse.problem.grid()) && fine.problem.grid().nx % g.nx == 0,
        "a saturation of {} for a grid of {}", g.resolution(), coarse.problem.grid().resolution());
  const CellMask& active = coarse.problem.active;
  Field refined(fine.problem.grid());
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      if (active(i, j))
        refine_cell(fine, g, i, j, saturation(i, j), slopes_at(saturation, active, i, j), refined);
    }
  }
  return refined;
}

SimulationResult simulate_coarse(const Displacement& fine, const SimulationOptions& options, int factor) {
  const Displacement coarse = coarsened(fine, factor);
  SimulationResult result = simulate(coarse, options);
  const Grid& g = fine.problem.grid();
  const Ends ends = ends_of(coarse.problem);
  for (Snapshot& s : result.snapshots) {
    s.saturation = refine_saturation(fine, coarse, s.saturation);
    s.pressure = with_inactive(interpolate_to(s.pressure, coarse.problem.active, {g.nx, g.ny}, ends),
                               fine.problem.active, 0.0);
    s.pressure.grid = g;
    s.flux = {};
  }
  return result;
}

}  // namespace mano
