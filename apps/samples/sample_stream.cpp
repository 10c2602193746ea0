#include "apps/samples/sample_stream.hpp"

#include <algorithm>

#include "batch/by_threads.hpp"
#include "core/error.hpp"

namespace mano {

namespace {

// Readers of files are not for several threads at once.
std::mutex& file_guard() {
  static std::mutex guard;
  return guard;
}

Sample drawn(const FieldSource& source, std::uint64_t number, const Grid& grid) {
  if (!source.from_file()) return source.sample(number, grid);
  const std::lock_guard lock(file_guard());
  return source.sample(number, grid);
}

// The solvers of this thread, kept for the next call: what a grid's hierarchy takes need not be allocated anew.
SampleSolver& solver_of_thread(double tolerance) {
  thread_local std::unique_ptr<SampleSolver> solver;
  thread_local double its_tolerance = 0.0;
  if (solver == nullptr || its_tolerance != tolerance) {
    solver = std::make_unique<SampleSolver>(tolerance);
    its_tolerance = tolerance;
  }
  return *solver;
}

}  // namespace

SampleStream::SampleStream(const SampleOptions& o)
    : source_(o.field),
      flow_(o.flow, source_, settle_units(o.units, source_)),
      grid_(source_.volume(o.resolution)),
      tolerance_(o.tolerance) {
  check(!flow_.has_permeability_file() && !flow_.has_source_file(),
        "a stream takes one number for the source and the anisotropy, no file");
  source_.check_location(Location::cell);
  flow_.problem({.permeability = Field(grid_, 1.0)});  // what cannot fit is refused before any work
  SampleSolver check_tolerance(tolerance_);
}

Sample SampleStream::make(std::uint64_t number, SampleSolver& solver) const {
  try {
    Sample sample = drawn(source_, number, grid_);
    VerifiedSolution solution = solver.solve(flow_.settle(sample));
    sample.pressure = std::move(solution.pressure);
    sample.iterations = solution.iterations;
    sample.residual = solution.relative_residual;
    sample.solver = solution.method;
    return sample;
  } catch (const Error& e) {
    throw Error(e.exit_status(), fmt::format("sample {} at {}: {}", number, grid_.resolution(), e.what()));
  }
}

void SampleStream::make(std::uint64_t first, int n, int threads,
                        const std::function<void(int, const Sample&)>& take) {
  while (static_cast<int>(solvers_.size()) < std::max(1, threads))
    solvers_.push_back(std::make_unique<SampleSolver>(tolerance_));
  batch::in_threads(std::max(1, threads), n,
                    [&](int i, int worker) { take(i, make(first + i, *solvers_[worker])); });
}

void in_solving_threads(int n, int threads, double tolerance,
                        const std::function<void(int, SampleSolver&)>& body) {
  batch::in_threads(std::max(1, threads), n, [&](int i, int) {
    try {
      body(i, solver_of_thread(tolerance));
    } catch (const Error& e) {
      if (n == 1) throw;
      throw Error(e.exit_status(), fmt::format("problem {}: {}", i, e.what()));
    }
  });
}

void solve_many(int n, int threads, double tolerance, const std::function<Problem(int)>& problem_of,
                const std::function<void(int, Problem&, VerifiedSolution&)>& take) {
  in_solving_threads(n, threads, tolerance, [&](int i, SampleSolver& solver) {
    Problem problem = problem_of(i);
    VerifiedSolution solution = solver.solve(problem);
    take(i, problem, solution);
  });
}

}  // namespace mano
