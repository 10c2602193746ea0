#pragma once
// The grids of the multigrid in three dimensions, in one precision. Private to solver/; solver/multigrid.hpp says what they do.
//
//   coarse grid     every second column in x, in y or in both, as strongly as they couple; layers are never left out
//   smoother        Gauss-Seidel by columns: each solved exactly, so that thin layers, which couple strongly, cost nothing
//   interpolation   x_g = l x_w + u x_e, with the column's own equations solved for neighbours that are constant along it: where layers
//                   couple strongly all take one weight, where weakly each its own
//   coarse matrix   P^T A P within layers; between layers the sum of what is taken in, without coupling across

#include <deque>

#include "solver/padded.hpp"
#include "solver/volume_kernels.hpp"

namespace mano {

struct VolumeSetupStorage {
  VolumeSetup grid;
  Padded<double> diagonal, east, north, rising, falling, up, lower, upper;

  void reserve(int nx, int ny, int nz, bool nine);
};

template <typename T>
class VolumeHierarchy {
 public:
  /// `singular`: nothing holds a constant.
  void set_up(VolumeSetupStorage& finest, std::deque<VolumeSetupStorage>& scratch, bool singular);
  void cycle();

  VolumeLevel<T>& finest() { return levels_[0].level; }
  std::size_t count() const { return count_; }

 private:
  struct Storage {
    VolumeLevel<T> level;
    Padded<T> east, north, rising, falling, up, inverse, x, b, lower_x, upper_x, lower_y, upper_y;
    Padded<T> row[3];
  };
  VolumeLevel<T>& take_operator(const VolumeSetup& grid);
  VolumeSetupStorage* coarsen(bool in_x, VolumeSetupStorage& fine, VolumeSetupStorage& coarse);

  std::deque<Storage> levels_;
  std::size_t count_ = 0;
  std::vector<double> scratch_;
};

}  // namespace mano
