#pragma once
// What multigrid cycles say of an approximate pressure p, and how they correct it. No PETSc: the cycles are those of
// solver/multigrid.hpp.
//
//   r = rhs - A p,   A e = r          p + e is the discrete solution, e what p lacks of it
//
// e is taken from `cycles` steps of conjugate gradients from 0, each with one V-cycle B: the point of the Krylov space of B A and B r
// that is nearest to the solution in the energy norm |v|^2 = v.A v (M. R. Hestenes and E. Stiefel, J. Res. NBS 49 (1952)). In that
// norm the correction is never larger than the error, and what it leaves is orthogonal to it: |e|^2 = |e - e_N|^2 + |e_N|^2.

#include <vector>

#include "solver/multigrid.hpp"
#include "solver/problem.hpp"
#include "solver/stencil.hpp"

namespace mano {

class Corrector {
 public:
  /// Sets up the hierarchy. Throws InvalidInput as check_problem() does.
  explicit Corrector(const Problem& problem);
  /// The same for another problem; on a grid of the same size the memory is used again.
  void take(const Problem& problem);

  const Stencil& stencil() const { return stencil_; }

  /// What `cycles` cycles find that `pressure` lacks, [ny, nx]. Fewer cycles where nothing is left to find.
  Field correction(const Field& pressure, int cycles);

  struct Corrected {
    Field pressure;
    int cycles = 0;
    double relative_residual = 0.0;  ///< |rhs - A p| / |rhs|
  };
  /// Cycles from `pressure` until |rhs - A p| <= tolerance |rhs|, or what rounding allows. Throws RunFailed where 100 do not
  /// suffice. Where nothing drives the flow the solution is constant, and found without a cycle.
  Corrected solve_from(const Field& pressure, double tolerance);

  /// x of A x = rhs, to |rhs - A x| <= tolerance |rhs| or what rounding allows: the adjoint equation, since A is symmetric. What `rhs` holds in
  /// inactive cells counts for nothing; where the pressure is free its mean does not either, and x has mean zero. Throws RunFailed as
  /// solve_from() does.
  Field solve_for(Field rhs, double tolerance);

 private:
  // Conjugate gradients on A e = r until `stop(cycles, |r|)`; returns the cycles. Where the pressure is free, e has mean zero.
  template <typename Stop>
  int iterate(std::vector<double>& r, std::vector<double>& e, const Stop& stop);
  void precondition(const std::vector<double>& r, std::vector<double>& z);

  Stencil stencil_;
  bool free_ = false;
  Multigrid multigrid_;
};

}  // namespace mano
