#include <algorithm>
#include <cstdlib>

#include "core/broken.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/petsc_handle.hpp"
#include "solver/rank_groups.hpp"

namespace mano {

namespace {

// Keeps the message of the place where an error began, in one line, and prints nothing.
PetscErrorCode keep_message(MPI_Comm, int, const char* function, const char*, PetscErrorCode code,
                            PetscErrorType type, const char* message, void*) {
  if (type == PETSC_ERROR_INITIAL) {
    std::string text = message ? message : "";
    std::replace(text.begin(), text.end(), '\n', ' ');
    last_petsc_message() = "(" + text + " in " + function + ")";
  }
  return code;
}

}  // namespace

PetscSession::PetscSession(const std::vector<std::string>& options) {
  // BLAS that does not depend on alignment: results are equal for any number of ranks.
  setenv("MKL_CBWR", "COMPATIBLE", 0);
  std::vector<std::string> arguments{"mano", "-no_signal_handler", "-options_left", "no"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  int count = static_cast<int>(arguments.size());
  char** values = pointers.data();
  PetscErrorPrintf = PetscErrorPrintfNone;  // errors travel as exceptions
  if (PetscInitialize(&count, &values, nullptr, nullptr) != 0) throw RunFailed("PETSc did not start");
  petsc(PetscPushErrorHandler(keep_message, nullptr));
}

PetscSession::~PetscSession() {
  if (!clean_up_would_crash()) PetscFinalize();
}

int PetscSession::rank() const {
  PetscMPIInt rank = 0;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  return rank;
}

int PetscSession::ranks() const {
  PetscMPIInt size = 1;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  return size;
}

void PetscSession::barrier() const {
  MPI_Barrier(PETSC_COMM_WORLD);
}

int PetscSession::maximum(int value) const {
  int result = value;
  MPI_Allreduce(&value, &result, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD);
  return result;
}

std::vector<std::string> PetscSession::unused() const {
  PetscInt count = 0;
  char** names = nullptr;
  char** values = nullptr;
  petsc(PetscOptionsLeftGet(nullptr, &count, &names, &values));
  std::vector<std::string> left;
  for (PetscInt i = 0; i < count; ++i) {
    if (names[i] != std::string("options_left"))
      left.push_back(std::string("-") + names[i]);  // ours, read at the end
  }
  petsc(PetscOptionsLeftRestore(nullptr, &count, &names, &values));
  return left;
}

void PetscSession::abort(int status) const {
  MPI_Abort(PETSC_COMM_WORLD, status);
  std::abort();
}

RankGroups::RankGroups(const PetscSession& session, int size)
    : communicator_(std::make_unique<Communicator>()) {
  check(size >= 1 && session.ranks() % size == 0, "{} ranks a sample do not divide the {} ranks of this run",
        size, session.ranks());
  number_ = session.rank() / size;
  count_ = session.ranks() / size;
  rank_ = session.rank() % size;
  MPI_Comm_split(PETSC_COMM_WORLD, number_, rank_, &communicator_->comm);
}

RankGroups::~RankGroups() = default;

std::uint64_t RankGroups::broadcast(std::uint64_t value) const {
  MPI_Bcast(&value, 1, MPI_UINT64_T, 0, communicator_->comm);
  return value;
}

}  // namespace mano
