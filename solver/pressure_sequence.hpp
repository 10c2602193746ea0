#pragma once
// Pressures of problems that differ in their coefficient alone, one after another: m k in place of k, with a factor m a cell that
// changes from one to the next, as total mobility does in a displacement.
//
// Conjugate gradients preconditioned by one V-cycle (solver/multigrid.hpp), from the pressure before. The hierarchy is kept from one
// problem to the next as long as it serves: a preconditioner need not know the latest coefficient.

#include <memory>
#include <vector>

#include "solver/problem.hpp"
#include "solver/stencil.hpp"

namespace mano {

class PressureSequence {
 public:
  /// Throws InvalidInput as check_problem() does.
  explicit PressureSequence(const Problem& problem);
  ~PressureSequence();
  PressureSequence(PressureSequence&&) noexcept;

  struct Solved {
    int cycles = 0;
    double relative_residual = 0.0;  ///< |rhs - A p| / |rhs|, recomputed from p
    double defect = 0.0;             ///< sum of |rhs - A p| over cells, recomputed from p
  };
  /// Improves `pressure` until |rhs - A p| <= tolerance |rhs|, or what rounding allows; with `factor` [cells] above zero in active cells.
  /// Throws RunFailed where the multigrid does not get there, in single or in double precision.
  Solved solve(const std::vector<double>& factor, Field& pressure, double tolerance);

  const Stencil& stencil() const;  ///< of the last one
  const Problem& problem() const;
  int set_ups() const;  ///< of the hierarchy, so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
