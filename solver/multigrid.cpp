#include "solver/multigrid.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "solver/multigrid_kernels.hpp"

namespace mano {

namespace {

constexpr int kSmoothingSteps = 2;  // one takes as long in all: half the time a cycle, 1.5 times the cycles
// A direction that couples more weakly than this, relative to the other one, is not coarsened: the smoother does not
// smooth along it.
constexpr double kWeak = 0.3;

// An array of a level: rows of `stride`, and one more of them on each side. Fresh memory is zero; that of an array of the same
// shape is used again, and what is outside the grid is zero still.
template <typename T>
class Padded {
 public:
  T* reserve(std::ptrdiff_t stride, int ny) {
    if (stride != stride_ || ny != ny_) {
      stride_ = stride;
      ny_ = ny;
      values_.assign(static_cast<std::size_t>(stride) * (ny + 2), T(0));
    }
    return values_.data() + stride + 1;
  }

 private:
  std::ptrdiff_t stride_ = 0;
  int ny_ = 0;
  std::vector<T> values_;
};

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
      const bool in_x = level.nx > 1 && (level.ny == 1 || !(x < kWeak * y));
      const bool in_y = level.ny > 1 && (level.nx == 1 || !(y < kWeak * x) || !in_x);
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

}  // namespace

struct Multigrid::Impl {
  Grid grid;
  SetupStorage finest;
  std::deque<SetupStorage> scratch;
  Hierarchy<float> single_precision;
  Hierarchy<double> double_precision;
  Precision precision = Precision::single;
  double scale = 1.0;  // of the matrix in the hierarchy over the stencil's

  bool take(const Stencil& s);
  template <typename T>
  void apply(Hierarchy<T>& hierarchy, const double* r, double r_norm, double* z);
  template <typename T>
  CycleVectors<T> vectors(Hierarchy<T>& hierarchy) const {
    const Level<T>& level = hierarchy.finest();
    return {{level.b, level.stride, 0, level.half}, {level.x, level.stride, 0, level.half}, scale};
  }
};

// The stencil as conductances, scaled to a largest diagonal of 1. Returns whether nothing holds a constant.
bool Multigrid::Impl::take(const Stencil& s) {
  const int nx = s.grid.nx;
  const int ny = s.grid.ny;
  grid = s.grid;
  finest.reserve(nx, ny, false);
  double most = 0.0;
  for (int j = 0; j < ny; ++j) {
    for (int i = 0; i < nx; ++i) most = std::max(most, s.diagonal(i, j));
  }
  scale = most > 0 ? 1.0 / most : 1.0;
  kernels().take_stencil(scale, s.tx.data(), s.ty.data(), s.well.empty() ? nullptr : s.well.data(),
                         finest.grid);
  return s.held() == 0.0;
}

template <typename T>
void Multigrid::Impl::apply(Hierarchy<T>& hierarchy, const double* r, double r_norm, double* z) {
  Level<T>& level = hierarchy.finest();
  // Scaled to a mean square of 1: single precision has a range of its own.
  const double cells = static_cast<double>(level.nx) * level.ny;
  const double size = r_norm / std::sqrt(cells);
  kernels().cycle(T()).load(level, size > 0 ? 1 / size : 0.0, r);
  hierarchy.cycle();
  kernels().cycle(T()).unload(level, size * scale, z);
}

Multigrid::Multigrid() : impl_(std::make_unique<Impl>()) {}
Multigrid::~Multigrid() = default;
Multigrid::Multigrid(Multigrid&&) noexcept = default;
Multigrid& Multigrid::operator=(Multigrid&&) noexcept = default;

void Multigrid::set_up(const Stencil& stencil, Precision precision) {
  impl_->precision = precision;
  const bool singular = impl_->take(stencil);
  if (precision == Precision::single) {
    impl_->single_precision.set_up(impl_->finest, impl_->scratch, singular);
  } else {
    impl_->double_precision.set_up(impl_->finest, impl_->scratch, singular);
  }
}

double Multigrid::apply(const double* r, double* z) {
  const Grid& g = impl_->grid;
  const double norm = std::sqrt(kernels().sum_of_squares(g.cells(), r));
  if (impl_->precision == Precision::single) {
    impl_->apply(impl_->single_precision, r, norm, z);
  } else {
    impl_->apply(impl_->double_precision, r, norm, z);
  }
  return norm;
}

bool Multigrid::in_single_precision() const {
  return impl_->precision == Precision::single;
}

template <>
CycleVectors<float> Multigrid::vectors() const {
  return impl_->vectors(impl_->single_precision);
}

template <>
CycleVectors<double> Multigrid::vectors() const {
  return impl_->vectors(impl_->double_precision);
}

void Multigrid::cycle() {
  if (in_single_precision()) {
    impl_->single_precision.cycle();
  } else {
    impl_->double_precision.cycle();
  }
}

int Multigrid::levels() const {
  return static_cast<int>(in_single_precision() ? impl_->single_precision.count()
                                                : impl_->double_precision.count());
}

double Multigrid::memory(const Grid& grid) {
  return 250.0 * static_cast<double>(grid.cells());
}

}  // namespace mano
