#pragma once
// The processes that train one model together, data parallel, over c10d: Gloo for tensors on the CPU, NCCL for those on a GPU where
// the program was built with it, else Gloo through the host. Private to surrogate/.
//
// Started by torchrun (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT) or Open MPI's mpirun (OMPI_COMM_WORLD_RANK and _SIZE; the
// meeting point is MASTER_ADDR:MASTER_PORT, by default 127.0.0.1:29400). Without any of these there is one process.

#include <torch/types.h>

#include <memory>

namespace mano {

class ProcessGroup {
 public:
  /// Meets the other processes. Throws InvalidInput for variables that make no sense, RunFailed where they cannot be met in a
  /// minute.
  ProcessGroup();
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool first() const { return rank_ == 0; }

  /// Adds up a tensor over all processes, in place; everybody gets the same bits. On the CPU it throws RunFailed where a process
  /// was lost; NCCL's own watchdog ends the process then.
  void add_up(torch::Tensor& tensor);

 private:
  struct Backend;
  int rank_ = 0;
  int size_ = 1;
  std::unique_ptr<Backend> backend_;
};

}  // namespace mano
