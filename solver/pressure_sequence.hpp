#pragma once
// Pressures of problems that differ in their coefficient alone, one after another: m k in place of k, with a factor m a cell that
// changes from one to the next, as total mobility does in a displacement.
//
// Conjugate gradients preconditioned by one V-cycle (solver/multigrid.hpp), from the pressure before, in memory that serves them all. The
// hierarchy is set up for each: that takes one and a half cycles, and an older one costs more.

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
    double relative_residual = 0.0;  ///< |rhs - A p| / |rhs - A level|, recomputed from p
  };
  /// Improves `pressure` until |rhs - A p| <= tolerance |rhs - A level|, or what rounding allows; with `factor` [cells] above zero in active cells.
  /// Throws RunFailed where the multigrid does not get there, in single or in double precision.
  Solved solve(const std::vector<double>& factor, Field& pressure, double tolerance);

  /// The least pressure that is prescribed, in all active cells; 0 where none is. Errors are measured from it, so that flow does not depend on
  /// a pressure that is added to all.
  Field level() const;

  const Stencil& stencil() const;  ///< of the last one
  const Problem& problem() const;
  int set_ups() const;  ///< of the hierarchy, so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
