#include "solver/stencil.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.hpp"
#include "solver/flow.hpp"
#include "solver/problems.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

TEST(Stencil, TransmissibilitiesOfTwoCells) {
  // Cells of 1/2 x 1: interior face 2 * 1 * 3 / (1 + 3) * 1 / (1/2) = 3, boundary faces k * length / half distance.
  Field k(Grid{2, 1});
  k.values = {1.0, 3.0};
  const Stencil s(make_problem("benchmark", k));
  EXPECT_DOUBLE_EQ(s.right(0, 0), 3.0);
  EXPECT_DOUBLE_EQ(s.left(0, 0), 4.0);
  EXPECT_DOUBLE_EQ(s.right(1, 0), 12.0);
  EXPECT_DOUBLE_EQ(s.front(1, 0), 3.0);  // 3 * (1/2) / (1/2)
  EXPECT_DOUBLE_EQ(s.rhs[0], 0.5);
}

TEST(Stencil, NoFlowSidesHaveNoTransmissibility) {
  const Stencil s(make_problem("drive", Field(Grid{3, 2}, 2.0)));
  EXPECT_EQ(s.front(1, 0), 0.0);
  EXPECT_EQ(s.back(1, 1), 0.0);
  EXPECT_GT(s.left(0, 0), 0.0);
}

TEST(Stencil, LinearPressureHasNoResidualInUniformRock) {
  const Problem problem = make_problem("drive", Field(Grid{6, 5, 3.0, 1.0}, 2.0));
  const Field p = sampled(problem.grid(), [](double x, double) { return 1 - x / 3.0; });
  EXPECT_LT(relative_residual(Stencil(problem), p), tolerance::kExact);
  const FaceFlux flux = face_flux(problem, p);
  for (double u : flux.ux) EXPECT_NEAR(u, 2.0 / 3.0, tolerance::kExact);  // k / lx
  for (double u : flux.uy) EXPECT_NEAR(u, 0.0, tolerance::kExact);
  const CellFlux cells = cell_flux(problem, p);
  EXPECT_NEAR(cells.x(3, 2), 2.0 / 3.0, tolerance::kExact);
}

TEST(MaximumPrinciple, CatchesPressuresOutOfBounds) {
  const Grid g{8, 8};
  const Problem drive = make_problem("drive", Field(g, 1.0));
  Field p(g, 0.5);
  EXPECT_EQ(maximum_principle_violation(drive, p), "");
  p(3, 3) = 1.001;
  EXPECT_NE(maximum_principle_violation(drive, p), "");
  p(3, 3) = -0.001;
  EXPECT_NE(maximum_principle_violation(drive, p), "");
  p(3, 3) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(maximum_principle_violation(drive, p), "");

  const Problem benchmark = make_problem("benchmark", Field(g, 1.0));
  EXPECT_NE(maximum_principle_violation(benchmark, Field(g, -0.01)), "");
  EXPECT_NE(maximum_principle_violation(benchmark, Field(g, 0.2)), "");
  EXPECT_EQ(maximum_principle_violation(benchmark, Field(g, 0.05)), "");

  const Problem five_spot = make_problem("five-spot", Field(g, 1.0));
  Field q(g, 0.0);
  q(0, 0) = 1;
  q(7, 7) = -1;
  EXPECT_EQ(maximum_principle_violation(five_spot, q), "");
  q(4, 4) = 1.1;
  EXPECT_NE(maximum_principle_violation(five_spot, q), "");
}

TEST(Problem, RefusesUnknownSetupsAndBadRock) {
  EXPECT_THROW(make_problem("waterfall", Field(Grid{2, 2}, 1.0)), InvalidInput);
  EXPECT_THROW(make_problem("drive", Field(Grid{2, 2}, 0.0)), InvalidInput);
}

}  // namespace
}  // namespace mano
