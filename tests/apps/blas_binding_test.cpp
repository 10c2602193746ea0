// In a program with Torch and PETSc, BLAS calls must bind to the MKL inside LibTorch: Debian's reference BLAS is many
// times slower. The order of the libraries on the link line decides it.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>

#include "apps/options/command_line.hpp"

namespace {

TEST(BlasBinding, SgemmAndDgemmComeFromLibTorch) {
  CLI::App train, solve;
  mano::add_train(train);  // links the program's components in, in the program's order
  mano::add_solve(solve);
  for (const char* name : {"sgemm_", "dgemm_", "ddot_"}) {
    void* symbol = dlsym(RTLD_DEFAULT, name);
    ASSERT_NE(symbol, nullptr) << name;
    Dl_info info{};
    ASSERT_NE(dladdr(symbol, &info), 0) << name;
    EXPECT_NE(std::string(info.dli_fname).find("libtorch"), std::string::npos)
        << name << " is in " << info.dli_fname;
  }
}

}  // namespace
