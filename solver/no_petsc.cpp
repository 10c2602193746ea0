// Stands in for petsc_session.cpp and krylov_system.cpp and darcy_solver.cpp where PETSc is absent, so that callers need no #if.
#include <cstdlib>

#include "core/error.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

namespace {

[[noreturn]] void missing() {
  throw MissingPart(
      "this mano was built without PETSc and cannot solve; build it where petsc-dev is installed");
}

}  // namespace

PetscSession::PetscSession(const std::vector<std::string>&) {
  missing();
}
PetscSession::~PetscSession() = default;
int PetscSession::rank() const {
  return 0;
}
int PetscSession::ranks() const {
  return 1;
}
void PetscSession::barrier() const {}
int PetscSession::maximum(int value) const {
  return value;
}
std::vector<std::string> PetscSession::unused() const {
  return {};
}
void PetscSession::abort(int status) const {
  std::exit(status);
}
struct RankGroups::Communicator {};
RankGroups::RankGroups(const PetscSession&, int) {
  missing();
}
RankGroups::~RankGroups() = default;
std::uint64_t RankGroups::broadcast(std::uint64_t value) const {
  return value;
}
std::string to_string(SolverMethod) {
  missing();
}
struct DarcySolver::Impl {};
DarcySolver::DarcySolver(const SolverOptions&) {
  missing();
}
DarcySolver::~DarcySolver() = default;
SolveResult DarcySolver::solve(const Problem&) {
  missing();
}
double solve_memory(const Grid&) {
  missing();
}
SolveResult solve_darcy(const Problem&, const SolverOptions&) {
  missing();
}

}  // namespace mano
