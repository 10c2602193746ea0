#include "solver/multigrid.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "solver/krylov_kernels.hpp"
#include "solver/multigrid_kernels.hpp"
#include "solver/padded.hpp"
#include "solver/split_rows.hpp"

namespace mano {

namespace {

const Kernels& kernels_of(const SetupGrid& grid) {
  return grid.up == nullptr ? flat_kernels() : volume_kernels();
}

struct SetupStorage {
  SetupGrid grid;
  Padded<double> diagonal, east, north, rising, falling, up, lower, upper;

  void reserve(int nx, int ny, int nz, bool nine) {
    const std::ptrdiff_t stride = nx + 2;
    const auto array = [&](Padded<double>& padded) {
      return padded.reserve(stride, static_cast<std::ptrdiff_t>(ny) * nz, nz);
    };
    grid = {nx, ny, nz, stride, {}, nz > 1 ? array(up) : nullptr};
    grid.a = {array(diagonal), array(east), array(north), nine ? array(rising) : nullptr,
              nine ? array(falling) : nullptr};
  }
};

template <typename T>
struct LevelStorage {
  Level<T> level;
  Padded<T> diagonal, east, north, rising, falling, up, inverse, x, b, lower_x, upper_x, lower_y, upper_y;
  Padded<T> row[3];
};

// The grids in one precision.
template <typename T>
class Hierarchy {
 public:
  /// `singular`: nothing holds a constant, which is left alone.
  void set_up(SetupStorage& finest, std::deque<SetupStorage>& scratch, bool singular) {
    kernels_ = &kernels_of(finest.grid);
    count_ = 0;
    std::size_t used = 0;
    SetupStorage* current = &finest;
    while (true) {
      const SetupGrid& grid = current->grid;
      const bool coarsest = grid.nx == 1 && grid.ny == 1;
      for (std::ptrdiff_t k = 0; k < grid.nz && coarsest && singular; ++k)
        grid.a.diagonal[k * grid.stride] = 0.0;
      take_operator(grid);
      if (coarsest) return;
      const auto [x, y] = kernels_->coupling(grid);
      const bool in_x = grid.nx > 1 && (grid.ny == 1 || !(x < kWeakCoupling * y));
      const bool in_y = grid.ny > 1 && (grid.nx == 1 || !(y < kWeakCoupling * x) || !in_x);
      const auto next = [&](int nx, int ny) -> SetupStorage& {
        if (used == scratch.size()) scratch.emplace_back();
        SetupStorage& storage = scratch[used++];
        storage.reserve(nx, ny, finest.grid.nz, true);
        return storage;
      };
      if (in_x) current = coarsen(true, *current, next((current->grid.nx + 1) / 2, current->grid.ny));
      if (in_y) current = coarsen(false, *current, next(current->grid.nx, (current->grid.ny + 1) / 2));
    }
  }

  void cycle() {
    const CycleKernels<T>& kernel = kernels_->cycle(T());
    for (std::size_t l = 0; l + 1 < count_; ++l)
      kernel.smooth_and_restrict(levels_[l].level, levels_[l + 1].level);
    kernel.solve_coarsest(levels_[count_ - 1].level);
    for (std::size_t l = count_ - 1; l-- > 0;)
      kernel.interpolate_and_smooth(levels_[l].level, levels_[l + 1].level);
  }

  CycleVectors<T> vectors(double scale) const {
    const Level<T>& l = levels_[0].level;
    return {{l.b, l.slab(), l.stride, l.half}, {l.x, l.slab(), l.stride, l.half}, scale};
  }
  std::size_t count() const { return count_; }

 private:
  // A new level with the operator of `grid`.
  void take_operator(const SetupGrid& grid) {
    if (count_ == levels_.size()) levels_.emplace_back();
    LevelStorage<T>& s = levels_[count_++];
    Level<T>& l = s.level;
    l = {};
    l.nx = grid.nx;
    l.ny = grid.ny;
    l.nz = grid.nz;
    l.half = (l.nx + 1) / 2 + 2;
    l.stride = 2 * l.half;
    const auto array = [&](Padded<T>& padded) {
      return padded.reserve(l.stride, static_cast<std::ptrdiff_t>(l.ny) * l.nz, l.nz);
    };
    const bool nine = grid.a.rising != nullptr;
    const bool volume = grid.up != nullptr;
    l.a = {volume ? nullptr : array(s.diagonal), array(s.east), array(s.north),
           nine ? array(s.rising) : nullptr, nine ? array(s.falling) : nullptr};
    l.up = volume ? array(s.up) : nullptr;
    l.inverse = array(s.inverse);
    l.x = array(s.x);
    l.b = array(s.b);
    for (int r = 0; r < 3; ++r) l.row[r] = s.row[r].reserve(l.stride, 1);
    kernels_->cycle(T()).take_operator(grid, l);
  }

  SetupStorage* coarsen(bool in_x, SetupStorage& fine, SetupStorage& coarse) {
    const SetupGrid& grid = coarse.grid;
    const std::ptrdiff_t rows = static_cast<std::ptrdiff_t>(grid.ny) * grid.nz;
    double* lower = coarse.lower.reserve(grid.stride, rows, grid.nz);
    double* upper = coarse.upper.reserve(grid.stride, rows, grid.nz);
    if (grid.up != nullptr) scratch_.resize(static_cast<std::size_t>(grid.nz + 2) * grid.nx);
    (in_x ? kernels_->coarsen_x : kernels_->coarsen_y)(fine.grid, grid, lower, upper, scratch_.data());
    LevelStorage<T>& s = levels_[count_ - 1];
    Interpolation<T>& p = in_x ? s.level.in_x : s.level.in_y;
    const std::ptrdiff_t half = in_x ? 0 : (grid.nx + 1) / 2 + 2;  // of the next level
    p.stride = in_x ? grid.nx + 2 : 2 * half;
    p.lower = (in_x ? s.lower_x : s.lower_y).reserve(p.stride, rows, grid.nz);
    p.upper = (in_x ? s.upper_x : s.upper_y).reserve(p.stride, rows, grid.nz);
    const auto take_weights = kernels_->cycle(T()).take_weights;
    take_weights(grid.nx, rows, grid.stride, lower, p, p.lower, half);
    take_weights(grid.nx, rows, grid.stride, upper, p, p.upper, half);
    return &coarse;
  }

  const Kernels* kernels_ = nullptr;
  std::deque<LevelStorage<T>> levels_;
  std::size_t count_ = 0;
  std::vector<double> scratch_;
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
};

// The stencil as conductances, scaled to a largest diagonal of 1; of a bore what it adds to the diagonal. Returns whether nothing holds a
// constant.
bool Multigrid::Impl::take(const Stencil& s) {
  grid = s.grid;
  finest.reserve(grid.nx, grid.ny, grid.nz, false);
  const SetupGrid& to = finest.grid;
  const double most = largest_diagonal(s);
  scale = most > 0 ? 1.0 / most : 1.0;
  kernels_of(to).take_stencil(scale, s.tx.data(), s.ty.data(), s.tz.data(),
                              s.well.empty() ? nullptr : s.well.data(), to);
  for (const Bore& bore : s.bores) {
    for (std::size_t n = 0; n < bore.cells.size(); ++n) {
      const std::size_t c = bore.cells[n];
      const std::size_t row = c / grid.nx % grid.ny * grid.nz + c / grid.layer();
      to.a.diagonal[row * to.stride + c % grid.nx] += scale * bore.index[n];
    }
  }
  return s.held() == 0.0;
}

// B r for r of norm `r_norm`, scaled to a mean square of 1: single precision has a range of its own.
template <typename T>
void Multigrid::Impl::apply(Hierarchy<T>& hierarchy, const double* r, double r_norm, double* z) {
  const double size = r_norm / std::sqrt(static_cast<double>(grid.cells()));
  const RowsOf rows{grid.nx, grid.ny, grid.nz};
  const CycleVectors<T> v = hierarchy.vectors(scale);
  krylov_kernels().with(T()).load(rows, size > 0 ? 1 / size : 0.0, r, v.b);
  hierarchy.cycle();
  krylov_kernels().with(T()).unload(rows, size * scale, v.x, z);
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
  Impl& m = *impl_;
  const double norm = std::sqrt(krylov_kernels().sum_of_squares(m.grid.cells(), r));
  if (in_single_precision()) {
    m.apply(m.single_precision, r, norm, z);
  } else {
    m.apply(m.double_precision, r, norm, z);
  }
  return norm;
}

bool Multigrid::in_single_precision() const {
  return impl_->precision == Precision::single;
}

template <>
CycleVectors<float> Multigrid::vectors() const {
  return impl_->single_precision.vectors(impl_->scale);
}

template <>
CycleVectors<double> Multigrid::vectors() const {
  return impl_->double_precision.vectors(impl_->scale);
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
