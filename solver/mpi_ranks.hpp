#pragma once
// The ranks of a communicator that share a grid, by MPI. Private to solver/.

#include <mpi.h>

#include "solver/row_share.hpp"

namespace mano {

class MpiRanks : public SharingRanks {
 public:
  /// The first `size` ranks of `all`; the others take no part. Collective over `all`.
  MpiRanks(MPI_Comm all, int size);
  ~MpiRanks() override;
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  bool takes_part() const { return comm_ != MPI_COMM_NULL; }
  int size() const override { return size_; }
  int rank() const override { return rank_; }
  void sum(std::span<double> values) const override;
  double most(double value) const override;
  void exchange(void* own, std::size_t row_bytes, int rows, int halo) const override;
  void gather(void* array, std::size_t row_bytes, const std::vector<int>& begins) const override;
  /// What the first rank knows, for all of `all`, where some take no part.
  void tell(MPI_Comm all, void* small, std::size_t bytes, std::vector<double>& values) const;

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
  int size_;
  int rank_ = 0;
};

}  // namespace mano
