#pragma once
// A p = b for the matrix of solver/stencil.hpp, flat or in three dimensions, bores included, on one core: conjugate gradients in double
// precision, preconditioned by one cycle of solver/multigrid.hpp (M. R. Hestenes and E. Stiefel, J. Res. Nat. Bur. Stand. 49 (1952);
// Y. Saad, Iterative Methods for Sparse Linear Systems, algorithm 9.1). An iteration is a cycle and three passes
// over memory:
//
//   z = B r                        the cycle; r reaches it, and z leaves it, in its own layout and precision
//   rz = r . z, |z|                as the cycle saw r
//   x += a p; p = z + (rz / rz') p; q = A p; p . q
//   a = rz / p . q; r -= a q; |r|
//
// Several ranks may share the grid in slabs of rows (solver/row_share.hpp), each with the stencil of its rows; products are summed over all.
//
// No PETSc here.

#include <memory>
#include <vector>

#include "solver/multigrid.hpp"
#include "solver/row_share.hpp"
#include "solver/stencil.hpp"

namespace mano {

class ConjugateGradients {
 public:
  enum class End { converged, most_iterations, indefinite_preconditioner, indefinite_matrix, not_finite };
  struct Result {
    End end = End::most_iterations;
    int iterations = 0;
  };

  /// Sets up the multigrid; memory is used again for the next stencil of the same shape. `stencil` must outlive the solves, and so must
  /// `ranks`, where several share the grid: then this and the solves are collective, and each rank passes the whole stencil.
  void take(const Stencil& stencil, Multigrid::Precision precision, const SharingRanks* ranks = nullptr);
  /// Improves `p` until the preconditioned residual is at most `tolerance` times that of p = 0, and the residual, as the recursion has
  /// it, at most `tolerance` |rhs|; both in the 2-norm. If `p` is zero, that must be said. p is fixed up to a constant where nothing
  /// holds it.
  Result solve(std::vector<double>& p, bool p_is_zero, double tolerance, int most_iterations);

 private:
  template <typename T>
  Result iterate(std::vector<double>& p, double tolerance, int most_iterations);
  void sum(std::span<double> values) const;
  double sum(double value) const;
  std::vector<double> held_rows(const std::vector<double>& field) const;
  void gather(const std::vector<double>& rows, std::vector<double>& field) const;

  const Stencil* whole_ = nullptr;
  const Stencil* stencil_ = nullptr;  // of the rows that this rank holds
  std::unique_ptr<Stencil> rows_;     // where that is not the whole
  RowShare share_;
  const SharingRanks* ranks_ = nullptr;
  Multigrid multigrid_;
  std::vector<double> r_, direction_, image_;
  double rhs_norm_ = 0.0;
  double reference_ = 0.0;  // of the preconditioned residual of p = 0
  bool singular_ = false;
};

}  // namespace mano
