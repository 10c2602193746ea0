#include "apps/samples/petsc_reserve.hpp"

#include <unistd.h>

#include <memory>
#include <mutex>
#include <utility>

#include "apps/samples/verified_solve.hpp"
#include "core/error.hpp"

namespace mano {

namespace {

struct Reserve {
  std::mutex guard;
  std::unique_ptr<PetscSession> session;
  pid_t owner = 0;

  // A forked process leaves its parent's MPI alone.
  ~Reserve() {
    if (owner != getpid()) static_cast<void>(session.release());
  }
};

Reserve& reserve() {
  static Reserve instance;
  return instance;
}

}  // namespace

VerifiedSolution solve_with_petsc(const Problem& problem, double tolerance) {
  Reserve& r = reserve();
  if (r.session != nullptr && r.owner != getpid())
    throw RunFailed(
        "mano's multigrid does not solve this problem, and PETSc cannot be used here: it was started before "
        "this "
        "process was forked; start workers by 'spawn', or before the first problem that needs PETSc");
  const std::lock_guard lock(r.guard);
  if (r.session == nullptr) {
    r.session = std::make_unique<PetscSession>(std::vector<std::string>{});
    r.owner = getpid();
  }
  DarcySolver solver({.relative_tolerance = tolerance, .ranks = SolverOptions::Ranks::self});
  return verified_solve(solver, problem);
}

Field pressure_with_petsc(const Problem& problem, double tolerance) {
  VerifiedSolution solution = solve_with_petsc(problem, tolerance);
  if (!solution.rejection.empty()) throw RunFailed("pressure: " + solution.rejection);
  return std::move(solution.pressure);
}

bool petsc_is_running() {
  return reserve().session != nullptr;
}

}  // namespace mano
