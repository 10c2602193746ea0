#include "solver/volume_multigrid.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "core/instructions.hpp"
#include "solver/krylov_kernels.hpp"
#include "solver/volume_kernels.hpp"

namespace mano {

namespace baseline {
extern const VolumeKernels volume_table;
}
#ifdef __x86_64__
namespace avx2 {
extern const VolumeKernels volume_table;
}
namespace avx512 {
extern const VolumeKernels volume_table;
}
#endif

const VolumeKernels& volume_kernels() {
  static const VolumeKernels& chosen = MANO_BEST_OF(volume_table);
  return chosen;
}

namespace {

// A direction that couples more weakly than this, relative to the other one, is not coarsened.
constexpr double kWeakLateral = 0.3;

// An array of a level: slabs, and one more of them on each side. Fresh memory is zero; that of an array of the same shape is used again,
// and what is outside the grid is zero still.
template <typename T>
class PaddedSlabs {
 public:
  T* reserve(std::ptrdiff_t slab, std::ptrdiff_t stride, int ny) {
    if (slab != slab_ || stride != stride_ || ny != ny_) {
      slab_ = slab;
      stride_ = stride;
      ny_ = ny;
      values_.assign(static_cast<std::size_t>(slab) * (ny + 2) + 2, T(0));
    }
    return values_.data() + slab + 1;
  }

 private:
  std::ptrdiff_t slab_ = 0;
  std::ptrdiff_t stride_ = 0;
  int ny_ = 0;
  std::vector<T> values_;
};

struct VolumeSetupStorage {
  VolumeSetup grid;
  PaddedSlabs<double> diagonal, east, north, rising, falling, vertical, lower, upper;

  void reserve(int nx, int ny, int nz, bool nine) {
    const std::ptrdiff_t stride = nx + 2;
    grid = {};
    grid.nx = nx;
    grid.ny = ny;
    grid.nz = nz;
    grid.stride = stride;
    grid.slab = stride * nz;
    grid.vertical_slab = stride * (nz + 1);
    const auto array = [&](PaddedSlabs<double>& slabs) { return slabs.reserve(grid.slab, stride, ny); };
    grid.diagonal = array(diagonal);
    grid.a = {array(east), array(north), nine ? array(rising) : nullptr, nine ? array(falling) : nullptr};
    grid.vertical = vertical.reserve(grid.vertical_slab, stride, ny);
  }
};

template <typename T>
struct VolumeStorage {
  VolumeLevel<T> level;
  PaddedSlabs<T> east, north, rising, falling, vertical, inverse, x, b, lower_x, upper_x, lower_y, upper_y;
  PaddedSlabs<T> row[3];
};

// Grids of a set-up, and room for a slab and a row.
struct VolumeScratch {
  std::deque<VolumeSetupStorage> grids;
  std::vector<double> slab;
};

template <typename T>
class VolumeHierarchy {
 public:
  void set_up(VolumeSetupStorage& finest, VolumeScratch& scratch, bool singular) {
    count_ = 0;
    scratch.slab.resize(static_cast<std::size_t>(finest.grid.stride) * (finest.grid.nz + 1));
    std::size_t used = 0;
    VolumeSetupStorage* current = &finest;
    while (true) {
      VolumeLevel<T>& level = take_operator(current->grid, scratch.slab.data());
      if (level.nx == 1 && level.ny == 1) break;
      const auto [x, y] = volume_kernels().coupling(current->grid);
      const bool in_x = level.nx > 1 && (level.ny == 1 || !(x < kWeakLateral * y));
      const bool in_y = level.ny > 1 && (level.nx == 1 || !(y < kWeakLateral * x) || !in_x);
      const auto next = [&](int nx, int ny) {
        if (used == scratch.grids.size()) scratch.grids.emplace_back();
        VolumeSetupStorage& storage = scratch.grids[used++];
        storage.reserve(nx, ny, level.nz, true);
        return &storage;
      };
      const VolumeSetup& g = current->grid;
      if (in_x) current = coarsen<true>(*current, *next((g.nx + 1) / 2, g.ny), scratch.slab.data());
      const VolumeSetup& h = current->grid;
      if (in_y) current = coarsen<false>(*current, *next(h.nx, (h.ny + 1) / 2), scratch.slab.data());
    }
    // A constant that nothing holds is left alone.
    const VolumeLevel<T>& last = levels_[count_ - 1].level;
    if (singular) last.inverse_pivot[(last.nz - 1) * last.stride] = 0;
  }

  void cycle() {
    const VolumeCycleKernels<T>& kernel = kernels();
    for (std::size_t l = 0; l + 1 < count_; ++l)
      kernel.smooth_and_restrict(levels_[l].level, levels_[l + 1].level);
    kernel.solve_column(levels_[count_ - 1].level);
    for (std::size_t l = count_ - 1; l-- > 0;)
      kernel.interpolate_and_smooth(levels_[l].level, levels_[l + 1].level);
  }

  VolumeLevel<T>& finest() { return levels_[0].level; }
  std::size_t count() const { return count_; }

 private:
  static const VolumeCycleKernels<T>& kernels() { return volume_kernels().cycle(T()); }

  // A new level with the operator of `grid`.
  VolumeLevel<T>& take_operator(const VolumeSetup& grid, double* scratch) {
    if (count_ == levels_.size()) levels_.emplace_back();
    VolumeStorage<T>& s = levels_[count_++];
    VolumeLevel<T>& l = s.level;
    l = {};
    l.nx = grid.nx;
    l.ny = grid.ny;
    l.nz = grid.nz;
    l.half = (grid.nx + 1) / 2 + 2;
    l.stride = 2 * l.half;
    l.slab = l.stride * l.nz;
    const bool nine = grid.a.rising != nullptr;
    const auto array = [&](PaddedSlabs<T>& slabs) { return slabs.reserve(l.slab, l.stride, l.ny); };
    l.a = {array(s.east), array(s.north), nine ? array(s.rising) : nullptr,
           nine ? array(s.falling) : nullptr};
    l.vertical = array(s.vertical);
    l.inverse_pivot = array(s.inverse);
    kernels().take_operator(grid, l, scratch);
    l.x = array(s.x);
    l.b = array(s.b);
    for (int r = 0; r < 3; ++r) l.row[r] = s.row[r].reserve(l.stride, l.stride, 1);
    return l;
  }

  template <bool in_x>
  VolumeSetupStorage* coarsen(VolumeSetupStorage& fine, VolumeSetupStorage& coarse, double* scratch) {
    const VolumeSetup& c = coarse.grid;
    double* lower = coarse.lower.reserve(c.slab, c.stride, c.ny);
    double* upper = coarse.upper.reserve(c.slab, c.stride, c.ny);
    (in_x ? volume_kernels().coarsen_x : volume_kernels().coarsen_y)(fine.grid, c, lower, upper, scratch);
    VolumeStorage<T>& s = levels_[count_ - 1];
    LayerInterpolation<T>& p = in_x ? s.level.in_x : s.level.in_y;
    const std::ptrdiff_t half = in_x ? 0 : (c.nx + 1) / 2 + 2;  // of the next level
    p.stride = in_x ? c.nx + 2 : 2 * half;
    p.slab = p.stride * c.nz;
    p.lower = (in_x ? s.lower_x : s.lower_y).reserve(p.slab, p.stride, c.ny);
    p.upper = (in_x ? s.upper_x : s.upper_y).reserve(p.slab, p.stride, c.ny);
    kernels().take_weights(c, lower, p, p.lower, half);
    kernels().take_weights(c, upper, p, p.upper, half);
    return &coarse;
  }

  std::deque<VolumeStorage<T>> levels_;
  std::size_t count_ = 0;
};

}  // namespace

struct VolumeMultigrid::Impl {
  Grid grid;
  VolumeSetupStorage finest;
  VolumeScratch scratch;
  VolumeHierarchy<float> single_precision;
  VolumeHierarchy<double> double_precision;
  Multigrid::Precision precision = Multigrid::Precision::single;
  double scale = 1.0;  // of the matrix in the hierarchy over the stencil's

  bool take(const Stencil& s);
  template <typename T>
  void apply(VolumeHierarchy<T>& hierarchy, const double* r, double r_norm, double* z);
  template <typename T>
  CycleVectors<T> vectors(VolumeHierarchy<T>& hierarchy) const {
    const VolumeLevel<T>& l = hierarchy.finest();
    return {{l.b, l.slab, l.stride, l.half}, {l.x, l.slab, l.stride, l.half}, scale};
  }
};

// The stencil as conductances, scaled to a largest diagonal of 1. Returns whether nothing holds a constant.
bool VolumeMultigrid::Impl::take(const Stencil& s) {
  grid = s.grid;
  finest.reserve(grid.nx, grid.ny, grid.nz, false);
  double most = 0.0;
  for (int k = 0; k < grid.nz; ++k) {
    for (int j = 0; j < grid.ny; ++j) {
      for (int i = 0; i < grid.nx; ++i) most = std::max(most, s.diagonal(i, j, k));
    }
  }
  scale = most > 0 ? 1.0 / most : 1.0;
  std::vector<double> held;
  if (!s.bores.empty()) {
    held = s.well;
    held.resize(grid.cells());
    for (const Bore& bore : s.bores) {
      for (std::size_t n = 0; n < bore.cells.size(); ++n) held[bore.cells[n]] += bore.index[n];
    }
  }
  const std::vector<double>& well = held.empty() ? s.well : held;
  volume_kernels().take_stencil(scale, s.tx.data(), s.ty.data(), s.tz.empty() ? nullptr : s.tz.data(),
                                well.empty() ? nullptr : well.data(), finest.grid);
  return s.held() == 0.0 && s.bores.empty();
}

template <typename T>
void VolumeMultigrid::Impl::apply(VolumeHierarchy<T>& hierarchy, const double* r, double r_norm, double* z) {
  // Scaled to a mean square of 1: single precision has a range of its own.
  const double size = r_norm / std::sqrt(static_cast<double>(grid.cells()));
  const CycleVectors<T> v = vectors(hierarchy);
  const RowsOf rows{grid.nx, grid.ny, grid.nz};
  krylov_kernels().with(T()).load(rows, size > 0 ? 1 / size : 0.0, r, v.b);
  hierarchy.cycle();
  krylov_kernels().with(T()).unload(rows, size * scale, v.x, z);
}

VolumeMultigrid::VolumeMultigrid() : impl_(std::make_unique<Impl>()) {}
VolumeMultigrid::~VolumeMultigrid() = default;
VolumeMultigrid::VolumeMultigrid(VolumeMultigrid&&) noexcept = default;
VolumeMultigrid& VolumeMultigrid::operator=(VolumeMultigrid&&) noexcept = default;

void VolumeMultigrid::set_up(const Stencil& stencil, Multigrid::Precision precision) {
  impl_->precision = precision;
  const bool singular = impl_->take(stencil);
  if (precision == Multigrid::Precision::single) {
    impl_->single_precision.set_up(impl_->finest, impl_->scratch, singular);
  } else {
    impl_->double_precision.set_up(impl_->finest, impl_->scratch, singular);
  }
}

double VolumeMultigrid::apply(const double* r, double* z) {
  const double norm = std::sqrt(krylov_kernels().sum_of_squares(impl_->grid.cells(), r));
  if (impl_->precision == Multigrid::Precision::single) {
    impl_->apply(impl_->single_precision, r, norm, z);
  } else {
    impl_->apply(impl_->double_precision, r, norm, z);
  }
  return norm;
}

template <>
CycleVectors<float> VolumeMultigrid::vectors() const {
  return impl_->vectors(impl_->single_precision);
}

template <>
CycleVectors<double> VolumeMultigrid::vectors() const {
  return impl_->vectors(impl_->double_precision);
}

bool VolumeMultigrid::in_single_precision() const {
  return impl_->precision == Multigrid::Precision::single;
}

void VolumeMultigrid::cycle() {
  if (in_single_precision()) {
    impl_->single_precision.cycle();
  } else {
    impl_->double_precision.cycle();
  }
}

int VolumeMultigrid::levels() const {
  return static_cast<int>(in_single_precision() ? impl_->single_precision.count()
                                                : impl_->double_precision.count());
}

double VolumeMultigrid::memory(const Grid& grid) {
  return 250.0 * static_cast<double>(grid.cells());
}

}  // namespace mano
