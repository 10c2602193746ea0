#include "apps/samples/upscaling.hpp"

#include <cmath>

#include "core/error.hpp"
#include "solver/flow.hpp"
#include "solver/regions.hpp"

namespace mano {

namespace {

EffectivePermeability means_of(const std::vector<double>& k) {
  EffectivePermeability m;
  const double share = 1.0 / static_cast<double>(k.size());
  double inverse = 0.0;
  for (double value : k) {
    m.arithmetic_mean += share * value;
    m.geometric_mean += share * std::log(value);
    inverse += share / value;
  }
  m.geometric_mean = std::exp(m.geometric_mean);
  m.harmonic_mean = 1 / inverse;
  return m;
}

}  // namespace

std::vector<EffectivePermeability> upscaled(const Problem& rock,
                                            const std::function<VerifiedSolution(const Problem&)>& solve) {
  struct Direction {
    Axis axis;
    Side end;
    const Field& along;
    double length;
    double section;
  };
  const Grid& grid = rock.grid();
  std::vector<Direction> directions{{Axis::x, Side::right, rock.permeability, grid.lx, grid.ly * grid.lz},
                                    {Axis::y, Side::back, rock.along_y(), grid.ly, grid.lx * grid.lz}};
  if (!grid.flat()) directions.push_back({Axis::z, Side::bottom, rock.along_z(), grid.lz, grid.lx * grid.ly});
  std::vector<EffectivePermeability> k;
  for (const Direction& d : directions) {
    k.push_back(means_of(active_values(d.along, rock.active)));
    Problem problem = flow_along(d.axis, rock);
    drop_islands(problem);
    const VerifiedSolution solution = solve(problem);
    if (!solution.rejection.empty()) throw RunFailed(solution.rejection);
    const double flow = outflow(problem, solution.pressure)[static_cast<int>(d.end)];
    k.back().effective = flow * (d.length / d.section);
  }
  return k;
}

}  // namespace mano
