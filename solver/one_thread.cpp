#include "solver/one_thread.hpp"

#include <dlfcn.h>

namespace mano {

namespace {

// Looked up in whatever the program has loaded: mano links neither MKL nor OpenMP by itself.
template <typename Function>
Function* loaded(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

OneThread::OneThread() {
  if (auto* set = loaded<int(int)>("MKL_Set_Num_Threads_Local")) mkl_ = set(1);
  auto* get = loaded<int()>("omp_get_max_threads");
  auto* set = loaded<void(int)>("omp_set_num_threads");
  if (get != nullptr && set != nullptr) {
    openmp_ = get();
    set(1);
  }
}

OneThread::~OneThread() {
  if (auto* set = loaded<int(int)>("MKL_Set_Num_Threads_Local")) set(mkl_);
  if (openmp_ > 0) {
    if (auto* set = loaded<void(int)>("omp_set_num_threads")) set(openmp_);
  }
}

}  // namespace mano
