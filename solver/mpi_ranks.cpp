#include "solver/mpi_ranks.hpp"

#include <algorithm>
#include <array>

namespace mano {

namespace {

// A row of bytes as one element: a whole grid has more bytes than MPI counts.
class RowType {
 public:
  explicit RowType(std::size_t bytes) {
    MPI_Type_contiguous(static_cast<int>(bytes), MPI_BYTE, &type_);
    MPI_Type_commit(&type_);
  }
  ~RowType() { MPI_Type_free(&type_); }
  RowType(const RowType&) = delete;
  RowType& operator=(const RowType&) = delete;
  operator MPI_Datatype() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

}  // namespace

MpiRanks::MpiRanks(MPI_Comm all, int size) : size_(size) {
  MPI_Comm_rank(all, &rank_);
  MPI_Comm_split(all, rank_ < size ? 0 : MPI_UNDEFINED, rank_, &comm_);
}

MpiRanks::~MpiRanks() {
  if (comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

void MpiRanks::sum(std::span<double> values) const {
  MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE, MPI_SUM, comm_);
}

double MpiRanks::most(double value) const {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, comm_);
  return value;
}

void MpiRanks::exchange(void* own, std::size_t row_bytes, int rows, int halo) const {
  auto* begin = static_cast<char*>(own);
  auto* end = begin + row_bytes * rows;
  const std::size_t bytes = row_bytes * halo;
  const auto count = static_cast<int>(bytes);
  std::array<MPI_Request, 4> requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  constexpr int kUp = 1, kDown = 2;  // which way a message goes
  if (rank_ > 0) {
    MPI_Irecv(begin - bytes, count, MPI_BYTE, rank_ - 1, kUp, comm_, &requests[0]);
    MPI_Isend(begin, count, MPI_BYTE, rank_ - 1, kDown, comm_, &requests[1]);
  }
  if (rank_ + 1 < size_) {
    MPI_Irecv(end, count, MPI_BYTE, rank_ + 1, kDown, comm_, &requests[2]);
    MPI_Isend(end - bytes, count, MPI_BYTE, rank_ + 1, kUp, comm_, &requests[3]);
  }
  MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
}

void MpiRanks::gather(void* array, std::size_t row_bytes, const std::vector<int>& begins) const {
  const RowType type(row_bytes);
  std::vector<int> counts(size_);
  for (int r = 0; r < size_; ++r) counts[r] = begins[r + 1] - begins[r];
  MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, array, counts.data(), begins.data(), type, comm_);
}

void MpiRanks::tell(MPI_Comm all, void* small, std::size_t bytes, std::vector<double>& values) const {
  int size = 0;
  MPI_Comm_size(all, &size);
  if (size == size_) return;
  MPI_Bcast(small, static_cast<int>(bytes), MPI_BYTE, 0, all);
  constexpr std::size_t kMost = std::size_t{1} << 30;
  for (std::size_t begin = 0; begin < values.size(); begin += kMost)
    MPI_Bcast(values.data() + begin, static_cast<int>(std::min(kMost, values.size() - begin)), MPI_DOUBLE, 0,
              all);
}

}  // namespace mano
