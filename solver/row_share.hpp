#pragma once
// One grid on several ranks, cut into slabs of rows j. Private to solver/.
//
// A rank owns some rows and holds `halo` more on either side, as many as a pass of a cycle looks at: the loops of one grid then run over what
// is held, unaware of other ranks, and come out right in the rows that are owned; those of the halo are taken from their owners
// before the next pass. Points keep their colours, since all slabs begin at an even row. A level whose rows are too few or begin at odd ones is
// held whole by every rank, and so are all that are coarser.

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace mano {

/// Which rows of a grid a rank holds.
struct RowShare {
  std::vector<int> begins;  ///< rank r owns rows begins[r] to begins[r + 1]; empty where every rank holds all
  int rank = 0;
  int halo = 0;

  /// `ny` rows among `ranks` ranks, as even as they can be for slabs that stay even for some coarser grids.
  static RowShare of(int ny, int ranks, int rank, int halo) {
    int step = 16;
    while (step > 2 && step * ranks * 2 > ny) step /= 2;
    RowShare share{{}, rank, halo};
    for (int r = 0; r < ranks; ++r)
      share.begins.push_back(static_cast<int>(static_cast<long>(ny) * r / (static_cast<long>(ranks) * step)) *
                             step);
    share.begins.push_back(ny);
    return share;
  }
  /// Ranks that `ny` rows are enough for.
  static int most_ranks(int ny, int halo) { return std::max(1, ny / (4 * halo)); }

  bool shared() const { return !begins.empty(); }
  int own_begin() const { return begins[rank]; }
  int own_rows() const { return begins[rank + 1] - begins[rank]; }
  int first() const { return std::max(0, own_begin() - halo); }  ///< that is held
  int rows() const { return std::min(begins.back(), begins[rank + 1] + halo) - first(); }
  int before() const { return own_begin() - first(); }  ///< rows of the halo

  /// Of the grid with every second row.
  RowShare halved() const {
    RowShare half = *this;
    for (int& begin : half.begins) begin = (begin + 1) / 2;
    return half;
  }
  /// Slabs begin at even rows and are large enough to be worth it.
  bool holds() const {
    for (std::size_t r = 0; r + 1 < begins.size(); ++r) {
      if (begins[r] % 2 != 0 || begins[r + 1] - begins[r] < 2 * halo) return false;
    }
    return shared();
  }
};

/// What the ranks of a grid tell each other. All of them call each function, in the same order.
class SharingRanks {
 public:
  virtual ~SharingRanks() = default;
  virtual int size() const = 0;
  virtual int rank() const = 0;
  virtual void sum(std::span<double> values) const = 0;
  virtual double most(double value) const = 0;
  /// Fills `halo` rows before and behind this rank's `rows` rows, the first of which is at `own`, from the ranks next to it.
  virtual void exchange(void* own, std::size_t row_bytes, int rows, int halo) const = 0;
  /// Fills an array from the rows that each rank owns.
  virtual void gather(void* array, std::size_t row_bytes, const std::vector<int>& begins) const = 0;
};

}  // namespace mano
