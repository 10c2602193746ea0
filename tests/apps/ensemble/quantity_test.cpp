#include "apps/ensemble/quantity.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "solver/correction.hpp"
#include "solver/flow.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

FlowSource flow_with(FlowOptions options) {
  FieldOptions rock;
  rock.field = "lognormal";
  return FlowSource(std::move(options), FieldSource(std::move(rock)));
}

Problem problem_on(const FlowSource& flow, const Grid& grid) {
  Sample sample;
  sample.permeability = Field(grid, 1.0);
  for (std::size_t c = 0; c < grid.cells(); ++c)
    sample.permeability.values[c] = 1.0 + 0.1 * static_cast<double>(c % 7);
  return flow.problem(sample);
}

std::string refusal_of(const std::string& text, const FlowOptions& options) {
  const FlowSource flow = flow_with(options);
  try {
    parse_quantity(text, flow, problem_on(flow, {8, 8}));
  } catch (const InvalidInput& e) {
    return e.what();
  }
  return "";
}

TEST(Quantity, OfAPointIsExactWhereThePressureIsLinear) {
  FlowOptions options;
  options.problem_name = "drive";
  const FlowSource flow = flow_with(options);
  for (const Grid& grid : {Grid{8, 8}, Grid{5, 3}, Grid{1, 1}}) {
    const Problem problem = problem_on(flow, grid);
    Field p(grid);
    for (int j = 0; j < grid.ny; ++j)
      for (int i = 0; i < grid.nx; ++i)
        p(i, j) = 1 - grid.x(i);  // the pressure of even rock: 1 left, 0 right
    for (const char* point : {"0,0", "1,1", "0.03,0.5", "0.5,0.01", "0.37,0.71", "0.99,0.2", "0.5,0.5"}) {
      const Quantity q = parse_quantity(std::string("pressure@") + point, flow, problem);
      EXPECT_NEAR(value_of(q, problem, p), 1 - q.x, tolerance::kExact) << grid.resolution() << " " << point;
    }
  }
}

TEST(Quantity, OfAPointIsBilinearBetweenCentres) {
  FlowOptions options;
  options.problem_name = "benchmark";
  const FlowSource flow = flow_with(options);
  const Problem problem = problem_on(flow, {4, 4});
  Field p(problem.grid());
  for (std::size_t c = 0; c < 16; ++c) p.values[c] = static_cast<double>(c * c);
  const Quantity q = parse_quantity("pressure@0.5,0.5", flow, problem);
  EXPECT_NEAR(value_of(q, problem, p), 0.25 * (25 + 36 + 81 + 100), tolerance::kExact);
  EXPECT_NEAR(value_of(parse_quantity("pressure@0,0.5", flow, problem), problem, p), 0.0, tolerance::kExact);
  EXPECT_NEAR(value_of(parse_quantity("largest-pressure", flow, problem), problem, p), 225,
              tolerance::kExact);
  EXPECT_NEAR(value_of(parse_quantity("mean-pressure", flow, problem), problem, p), 1240 / 16.0,
              tolerance::kExact);
}

TEST(Quantity, EffectivePermeabilityIsTheFlowOfTheSolution) {
  FlowOptions options;
  options.problem_name = "closed";
  options.anisotropy = 0.3;
  const FlowSource flow = flow_with(options);
  const Problem rock = problem_on(flow, {12, 6, 2.0, 0.5});
  for (bool x : {true, false}) {
    const Problem problem = flow_along(x ? Axis::x : Axis::y, rock);
    const Field p = Corrector(problem).solve_from(Field(problem.grid()), 1e-12).pressure;
    const Quantity q =
        parse_quantity(x ? "effective-permeability-x" : "effective-permeability-y", flow, rock);
    const double out = outflow(problem, p)[static_cast<int>(x ? Side::right : Side::back)];
    EXPECT_NEAR(value_of(q, problem, p), out * (x ? 2.0 / 0.5 : 0.5 / 2.0), 1e-9);
    // An error of the pressure counts as its square.
    Field off = p;
    for (std::size_t c = 0; c < off.values.size(); ++c)
      off.values[c] += 1e-4 * std::sin(static_cast<double>(c));
    EXPECT_NEAR(value_of(q, problem, off), value_of(q, problem, p), 1e-5);
    EXPECT_GT(value_of(q, problem, off), value_of(q, problem, p));
  }
}

TEST(Quantity, OfWellsAndSidesIsThatOfTheFlow) {
  FlowOptions options;
  options.wells = {"0.3,0.3,rate=2,radius=0.01,name=I", "0.7,0.7,bhp=1,radius=0.01,name=P"};
  const FlowSource flow = flow_with(options);
  const Problem problem = problem_on(flow, {8, 8});
  const Field p = Corrector(problem).solve_from(Field(problem.grid()), 1e-12).pressure;
  EXPECT_NEAR(value_of(parse_quantity("rate@P", flow, problem), problem, p), -2.0, 1e-9);
  EXPECT_DOUBLE_EQ(value_of(parse_quantity("bhp@I", flow, problem), problem, p),
                   well_states(problem, p)[0].pressure);
  EXPECT_NE(refusal_of("rate@I", options).find("prescribed"), std::string::npos);
  EXPECT_NE(refusal_of("rate@X", options).find("there are I, P"), std::string::npos);
  EXPECT_NE(refusal_of("outflow@left", options).find("prescribed"), std::string::npos);  // closed
}

TEST(Quantity, OfADisplacementIsThatOfASimulation) {
  FlowOptions options;
  options.problem_name = "five-spot";
  const FlowSource flow = flow_with(options);
  const Problem problem = problem_on(flow, {8, 8});
  std::vector<Quantity> quantities;
  for (const char* text : {"water-cut@0.7pv", "recovery@0.3pv", "breakthrough"})
    quantities.push_back(parse_quantity(text, flow, problem));
  const SimulationOptions asked = simulation_of(quantities, {});
  const SimulationResult r = simulate({problem, Field(problem.grid(), 1.0), Fluids{}}, asked);
  EXPECT_LT(r.curve.back().pore_volumes, 1.0);  // no farther than asked for
  SimulationOptions plain;
  plain.snapshots = {0.3, 0.7};
  const SimulationResult same = simulate({problem, Field(problem.grid(), 1.0), Fluids{}}, plain);
  EXPECT_EQ(value_of(quantities[0], r), same.snapshots[1].at.cut);
  EXPECT_EQ(value_of(quantities[1], r), same.snapshots[0].at.recovery);
  EXPECT_EQ(value_of(quantities[2], r), same.breakthrough);
  EXPECT_TRUE(simulation_of({parse_quantity("mean-pressure", flow, problem)}, {}).snapshots.empty());
  EXPECT_THROW(value_of(parse_quantity("recovery@0.5pv", flow, problem), same), RunFailed);
  for (const char* text :
       {"recovery@0.3", "recovery@-1pv", "water-cut@1e9pv", "recovery", "breakthrough@2pv"})
    EXPECT_NE(refusal_of(text, options).find("expected"), std::string::npos) << text;
}

TEST(Quantity, RefusesWhatItDoesNotUnderstand) {
  FlowOptions options;
  options.problem_name = "drive";
  EXPECT_NE(refusal_of("permeability", options).find("quantity is 'permeability', expected"),
            std::string::npos);
  EXPECT_NE(refusal_of("pressure", options).find("expected"), std::string::npos);
  EXPECT_NE(refusal_of("pressure@0.3", options).find("is no point"), std::string::npos);
  EXPECT_NE(refusal_of("pressure@1.3,0.4", options).find("outside the domain"), std::string::npos);
  EXPECT_NE(refusal_of("outflow@north", options).find("side is 'north'"), std::string::npos);
  EXPECT_NE(refusal_of("bhp@W1", options).find("no well is named 'W1'; there is none"), std::string::npos);
  EXPECT_EQ(refusal_of("outflow@right", options), "");
}

}  // namespace
}  // namespace mano
