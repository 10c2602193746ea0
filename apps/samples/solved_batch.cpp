#include "apps/samples/solved_batch.hpp"

#include <mutex>

#include "apps/samples/sample_stream.hpp"

namespace mano {

namespace {

// A hierarchy takes a quarter of a kilobyte a cell: a quarter of a gigabyte in all.
constexpr std::size_t kMostCellsKept = 1 << 20;

// Solvers whose batch is gone.
struct Spare {
  std::mutex guard;
  std::vector<std::unique_ptr<SampleSolver>> solvers;
  std::size_t cells = 0;  // of each: all are of batches on one grid
  double tolerance = 0.0;
};

Spare& spare() {
  static Spare instance;
  return instance;
}

std::unique_ptr<SampleSolver> a_solver(std::size_t cells, double tolerance) {
  Spare& s = spare();
  {
    const std::lock_guard lock(s.guard);
    if (s.cells == cells && s.tolerance == tolerance && !s.solvers.empty()) {
      auto solver = std::move(s.solvers.back());
      s.solvers.pop_back();
      return solver;
    }
  }
  return std::make_unique<SampleSolver>(tolerance);
}

void give_back(std::unique_ptr<SampleSolver> solver, std::size_t cells, double tolerance) {
  Spare& s = spare();
  const std::lock_guard lock(s.guard);
  if (s.cells != cells || s.tolerance != tolerance) s.solvers.clear();
  s.cells = cells;
  s.tolerance = tolerance;
  if ((s.solvers.size() + 1) * cells <= kMostCellsKept) s.solvers.push_back(std::move(solver));
}

}  // namespace

SolvedBatch::SolvedBatch(int n, int threads, double tolerance, const std::function<Problem(int)>& problem_of)
    : tolerance_(tolerance), entries_(n) {
  in_solving_threads(n, threads, tolerance, [&](int i, SampleSolver& solver_of_thread) {
    Entry& e = entries_[i];
    e.problem = problem_of(i);
    const std::size_t cells = e.problem.grid().cells();
    if ((i + 1) * cells <= kMostCellsKept) e.solver = a_solver(cells, tolerance_);
    e.solution = (e.solver ? *e.solver : solver_of_thread).solve(e.problem);
  });
}

SolvedBatch::~SolvedBatch() {
  for (Entry& e : entries_)
    if (e.solver) give_back(std::move(e.solver), e.problem.grid().cells(), tolerance_);
}

void SolvedBatch::gradients(int threads, const std::function<FunctionalSlope(int)>& slope_of,
                            const std::function<void(int, const FlowGradient&)>& take, OwnDirections own) {
  in_solving_threads(size(), threads, tolerance_, [&](int i, SampleSolver& solver_of_thread) {
    Entry& e = entries_[i];
    if (!e.solver) solver_of_thread.set_up(e.problem);
    take(
        i,
        (e.solver ? *e.solver : solver_of_thread).gradient(e.problem, e.solution.pressure, slope_of(i), own));
  });
}

}  // namespace mano
