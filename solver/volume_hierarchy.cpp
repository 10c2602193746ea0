#include "solver/volume_hierarchy.hpp"

namespace mano {

void VolumeSetupStorage::reserve(int nx, int ny, int nz, bool nine) {
  const std::ptrdiff_t stride = nx + 2;
  const std::ptrdiff_t rows = static_cast<std::ptrdiff_t>(ny) * nz;
  const auto array = [&](Padded<double>& padded) { return padded.reserve(stride, rows, nz); };
  grid = {nx, ny, nz, stride, {}, array(up)};
  grid.a = {array(diagonal), array(east), array(north), nine ? array(rising) : nullptr,
            nine ? array(falling) : nullptr};
}

template <typename T>
void VolumeHierarchy<T>::set_up(VolumeSetupStorage& finest, std::deque<VolumeSetupStorage>& scratch,
                                bool singular) {
  count_ = 0;
  std::size_t used = 0;
  VolumeSetupStorage* current = &finest;
  while (true) {
    const VolumeSetup& grid = current->grid;
    if (grid.nx == 1 && grid.ny == 1 && singular) {
      for (std::ptrdiff_t k = 0; k < grid.nz; ++k) grid.a.diagonal[k * grid.stride] = 0.0;
    }
    const VolumeLevel<T>& level = take_operator(grid);
    if (level.nx == 1 && level.ny == 1) return;
    const auto [x, y] = volume_kernels().coupling(grid);
    const bool in_x = level.nx > 1 && (level.ny == 1 || !(x < kWeakCoupling * y));
    const bool in_y = level.ny > 1 && (level.nx == 1 || !(y < kWeakCoupling * x) || !in_x);
    const auto next = [&](int nx, int ny) -> VolumeSetupStorage& {
      if (used == scratch.size()) scratch.emplace_back();
      VolumeSetupStorage& storage = scratch[used++];
      storage.reserve(nx, ny, grid.nz, true);
      return storage;
    };
    if (in_x) current = coarsen(true, *current, next((current->grid.nx + 1) / 2, current->grid.ny));
    if (in_y) current = coarsen(false, *current, next(current->grid.nx, (current->grid.ny + 1) / 2));
  }
}

template <typename T>
void VolumeHierarchy<T>::cycle() {
  const VolumeCycleKernels<T>& kernel = volume_kernels().cycle(T());
  for (std::size_t l = 0; l + 1 < count_; ++l)
    kernel.smooth_and_restrict(levels_[l].level, levels_[l + 1].level);
  kernel.solve_column(levels_[count_ - 1].level);
  for (std::size_t l = count_ - 1; l-- > 0;)
    kernel.interpolate_and_smooth(levels_[l].level, levels_[l + 1].level);
}

template <typename T>
VolumeLevel<T>& VolumeHierarchy<T>::take_operator(const VolumeSetup& grid) {
  if (count_ == levels_.size()) levels_.emplace_back();
  Storage& s = levels_[count_++];
  VolumeLevel<T>& l = s.level;
  l = {};
  l.nx = grid.nx;
  l.ny = grid.ny;
  l.nz = grid.nz;
  l.half = (l.nx + 1) / 2 + 2;
  l.stride = 2 * l.half;
  const std::ptrdiff_t rows = static_cast<std::ptrdiff_t>(l.ny) * l.nz;
  const auto array = [&](Padded<T>& padded) { return padded.reserve(l.stride, rows, l.nz); };
  const bool nine = grid.a.rising != nullptr;
  l.east = array(s.east);
  l.north = array(s.north);
  l.rising = nine ? array(s.rising) : nullptr;
  l.falling = nine ? array(s.falling) : nullptr;
  l.up = array(s.up);
  l.inverse = array(s.inverse);
  l.x = array(s.x);
  l.b = array(s.b);
  for (int r = 0; r < 3; ++r) l.row[r] = s.row[r].reserve(l.stride, 1);
  volume_kernels().cycle(T()).take_operator(grid, l);
  return l;
}

template <typename T>
VolumeSetupStorage* VolumeHierarchy<T>::coarsen(bool in_x, VolumeSetupStorage& fine,
                                                VolumeSetupStorage& coarse) {
  const VolumeSetup& grid = coarse.grid;
  const std::ptrdiff_t rows = static_cast<std::ptrdiff_t>(grid.ny) * grid.nz;
  double* lower = coarse.lower.reserve(grid.stride, rows, grid.nz);
  double* upper = coarse.upper.reserve(grid.stride, rows, grid.nz);
  scratch_.resize(static_cast<std::size_t>(grid.nz + 2) * grid.nx);
  (in_x ? volume_kernels().coarsen_x : volume_kernels().coarsen_y)(fine.grid, grid, lower, upper,
                                                                   scratch_.data());
  Storage& s = levels_[count_ - 1];
  Interpolation<T>& p = in_x ? s.level.in_x : s.level.in_y;
  const std::ptrdiff_t half = in_x ? 0 : (grid.nx + 1) / 2 + 2;  // of the next level
  p.stride = in_x ? grid.nx + 2 : 2 * half;
  p.lower = (in_x ? s.lower_x : s.lower_y).reserve(p.stride, rows, grid.nz);
  p.upper = (in_x ? s.upper_x : s.upper_y).reserve(p.stride, rows, grid.nz);
  const auto take = volume_kernels().cycle(T()).take_weights;
  take(grid.nx, rows, grid.stride, lower, p.stride, p.lower, half);
  take(grid.nx, rows, grid.stride, upper, p.stride, p.upper, half);
  return &coarse;
}

template class VolumeHierarchy<float>;
template class VolumeHierarchy<double>;

}  // namespace mano
