// The discretisation as tensors against the solver's own, on both of the problems' data and awkward grids.
#include "surrogate/multigrid/darcy_operator.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/norms.hpp"
#include "datagen/random_field.hpp"
#include "solver/stencil.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

torch::Tensor tensor_of(const Field& field) {
  return torch::tensor(field.values, torch::kFloat64).view({1, 1, field.grid.ny, field.grid.nx});
}

Field field_of(const torch::Tensor& values, const Grid& grid) {
  Field f(grid);
  const auto plain = values.to(torch::kFloat64).contiguous();
  std::copy(plain.data_ptr<double>(), plain.data_ptr<double>() + grid.cells(), f.values.begin());
  return f;
}

Field any_pressure(const Grid& grid) {
  Field p(grid);
  for (int j = 0; j < grid.ny; ++j)
    for (int i = 0; i < grid.nx; ++i) p(i, j) = std::sin(3.0 * i + 0.4 * j * j) + 0.1 * i;
  return p;
}

const Grid kGrids[] = {{16, 16, 1.0, 1.0}, {13, 7, 3.0, 1.0}, {1, 9, 1.0, 2.0}, {8, 1, 1.0, 1.0}};

TEST(DarcyOperator, LeavesTheDefectOfTheSolver) {
  for (const Grid& grid : kGrids) {
    for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
      const Field k = draw_field({}, 4, 0, grid);
      const Stencil stencil(make_problem(problem_name, k));
      const Field p = any_pressure(grid);
      Field expected = residual(stencil, p);
      for (int j = 0; j < grid.ny; ++j)
        for (int i = 0; i < grid.nx; ++i) expected(i, j) /= stencil.diagonal(i, j);
      const DarcyOperator darcy(tensor_of(k), grid, *known_problem(problem_name));
      EXPECT_LT(largest_error(field_of(darcy.defect(tensor_of(p)), grid), expected), 1e-12)
          << problem_name << " " << grid.resolution();
    }
  }
}

// Permeability 0 marks inactive cells: the solver's equation there and its solution.
TEST(DarcyOperator, WithInactiveCellsIsTheSolvers) {
  const Grid grid{17, 12, 2.0, 1.0};
  CellMask mask{grid, std::vector<std::uint8_t>(grid.cells(), 1)};
  for (std::size_t c : {5u, 6u, 23u, 40u, 41u, 42u, 77u, 150u}) mask.values[c] = 0;
  for (const char* name : {"benchmark", "drive", "five-spot"}) {
    const Field k = draw_field({}, 4, 0, grid);
    const auto rock = tensor_of(rock_of(k, mask));
    const DarcyOperator darcy(rock, grid, *known_problem(name), active_part(rock, {grid.nx, grid.ny}));
    const Problem problem = make_problem(name, k, mask);
    const Stencil stencil(problem);
    const Field p = with_inactive(any_pressure(grid), mask, 0.0);
    EXPECT_LT(largest_error(field_of(darcy.residual(tensor_of(p)), grid), residual(stencil, p)), 1e-12)
        << name;
    const Field solution = field_of(darcy.solve(1e-10), grid);
    EXPECT_LT(relative_residual(stencil, solution), 1e-8) << name;
    for (std::size_t c = 0; c < grid.cells(); ++c) {
      if (!mask[c]) {
        EXPECT_EQ(solution.values[c], 0.0);
      }
    }
    const auto shares = darcy.shares().sum(1).flatten();
    for (std::size_t c = 0; c < grid.cells(); ++c)
      EXPECT_NEAR(shares[static_cast<int64_t>(c)].item<double>(), mask[c] ? 1.0 : 0.0, 1e-14);
  }
}

// Where all sides are closed, a cell without active neighbours has no face: its defect is its source, and finite.
TEST(DarcyOperator, IsFiniteInACellWithoutFaces) {
  const Grid grid{4, 4};
  Field k = draw_field({}, 4, 0, grid);
  k(2, 0) = k(3, 1) = 0;
  const auto rock = tensor_of(k);
  const DarcyOperator darcy(rock, grid, closed_problem(), active_part(rock, {grid.nx, grid.ny}));
  const Field defect = field_of(darcy.defect(tensor_of(any_pressure(grid))), grid);
  for (double value : defect.values) EXPECT_TRUE(std::isfinite(value));
}

TEST(DarcyOperator, SolvesItsOwnEquation) {
  const Grid grid{24, 17, 2.0, 1.0};
  for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
    const Field k = draw_field({}, 5, 1, grid);
    const DarcyOperator darcy(tensor_of(k), grid, *known_problem(problem_name));
    const Field p = field_of(darcy.solve(1e-10), grid);
    EXPECT_LT(relative_residual(Stencil(make_problem(problem_name, k)), p), 1e-8) << problem_name;
  }
}

TEST(DarcyOperator, SharesAddUpToOneAndSeeNeitherScaleNorSize) {
  const Grid grid{12, 9, 1.0, 1.0};
  const Field k = draw_field({}, 6, 0, grid);
  const KnownProblem problem_name = *known_problem("benchmark");
  const auto shares = DarcyOperator(tensor_of(k), grid, problem_name).shares();
  EXPECT_LT((shares.sum(1) - 1).abs().max().item<double>(), 1e-14);
  const auto scaled = DarcyOperator(tensor_of(k) * 7.0, {12, 9, 5.0, 5.0}, problem_name).shares();
  EXPECT_LT((shares - scaled).abs().max().item<double>(), 1e-14);
  // The prescribed pressure is below the lowest row and nowhere inside.
  EXPECT_GT(shares.select(1, 4).select(1, 0).min().item<double>(), 0.1);
  EXPECT_EQ(shares.select(1, 4).slice(1, 1, -1).slice(2, 1, -1).abs().max().item<double>(), 0.0);
}

TEST(DarcyOperator, IsItsSharesAlone) {
  for (const Grid& grid : kGrids) {
    for (const char* name : {"benchmark", "drive", "five-spot"}) {
      const DarcyOperator darcy(tensor_of(draw_field({}, 8, 3, grid)), grid, *known_problem(name));
      const auto p = tensor_of(any_pressure(grid));
      // D^-1 A p is minus what p adds to the defect of no pressure.
      const auto expected = darcy.defect(torch::zeros_like(p)) - darcy.defect(p);
      EXPECT_LT((apply_shares(darcy.shares(), p) - expected).abs().max().item<double>(), 1e-12) << name;
    }
  }
}

}  // namespace
}  // namespace mano
