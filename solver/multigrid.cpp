#include "solver/multigrid.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "solver/krylov_kernels.hpp"
#include "solver/multigrid_kernels.hpp"
#include "solver/padded.hpp"
#include "solver/split_rows.hpp"
#include "solver/volume_hierarchy.hpp"

namespace mano {

namespace {

constexpr int kSmoothingSteps = 2;  // one takes as long in all: half the time a cycle, 1.5 times the cycles

struct SetupStorage {
  SetupGrid grid;
  Padded<double> diagonal, east, north, rising, falling, lower, upper;

  void reserve(int nx, int ny, bool nine) {
    const std::ptrdiff_t stride = nx + 2;
    grid = {nx, ny, stride, {}};
    grid.a = {diagonal.reserve(stride, ny), east.reserve(stride, ny), north.reserve(stride, ny),
              nine ? rising.reserve(stride, ny) : nullptr, nine ? falling.reserve(stride, ny) : nullptr};
  }
};

template <typename T>
struct LevelStorage {
  Level<T> level;
  Padded<T> diagonal, east, north, rising, falling, inverse, x, b, lower_x, upper_x, lower_y, upper_y;
  Padded<T> row[3];
};

// The hierarchy in one precision.
template <typename T>
class Hierarchy {
 public:
  void set_up(SetupStorage& finest, std::deque<SetupStorage>& scratch, bool singular) {
    if (scratch.empty()) scratch.emplace_back();
    count_ = 0;
    std::size_t used = 0;
    SetupStorage* current = &finest;
    while (true) {
      Level<T>& level = take_operator(current->grid);
      if (level.nx == 1 && level.ny == 1) break;
      const auto [x, y] = kernels().coupling(current->grid);
      const bool in_x = level.nx > 1 && (level.ny == 1 || !(x < kWeakCoupling * y));
      const bool in_y = level.ny > 1 && (level.nx == 1 || !(y < kWeakCoupling * x) || !in_x);
      const auto next = [&](int nx, int ny) {
        if (used == scratch.size()) scratch.emplace_back();
        SetupStorage& storage = scratch[used++];
        storage.reserve(nx, ny, true);
        return &storage;
      };
      if (in_x) current = coarsen<true>(*current, *next((current->grid.nx + 1) / 2, current->grid.ny));
      if (in_y) current = coarsen<false>(*current, *next(current->grid.nx, (current->grid.ny + 1) / 2));
    }
    // A constant that nothing holds is left alone.
    Level<T>& last = levels_[count_ - 1].level;
    if (singular) last.inverse_diagonal[0] = 0;
  }

  void cycle() {
    const CycleKernels<T>& kernel = cycle_kernels();
    for (std::size_t l = 0; l + 1 < count_; ++l)
      kernel.smooth_and_restrict(levels_[l].level, levels_[l + 1].level, kSmoothingSteps);
    Level<T>& last = levels_[count_ - 1].level;
    last.x[0] = last.b[0] * last.inverse_diagonal[0];
    for (std::size_t l = count_ - 1; l-- > 0;)
      kernel.interpolate_and_smooth(levels_[l].level, levels_[l + 1].level, kSmoothingSteps);
  }

  Level<T>& finest() { return levels_[0].level; }
  std::size_t count() const { return count_; }

 private:
  static const CycleKernels<T>& cycle_kernels() { return kernels().cycle(T()); }

  // A new level with the operator of `grid`.
  Level<T>& take_operator(const SetupGrid& grid) {
    if (count_ == levels_.size()) levels_.emplace_back();
    LevelStorage<T>& s = levels_[count_++];
    Level<T>& l = s.level;
    const int nx = grid.nx;
    const int ny = grid.ny;
    l = {};
    l.nx = nx;
    l.ny = ny;
    l.half = (nx + 1) / 2 + 2;
    l.stride = 2 * l.half;
    const bool nine = grid.a.rising != nullptr;
    const auto array = [&](Padded<T>& padded) { return padded.reserve(l.stride, ny); };
    l.a = {array(s.diagonal), array(s.east), array(s.north), nine ? array(s.rising) : nullptr,
           nine ? array(s.falling) : nullptr};
    l.inverse_diagonal = array(s.inverse);
    cycle_kernels().take_operator(grid, l);
    l.x = array(s.x);
    l.b = array(s.b);
    for (int r = 0; r < 3; ++r) l.row[r] = s.row[r].reserve(l.stride, 1);
    return l;
  }

  template <bool in_x>
  SetupStorage* coarsen(SetupStorage& fine, SetupStorage& coarse) {
    const int nx = coarse.grid.nx;
    const int ny = coarse.grid.ny;
    double* lower = coarse.lower.reserve(coarse.grid.stride, ny);
    double* upper = coarse.upper.reserve(coarse.grid.stride, ny);
    (in_x ? kernels().coarsen_x : kernels().coarsen_y)(fine.grid, coarse.grid, lower, upper);
    LevelStorage<T>& s = levels_[count_ - 1];
    Interpolation<T>& p = in_x ? s.level.in_x : s.level.in_y;
    const std::ptrdiff_t half = in_x ? 0 : (nx + 1) / 2 + 2;  // of the next level
    p.stride = in_x ? nx + 2 : 2 * half;
    p.lower = (in_x ? s.lower_x : s.lower_y).reserve(p.stride, ny);
    p.upper = (in_x ? s.upper_x : s.upper_y).reserve(p.stride, ny);
    cycle_kernels().take_weights(nx, ny, coarse.grid.stride, lower, p, p.lower, half);
    cycle_kernels().take_weights(nx, ny, coarse.grid.stride, upper, p, p.upper, half);
    return &coarse;
  }

  std::deque<LevelStorage<T>> levels_;
  std::size_t count_ = 0;
};

// Largest diagonal of the matrix.
double largest_diagonal(const Stencil& s) {
  double most = 0.0;
  for (int k = 0; k < s.grid.nz; ++k) {
    for (int j = 0; j < s.grid.ny; ++j) {
      for (int i = 0; i < s.grid.nx; ++i) most = std::max(most, s.diagonal(i, j, k));
    }
  }
  return most;
}

// The hierarchies of flat grids and of volumes, in one precision.
template <typename T>
struct Hierarchies {
  Hierarchy<T> flat;
  VolumeHierarchy<T> volume;

  void cycle(const Grid& grid) {
    if (grid.flat()) {
      flat.cycle();
    } else {
      volume.cycle();
    }
  }
  CycleVectors<T> vectors(const Grid& grid, double scale) {
    if (grid.flat()) {
      const Level<T>& l = flat.finest();
      return {{l.b, l.stride, 0, l.half}, {l.x, l.stride, 0, l.half}, scale};
    }
    const VolumeLevel<T>& l = volume.finest();
    return {{l.b, l.slab(), l.stride, l.half}, {l.x, l.slab(), l.stride, l.half}, scale};
  }

  // B r for r of norm `r_norm`, scaled to a mean square of 1: single precision has a range of its own.
  void apply(const Grid& grid, double scale, const double* r, double r_norm, double* z) {
    const double size = r_norm / std::sqrt(static_cast<double>(grid.cells()));
    const RowsOf rows{grid.nx, grid.ny, grid.nz};
    const CycleVectors<T> v = vectors(grid, scale);
    krylov_kernels().with(T()).load(rows, size > 0 ? 1 / size : 0.0, r, v.b);
    cycle(grid);
    krylov_kernels().with(T()).unload(rows, size * scale, v.x, z);
  }
};

}  // namespace

struct Multigrid::Impl {
  Grid grid;
  SetupStorage finest;
  std::deque<SetupStorage> scratch;
  VolumeSetupStorage finest_volume;
  std::deque<VolumeSetupStorage> volume_scratch;
  Hierarchies<float> single_precision;
  Hierarchies<double> double_precision;
  Precision precision = Precision::single;
  double scale = 1.0;  // of the matrix in the hierarchy over the stencil's

  template <typename T>
  void set_up(const Stencil& s, Hierarchies<T>& hierarchies);
};

// The stencil as conductances, scaled to a largest diagonal of 1. Of a bore, what it adds to the diagonal.
template <typename T>
void Multigrid::Impl::set_up(const Stencil& s, Hierarchies<T>& hierarchies) {
  grid = s.grid;
  const double most = largest_diagonal(s);
  scale = most > 0 ? 1.0 / most : 1.0;
  const bool singular = s.held() == 0.0;
  const double* well = s.well.empty() ? nullptr : s.well.data();
  if (grid.flat()) {
    finest.reserve(grid.nx, grid.ny, false);
    kernels().take_stencil(scale, s.tx.data(), s.ty.data(), well, finest.grid);
    hierarchies.flat.set_up(finest, scratch, singular);
    return;
  }
  finest_volume.reserve(grid.nx, grid.ny, grid.nz, false);
  const VolumeSetup& to = finest_volume.grid;
  volume_kernels().take_stencil(scale, s.tx.data(), s.ty.data(), s.tz.data(), well, to);
  for (const Bore& bore : s.bores) {
    for (std::size_t n = 0; n < bore.cells.size(); ++n) {
      const std::size_t c = bore.cells[n];
      const std::size_t row = c / grid.nx % grid.ny * grid.nz + c / grid.layer();
      to.a.diagonal[row * to.stride + c % grid.nx] += scale * bore.index[n];
    }
  }
  hierarchies.volume.set_up(finest_volume, volume_scratch, singular);
}

Multigrid::Multigrid() : impl_(std::make_unique<Impl>()) {}
Multigrid::~Multigrid() = default;
Multigrid::Multigrid(Multigrid&&) noexcept = default;
Multigrid& Multigrid::operator=(Multigrid&&) noexcept = default;

void Multigrid::set_up(const Stencil& stencil, Precision precision) {
  impl_->precision = precision;
  if (precision == Precision::single) {
    impl_->set_up(stencil, impl_->single_precision);
  } else {
    impl_->set_up(stencil, impl_->double_precision);
  }
}

double Multigrid::apply(const double* r, double* z) {
  Impl& m = *impl_;
  const double norm = std::sqrt(krylov_kernels().sum_of_squares(m.grid.cells(), r));
  if (m.precision == Precision::single) {
    m.single_precision.apply(m.grid, m.scale, r, norm, z);
  } else {
    m.double_precision.apply(m.grid, m.scale, r, norm, z);
  }
  return norm;
}

bool Multigrid::in_single_precision() const {
  return impl_->precision == Precision::single;
}

template <>
CycleVectors<float> Multigrid::vectors() const {
  return impl_->single_precision.vectors(impl_->grid, impl_->scale);
}

template <>
CycleVectors<double> Multigrid::vectors() const {
  return impl_->double_precision.vectors(impl_->grid, impl_->scale);
}

void Multigrid::cycle() {
  if (in_single_precision()) {
    impl_->single_precision.cycle(impl_->grid);
  } else {
    impl_->double_precision.cycle(impl_->grid);
  }
}

int Multigrid::levels() const {
  const auto count = [&](const auto& h) { return impl_->grid.flat() ? h.flat.count() : h.volume.count(); };
  return static_cast<int>(impl_->precision == Precision::single ? count(impl_->single_precision)
                                                                : count(impl_->double_precision));
}

double Multigrid::memory(const Grid& grid) {
  return 250.0 * static_cast<double>(grid.cells());
}

}  // namespace mano
