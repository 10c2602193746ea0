#pragma once
// Solutions of several problems whose gradients may be asked for afterwards: the grid hierarchies of the solves are kept for the adjoint
// equations, which so cost less than the solves.

#include <functional>
#include <memory>
#include <vector>

#include "apps/samples/sample_solver.hpp"

namespace mano {

class SolvedBatch {
 public:
  /// Solves problems 0, ..., n - 1 by `threads` threads. Throws as solve_many().
  SolvedBatch(int n, int threads, double tolerance, const std::function<Problem(int i)>& problem_of);
  ~SolvedBatch();  // the memory of the hierarchies serves the next batch

  int size() const { return static_cast<int>(entries_.size()); }
  const Problem& problem(int i) const { return entries_.at(i).problem; }
  const VerifiedSolution& solution(int i) const { return entries_.at(i).solution; }

  /// take(i, gradient) from the slope of each problem's functional (SampleSolver::gradient), in any of the threads.
  void gradients(int threads, const std::function<FunctionalSlope(int i)>& slope_of,
                 const std::function<void(int i, const FlowGradient& gradient)>& take,
                 OwnDirections own = {});

 private:
  struct Entry {
    Problem problem;
    VerifiedSolution solution;
    std::unique_ptr<SampleSolver>
        solver;  ///< with this problem's hierarchy; none where memory would run short
  };
  double tolerance_;
  std::vector<Entry> entries_;
};

}  // namespace mano
