#pragma once
// The two-point flux discretisation (cell-centred finite differences), in plain loops. No PETSc here: it assembles
// the matrix for PETSc, and it checks what PETSc returns.
//
// Integrated over cell (i, j), with T a transmissibility and F = T (p_left - p_right) the flow through a face:
//
//   sum over faces of T (p_c - p_neighbour) + index p_c = f hx hy + sum over pressure faces of T p_boundary
//                                                       - sum over flux faces of (u.n) length
//                                                       + rate of a well, or index * its pressure
//
//   interior face between cells a, b   T = 2 k_a k_b / (k_a + k_b) * length / distance      (harmonic mean)
//   pressure face                      T = k * length / (distance / 2)                      (half-cell distance)
//   flux face                          T = 0
//   face of an inactive cell           T = 0, and no source there: its row is empty, and a solution is 0 there
//   well of given pressure             index of Peaceman (solver/problem.hpp), 0 in all other cells
//
// with k along x for faces left and right of a cell and along y for those below and above.
//
// Second order for smooth k; locally mass conservative. K. Aziz and A. Settari, Petroleum Reservoir Simulation (1979),
// chapter 3; exact for k that is constant a cell in one dimension.

#include <vector>

#include "solver/problem.hpp"

namespace mano {

/// Face transmissibilities and right-hand side of `problem`.
struct Stencil {
  Grid grid;
  std::vector<double> tx;    ///< [ny, nx + 1]: tx[j * (nx + 1) + i] is the face left of cell (i, j)
  std::vector<double> ty;    ///< [ny + 1, nx]: ty[j * nx + i] is the face below cell (i, j)
  std::vector<double> well;  ///< [ny, nx], index of wells of given pressure; empty where there is none
  std::vector<double> rhs;   ///< [ny, nx], flow into each cell
  CellMask active;

  explicit Stencil(const Problem& problem);
  /// Sum of what joins cells to prescribed pressures, of boundaries and wells: flow out of the domain for p = 1.
  double held() const;

  double left(int i, int j) const { return tx[static_cast<std::size_t>(j) * (grid.nx + 1) + i]; }
  double right(int i, int j) const { return left(i + 1, j); }
  double below(int i, int j) const { return ty[static_cast<std::size_t>(j) * grid.nx + i]; }
  double above(int i, int j) const { return below(i, j + 1); }
  double diagonal(int i, int j) const {
    const double faces = left(i, j) + right(i, j) + below(i, j) + above(i, j);
    return well.empty() ? faces : faces + well[grid.index(i, j)];
  }

 private:
  void close();  // the faces of inactive cells
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
///   inflow only           p is at least the lowest boundary pressure; all-pressure boundary: at most the highest plus
///                         |domain| max f / (2 pi min k)  (Talenti, Ann. Sc. Norm. Pisa 3 (1976), doubled: coarse grids)
///   no pressure side      extremes lie in cells with a source or beside a flux
std::string maximum_principle_violation(const Problem& problem, const Field& pressure);

}  // namespace mano
