// main() of the tests that need PETSc, on one rank or under mpiexec.
#include <gtest/gtest.h>

#include "solver/darcy_solver.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const mano::PetscSession session({});
  if (session.rank() != 0) {
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
  }
  return session.maximum(RUN_ALL_TESTS());
}
