#pragma once
// BLAS on one thread for as long as the object lives. Private to solver/.
//
// PETSc calls a BLAS; beside Torch that is Torch's MKL, whose threads would spin through every dot product of a solve and fight
// with the other ranks. OMP_NUM_THREADS comes too late, it is read when a program is loaded, and Torch wants its threads.

namespace mano {

class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int mkl_ = 0;
  int openmp_ = 0;
};

}  // namespace mano
