#include "apps/ensemble/level_solver.hpp"

#include <algorithm>
#include <cmath>

#include "apps/samples/verified_solve.hpp"
#include "core/error.hpp"
#include "solver/regions.hpp"

namespace mano {

namespace {

using Flow = Quantity::Flow;

// Of a rock, before sides are set.
Problem build(const EnsembleSetup& setup, Flow flow, const Sample& sample) {
  if (flow == Flow::own || flow == Flow::displacement) return setup.flow->problem(sample);
  Problem problem = flow_along(flow == Flow::along_x ? Axis::x : Axis::y, setup.rock->problem(sample));
  drop_islands(problem);  // what neither side reaches takes no part
  return problem;
}

}  // namespace

Flow flow_of(const Quantity& quantity, const EnsembleSetup& setup) {
  const bool drive = setup.flow->problem_name() == "drive";  // a changed problem has another name
  return quantity.flow() == Flow::along_x && drive ? Flow::own : quantity.flow();
}

std::vector<Flow> flows_of(const EnsembleSetup& setup) {
  std::vector<Flow> flows;
  for (const Quantity& q : setup.quantities) {
    const Flow flow = flow_of(q, setup);
    if (flow != Flow::none && std::find(flows.begin(), flows.end(), flow) == flows.end())
      flows.push_back(flow);
  }
  return flows;
}

LevelSolver::LevelSolver(const EnsembleSetup& setup, const Grid& grid)
    : setup_(&setup), grid_(grid), masked_(setup.source->has_inactive()) {
  Sample ones;
  ones.permeability = Field(grid, 1.0);
  for (Flow flow : flows_of(setup)) {
    Solve solve{.flow = flow, .problem = build(setup, flow, ones)};
    solve.ones_x = solve.problem.permeability;
    solve.ones_y = solve.problem.permeability_y;
    solves_.push_back(std::move(solve));
  }
}

const Problem& LevelSolver::problem_of(Solve& solve, const Sample& sample) {
  if (masked_) {
    try {
      solve.problem = build(*setup_, solve.flow, sample);
    } catch (const InvalidInput& e) {
      throw RunFailed(fmt::format("sample {} at {}: {}", sample.number, grid_.resolution(), e.what()));
    }
    return solve.problem;
  }
  const std::vector<double>& k = sample.permeability.values;
  for (std::size_t c = 0; c < k.size(); ++c)
    solve.problem.permeability.values[c] = k[c] * solve.ones_x.values[c];
  for (std::size_t c = 0; c < solve.ones_y.values.size(); ++c)
    solve.problem.permeability_y.values[c] = k[c] * solve.ones_y.values[c];
  return solve.problem;
}

Field LevelSolver::pressure_of(Solve& solve, const Sample& sample) {
  const Problem& problem = problem_of(solve, sample);
  const auto fail = [&](const std::string& why) {
    throw RunFailed(fmt::format("sample {} at {}: {}; mano solve --sample {} shows it alone", sample.number,
                                grid_.resolution(), why, sample.number));
  };
  if (solve.corrector == nullptr) {
    solve.corrector = std::make_unique<Corrector>(problem);
  } else {
    solve.corrector->take(problem);
  }
  Field pressure;
  try {
    pressure = solve.corrector->solve_from(Field(grid_), setup_->tolerance).pressure;
    if (rejection_of(problem, pressure, setup_->tolerance).empty()) return pressure;
  } catch (const RunFailed&) {  // PETSc knows more methods
  }
  if (spare_ == nullptr)
    spare_ = std::make_unique<DarcySolver>(
        SolverOptions{.relative_tolerance = setup_->tolerance, .ranks = SolverOptions::Ranks::self});
  const VerifiedSolution verified = verified_solve(*spare_, problem);
  if (!verified.rejection.empty()) fail(verified.rejection);
  return verified.pressure;
}

SimulationResult LevelSolver::displaced(const Sample& sample) {
  constexpr double kMostImbalance = 1e-10;  // of a step
  try {
    SimulationResult result = simulate(displacement(sample), setup_->simulation);
    if (!(result.mass_balance_error <= kMostImbalance))
      throw RunFailed(fmt::format("mass balance error {:.3g}", result.mass_balance_error));
    return result;
  } catch (const Error& e) {
    throw RunFailed(fmt::format("sample {} at {}: {}", sample.number, grid_.resolution(), e.what()));
  }
}

Displacement LevelSolver::displacement(const Sample& sample) {
  const auto solve = std::find_if(solves_.begin(), solves_.end(),
                                  [](const Solve& s) { return s.flow == Flow::displacement; });
  return {problem_of(*solve, sample), Field(grid_, 1.0), setup_->fluids};
}

std::vector<double> LevelSolver::solve(const Sample& sample) {
  std::vector<double> values(setup_->quantities.size());
  const auto take = [&](Flow flow, const Problem& problem, const Field& pressure) {
    for (std::size_t q = 0; q < values.size(); ++q) {
      const Quantity& quantity = setup_->quantities[q];
      if (flow_of(quantity, *setup_) != flow) continue;
      values[q] = value_of(quantity, problem, pressure);
      if (!std::isfinite(values[q]))
        throw RunFailed(fmt::format("sample {} at {}: {} is {}", sample.number, grid_.resolution(),
                                    quantity.name, values[q]));
    }
  };
  for (Solve& solve : solves_) {
    if (solve.flow == Flow::displacement) {
      const SimulationResult result = displaced(sample);
      for (std::size_t q = 0; q < values.size(); ++q) {
        if (setup_->quantities[q].flow() == Flow::displacement)
          values[q] = value_of(setup_->quantities[q], result);
      }
      continue;
    }
    const Field pressure = pressure_of(solve, sample);
    take(solve.flow, solve.problem, pressure);
  }
  const Problem rock{.permeability = sample.permeability, .active = sample.active};
  take(Flow::none, rock, {});
  return values;
}

std::vector<double> LevelSolver::evaluate(const Sample& sample, const Field& pressure) {
  std::vector<double> values;
  for (const Quantity& quantity : setup_->quantities) {
    const Problem rock{.permeability = sample.permeability, .active = sample.active};
    const bool of_rock = quantity.flow() == Flow::none;
    const double value = value_of(quantity, of_rock ? rock : problem_of(solves_[0], sample), pressure);
    values.push_back(std::isfinite(value) ? value : 0.0);  // a poor control variate, and no more
  }
  return values;
}

}  // namespace mano
