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
// No PETSc here.

#include <vector>

#include "solver/multigrid.hpp"
#include "solver/stencil.hpp"

namespace mano {

class ConjugateGradients {
 public:
  enum class End { converged, most_iterations, indefinite_preconditioner, indefinite_matrix, not_finite };
  struct Result {
    End end = End::most_iterations;
    int iterations = 0;
  };

  /// Sets up the multigrid; memory is used again for the next stencil of the same shape. `stencil` must outlive the solves.
  void take(const Stencil& stencil, Multigrid::Precision precision);
  /// Improves `p` until the preconditioned residual is at most `tolerance` times that of p = 0, and the residual, as the recursion has
  /// it, at most `tolerance` |rhs|; both in the 2-norm. If `p` is zero, that must be said. p is fixed up to a constant where nothing
  /// holds it.
  Result solve(std::vector<double>& p, bool p_is_zero, double tolerance, int most_iterations);

 private:
  template <typename T>
  Result iterate(std::vector<double>& p, double tolerance, int most_iterations);

  const Stencil* stencil_ = nullptr;
  Multigrid multigrid_;
  std::vector<double> r_, direction_, image_;
  double rhs_norm_ = 0.0;
  double reference_ = 0.0;  // of the preconditioned residual of p = 0
  bool singular_ = false;
};

}  // namespace mano
