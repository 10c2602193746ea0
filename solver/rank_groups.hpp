#pragma once
// The communicator of RankGroups. Private to solver/.

#include <mpi.h>

#include "solver/darcy_solver.hpp"

namespace mano {

struct RankGroups::Communicator {
  MPI_Comm comm = MPI_COMM_NULL;
  ~Communicator() {
    if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
  }
};

}  // namespace mano
