#pragma once
// Freshly drawn, solved and verified samples without end: sample i of a seed is the same whoever makes it, and in which order.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "apps/options/flow_options.hpp"
#include "apps/options/unit_options.hpp"
#include "apps/samples/sample_solver.hpp"

namespace mano {

/// A permeability and what drives flow through it, as the options of the program say it.
struct SampleOptions {
  FieldOptions field;
  FlowOptions flow;
  UnitOptions units;
  std::string resolution;  ///< "WxH" or "WxHxD"
  double tolerance = 1e-10;
};

class SampleStream {
 public:
  /// Throws InvalidInput for options that fit no sample.
  explicit SampleStream(const SampleOptions& options);

  const FieldSource& source() const { return source_; }
  const FlowSource& flow() const { return flow_; }
  const Grid& grid() const { return grid_; }
  /// Some samples may have inactive cells.
  bool has_inactive() const { return source_.has_inactive(); }

  /// One sample by a solver of the caller's thread. Throws as SampleSolver::solve(), naming the sample.
  Sample make(std::uint64_t number, SampleSolver& solver) const;

  /// Samples first, ..., first + n - 1 by `threads` threads; take(i, sample) is called in any of them, once for each i in [0, n).
  void make(std::uint64_t first, int n, int threads,
            const std::function<void(int i, const Sample& sample)>& take);

 private:
  FieldSource source_;
  FlowSource flow_;
  Grid grid_;
  double tolerance_;
  std::vector<std::unique_ptr<SampleSolver>> solvers_;  // of each thread
};

/// Solves given problems [0, n) by `threads` threads: problem_of(i) and take(i, problem, solution) are called in any of them. Throws what
/// they throw, and as SampleSolver::solve(), naming the problem's number where there are several.
void solve_many(int n, int threads, double tolerance, const std::function<Problem(int i)>& problem_of,
                const std::function<void(int i, Problem& problem, VerifiedSolution& solution)>& take);

/// body(i, solver) for i in [0, n), with a solver of the thread that runs it. Throws what it throws, naming i where n is above 1.
void in_solving_threads(int n, int threads, double tolerance,
                        const std::function<void(int i, SampleSolver& solver)>& body);

}  // namespace mano
