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

std::array<EffectivePermeability, 2> upscaled(const Problem& rock,
                                              const std::function<VerifiedSolution(const Problem&)>& solve) {
  const Grid& grid = rock.grid();
  std::array<EffectivePermeability, 2> k{means_of(active_values(rock.permeability, rock.active)),
                                         means_of(active_values(rock.along_y(), rock.active))};
  for (const bool x : {true, false}) {
    Problem problem = flow_along(x ? Axis::x : Axis::y, rock);
    drop_islands(problem);
    const VerifiedSolution solution = solve(problem);
    if (!solution.rejection.empty()) throw RunFailed(solution.rejection);
    const double flow = outflow(problem, solution.pressure)[static_cast<int>(x ? Side::right : Side::back)];
    k[x ? 0 : 1].effective = flow * (x ? grid.lx / grid.ly : grid.ly / grid.lx);
  }
  return k;
}

}  // namespace mano
