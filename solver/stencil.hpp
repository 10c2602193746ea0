#pragma once
// The two-point flux discretisation (cell-centred finite differences), in plain loops. No PETSc here: it assembles
// the matrix for PETSc, and it checks what PETSc returns.
//
// Integrated over a cell, with T a transmissibility and F = T (p_left - p_right) the flow through a face:
//
//   sum over faces of T (p_c - p_neighbour) + index p_c = f hx hy hz + sum over pressure faces of T p_boundary
//                                                       - sum over flux faces of (u.n) area
//                                                       + rate of a well, or index * its pressure
//
//   interior face between cells a, b   T = 2 k_a k_b / (k_a + k_b) * area / distance      (harmonic mean)
//   pressure face                      T = k * area / (distance / 2)                      (half-cell distance)
//   flux face                          T = 0
//   face of an inactive cell           T = 0, and no source there: its row is empty, and a solution is 0 there
//   well of given pressure             index of Peaceman (solver/problem.hpp), 0 in all other cells
//   bore                               a well of given rate, open in several layers: its unknown pressure, eliminated, joins its cells,
//                                      rate of a layer = index (P - p_c) with P = (rate + sum of index p) / (sum of index)
//
// with k along the axis that a face lies across.
//
// Second order for smooth k; locally mass conservative. K. Aziz and A. Settari, Petroleum Reservoir Simulation (1979),
// chapter 3; exact for k that is constant a cell in one dimension.

#include <vector>

#include "solver/problem.hpp"

namespace mano {

/// What a bore adds to the matrix: diag(index) - index index^T / (sum of index), on its cells.
struct Bore {
  std::vector<std::size_t> cells;
  std::vector<double> index;  ///< Peaceman's, of each
  double total = 0.0;         ///< sum of index

  /// The mean of v over the cells, weighted by index.
  double mean(const double* v) const;
};

/// Face transmissibilities and right-hand side of `problem`.
struct Stencil {
  Grid grid;
  std::vector<double>
      tx;  ///< [nz, ny, nx + 1]: tx[(k * ny + j) * (nx + 1) + i] is the face left of cell (i, j, k)
  std::vector<double>
      ty;  ///< [nz, ny + 1, nx]: ty[(k * (ny + 1) + j) * nx + i] is the face in front of cell (i, j, k)
  std::vector<double>
      tz;  ///< [nz + 1, ny, nx]: tz[(k * ny + j) * nx + i] is the face on top of it; empty in a flat grid
  std::vector<double> well;  ///< [nz, ny, nx], index of wells of given pressure; empty where there is none
  std::vector<double> rhs;   ///< [nz, ny, nx], flow into each cell
  CellMask active;
  std::vector<Bore> bores;

  explicit Stencil(const Problem& problem);
  /// Of the `count` rows j from `begin` on alone, with the transmissibilities of the faces to the rows beside them. Of a bore in other
  /// rows nothing is left.
  Stencil rows(int begin, int count) const;
  /// Sum of what joins cells to prescribed pressures, of boundaries and wells: flow out of the domain for p = 1.
  double held() const;

  // T of the faces of cell (i, j, k)
  double left(int i, int j, int k = 0) const {
    return tx[(static_cast<std::size_t>(k) * grid.ny + j) * (grid.nx + 1) + i];
  }
  double right(int i, int j, int k = 0) const { return left(i + 1, j, k); }
  double front(int i, int j, int k = 0) const {
    return ty[(static_cast<std::size_t>(k) * (grid.ny + 1) + j) * grid.nx + i];
  }
  double back(int i, int j, int k = 0) const { return front(i, j + 1, k); }
  double top(int i, int j, int k = 0) const { return tz.empty() ? 0.0 : tz[grid.index(i, j, k)]; }
  double bottom(int i, int j, int k = 0) const { return top(i, j, k + 1); }
  /// Of the matrix without bores.
  double diagonal(int i, int j, int k = 0) const {
    double sum = left(i, j, k) + right(i, j, k) + front(i, j, k) + back(i, j, k);
    if (!tz.empty()) sum += top(i, j, k) + bottom(i, j, k);
    return well.empty() ? sum : sum + well[grid.index(i, j, k)];
  }

 private:
  explicit Stencil(const Grid& g) : grid(g) {}
  void close();  // the faces of inactive cells
  void add_side(const Problem& problem, Side side);
  void add_well(const Problem& problem, const Well& well);
};

/// 2-norm.
double norm(const std::vector<double>& v);

/// r = rhs - A p, the mass-balance defect of each cell.
Field residual(const Stencil& stencil, const Field& pressure);

/// |r| / |rhs| in the 2-norm; 0 where both vanish.
double relative_residual(const Stencil& stencil, const Field& pressure);

/// What rounding alone leaves of the relative residual of a pressure in double precision:
/// 64 eps | |A||p| + |rhs| | / |rhs|, at most 1e-2. Large where a well or boundary drives flow through rock that is far less
/// permeable than the rest: there p is large and a cell's flow the small difference of large ones.
double attainable_relative_residual(const Stencil& stencil, const Field& pressure);

/// Why `pressure` breaks the maximum principle of `problem` or is not finite; empty where it does not.
///   no source, no flux    pressures of boundaries and wells bound p
///   inflow only           p is at least the lowest boundary pressure; all-pressure boundary of a flat grid: at most the highest plus
///                         |domain| max f / (2 pi min k)  (Talenti, Ann. Sc. Norm. Pisa 3 (1976), doubled: coarse grids)
///   no pressure side      extremes lie in cells with a source or beside a flux
std::string maximum_principle_violation(const Problem& problem, const Field& pressure);

}  // namespace mano
