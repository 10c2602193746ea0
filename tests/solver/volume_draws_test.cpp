// Volumes of every random field in every set-up, cells flat and tall, contrasts up to 1e8, against an elimination.
// MANO_DRAWS sets another number of draws, and tells of the unusual ones.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "datagen/random_field.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "solver/regions.hpp"
#include "solver/stencil.hpp"
#include "solver/volume_elimination.hpp"

namespace mano {
namespace {

struct Draw {
  std::string setup, field;
  double contrast = 1.0;
  Problem problem;

  std::string text() const {
    const Grid& g = problem.grid();
    return fmt::format("{}, {} of contrast {:.2g} at {}, cells {:.2g}x{:.2g}x{:.2g}, {} inactive", setup,
                       field, contrast, g.resolution(), g.hx(), g.hy(), g.hz(), problem.active.inactive());
  }
};

class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  double between(double low, double high) { return low + (high - low) * random_() / 4294967296.0; }
  double log_between(double low, double high) { return low * std::pow(high / low, between(0, 1)); }
  int pick(int count) { return static_cast<int>(between(0, count)); }

 private:
  std::mt19937 random_;
};

Field rock(const std::string& kind, double contrast, std::uint64_t number, const Grid& grid, Dice& dice) {
  if (kind == "uncorrelated") {
    Field k(grid);
    for (double& value : k.values) value = dice.log_between(1, contrast);
    return k;
  }
  FieldSpec spec;
  spec.kind = kind;
  spec.low = 1.0;
  spec.high = contrast;
  spec.deviation = std::log(contrast) / 6;  // six standard deviations span the contrast
  spec.correlation_length_x = 0.3 * grid.lx;
  spec.correlation_length_y = 0.3 * grid.ly;
  spec.correlation_length_z = 0.1 * grid.lz;
  spec.layers = 4;
  spec.channels = 2;
  spec.contrast = contrast;
  return draw_field(spec, 42, number, grid);
}

CellMask mask_for(const Grid& grid, Dice& dice) {
  CellMask mask{grid, std::vector<std::uint8_t>(grid.cells(), 1)};
  const double inactive = dice.between(0.02, 0.3);
  for (std::size_t c = 0; c < grid.cells(); ++c) {
    const bool well = c % grid.layer() == 0 || c % grid.layer() == grid.layer() - 1;
    mask.values[c] = dice.between(0, 1) >= inactive || well;
  }
  return mask;
}

// Wells in opposite corners, through some layers: bores of given rate and pressure, and a rate without a bore.
void add_wells(Problem& problem, Dice& dice) {
  const Grid& g = problem.grid();
  const double radius = 1e-2 * std::min(g.hx(), g.hy());
  const int top = dice.pick(g.nz), bottom = top + dice.pick(g.nz - top);
  problem.wells.push_back({0, 0, Well::Control::rate, dice.between(0.1, 1), radius, top, bottom});
  problem.wells.push_back(
      {g.nx - 1, g.ny - 1, Well::Control::pressure, dice.between(-1, 1), radius, 0, g.nz - 1});
  if (dice.pick(2) == 0)
    problem.wells.push_back({0, 0, Well::Control::rate, dice.between(-1, 1), 0.0, 0, g.nz - 1});
}

Draw draw(unsigned number) {
  Dice dice(1000 + number);
  const char* const setups[] = {"benchmark", "drive", "five-spot", "closed"};
  const char* const fields[] = {"lognormal", "two-phase", "layered", "channels", "uncorrelated"};
  Draw d;
  d.setup = setups[number % 4];
  d.field = fields[number / 4 % 5];
  d.contrast = std::pow(10.0, dice.between(0, 8));
  const auto cells = [&] { return 3 + dice.pick(9); };
  Grid g{.nx = cells(), .ny = cells(), .lx = 1.0, .ly = 1.0, .nz = cells(), .lz = 1.0};
  const double aspect = dice.log_between(1e-3, 1e3);  // of width to height
  g.lx = g.nx * aspect;
  g.ly = g.ny * aspect * dice.log_between(0.3, 3);
  g.lz = g.nz;
  const CellMask mask = number / 20 % 3 == 2 ? mask_for(g, dice) : CellMask{};
  d.problem = make_problem(d.setup, rock(d.field, d.contrast, number, g, dice), mask);
  if (dice.pick(2) == 0) {
    d.problem.permeability_z = d.problem.permeability;
    for (double& k : d.problem.permeability_z.values) k *= 0.1;
  }
  const double radius = 1e-2 * std::min(g.hx(), g.hy());
  for (Well& w : d.problem.wells) w.radius = number % 8 == 2 ? radius : 0.0;
  if (d.setup == "closed" || (d.setup != "five-spot" && dice.pick(2) == 0)) add_wells(d.problem, dice);
  drop_islands(d.problem);
  return d;
}

// What faces and wells let in and out, by the pressure, over all that flows in. A pressure is known to one rounding, so that a conductance c
// turns it into a flow that is uncertain by eps c |p|: what these leave open is taken off.
double imbalance(const Problem& problem, const Field& pressure) {
  double net = 0.0, in = 0.0, conductance = Stencil(problem).held();
  const auto count = [&](double inward) {
    net += inward;
    in += std::max(inward, 0.0);
  };
  for (double out : outflow(problem, pressure)) count(-out);
  const auto states = well_states(problem, pressure);
  for (std::size_t w = 0; w < states.size(); ++w) {
    for (const auto& layer : states[w].layers) count(layer.rate);
    for (const Completion& open : completions(problem, problem.wells[w])) conductance += open.index;
  }
  const Grid& g = problem.grid();
  for (std::size_t c = 0; c < g.cells(); ++c) {
    if (problem.active[c]) count(problem.source.values[c] * g.hx() * g.hy() * g.hz());
  }
  double highest = 0.0;
  for (double p : pressure.values) highest = std::max(highest, std::abs(p));
  const double rounding = 4 * std::numeric_limits<double>::epsilon() * conductance * highest;
  return std::max(0.0, std::abs(net) - rounding) / in;
}

TEST(VolumeDraws, EveryFieldInEverySetUp) {
  const char* asked = std::getenv("MANO_DRAWS");
  const unsigned draws = asked != nullptr ? static_cast<unsigned>(std::strtoul(asked, nullptr, 10)) : 200;
  DarcySolver solver({.relative_tolerance = 1e-12, .ranks = SolverOptions::Ranks::self});
  std::map<std::string, int> methods;
  double worst = 0.0, worst_balance = 0.0;
  for (unsigned number = 0; number < draws; ++number) {
    const Draw d = draw(number);
    const SolveResult result = solver.solve(d.problem);
    ++methods[to_string(result.method)];
    const std::string what =
        fmt::format("draw {}: {}: {} after {} iterations ({}), residual {:.2g}", number, d.text(),
                    to_string(result.method), result.iterations, result.reason, result.relative_residual);
    EXPECT_TRUE(result.converged) << what;
    const VolumeElimination::Solution exact = VolumeElimination(d.problem).solve();
    const double error = relative_l2(result.pressure, exact.pressure);
    const double balance = imbalance(d.problem, result.pressure);
    if (asked != nullptr &&
        (error > 1e-8 || balance > 1e-10 || result.method > SolverMethod::multigrid_double))
      fmt::print("{}, error {:.2g}, balance {:.2g}\n", what, error, balance);
    EXPECT_LT(error, 1e-8) << what;
    EXPECT_LT(balance, 1e-10) << what;
    EXPECT_EQ(maximum_principle_violation(d.problem, result.pressure), "") << what;
    worst = std::max(worst, error);
    worst_balance = std::max(worst_balance, balance);
  }
  for (const auto& [method, count] : methods) fmt::print("{}: {} draws\n", method, count);
  // Of 200 draws 199, of 2,000 99 %. The others are mostly of uncorrelated rock in tall cells.
  EXPECT_GE(methods["multigrid"] + methods["multigrid-double"], static_cast<int>(0.98 * draws));
  fmt::print("errors up to {:.2g}, balances up to {:.2g}\n", worst, worst_balance);
}

}  // namespace
}  // namespace mano
