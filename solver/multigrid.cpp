#include "solver/multigrid.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "solver/multigrid_kernels.hpp"

namespace mano {

namespace {

constexpr int kSweeps = 2;  // one takes as long in all: half the time a cycle, 1.5 times the cycles
// A direction that couples more weakly than this, relative to the other one, is not coarsened: the smoother does not
// smooth along it.
constexpr double kWeak = 0.3;

// An array of a level: rows of `stride`, with a row and a column of zeros on each side.
template <typename T>
class Padded {
 public:
  // Fresh memory, or the old one where the shape is the same: then what is outside the grid is zero already.
  T* reserve(int nx, int ny) {
    if (nx != nx_ || ny != ny_) {
      nx_ = nx;
      ny_ = ny;
      values_.assign(static_cast<std::size_t>(stride(nx)) * (ny + 2), T(0));
    }
    return values_.data() + stride(nx) + 1;
  }
  static std::ptrdiff_t stride(int nx) { return nx + 2; }

 private:
  int nx_ = 0;
  int ny_ = 0;
  std::vector<T> values_;
};

struct SetupStorage {
  SetupGrid grid;
  Padded<double> diagonal, east, north, rising, falling, lower, upper;

  void reserve(int nx, int ny, bool nine) {
    grid = {nx, ny, Padded<double>::stride(nx), {}};
    grid.a = {diagonal.reserve(nx, ny), east.reserve(nx, ny), north.reserve(nx, ny),
              nine ? rising.reserve(nx, ny) : nullptr, nine ? falling.reserve(nx, ny) : nullptr};
  }
};

template <typename T>
struct LevelStorage {
  Level<T> level;
  Padded<T> diagonal, east, north, rising, falling, inverse, x, b, row, lower_x, upper_x, lower_y, upper_y;
};

template <typename T>
void convert(const double* from, T* to, int nx, int ny, std::ptrdiff_t stride) {
  for (int j = 0; j < ny; ++j) {
    const double* source = from + j * stride;
    T* target = to + j * stride;
    for (int i = 0; i < nx; ++i) target[i] = static_cast<T>(source[i]);
  }
}

// How strongly neighbours couple in x and in y: shares of all cells that add up to 1. Diagonals of a coarse operator join
// neighbours in either direction.
std::pair<double, double> coupling(const SetupGrid& g) {
  double x = 0.0;
  double y = 0.0;
  for (int j = 0; j < g.ny; ++j) {
    const std::ptrdiff_t at = j * g.stride;
    for (int i = 0; i < g.nx; ++i) {
      const double diagonals = g.a.rising ? g.a.rising[at + i] + g.a.falling[at + i] : 0.0;
      const double east = std::max(0.0, g.a.east[at + i] + diagonals);
      const double north = std::max(0.0, g.a.north[at + i] + diagonals);
      if (east + north <= 0) continue;
      x += east / (east + north);
      y += north / (east + north);
    }
  }
  return {x, y};
}

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
      const auto [x, y] = coupling(current->grid);
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
    const CycleKernels<T>& kernel = kernels().cycle(T());
    for (std::size_t l = 0; l + 1 < count_; ++l)
      kernel.smooth_and_restrict(levels_[l].level, levels_[l + 1].level, kSweeps);
    Level<T>& last = levels_[count_ - 1].level;
    last.x[0] = last.b[0] * last.inverse_diagonal[0];
    for (std::size_t l = count_ - 1; l-- > 0;)
      kernel.interpolate_and_smooth(levels_[l].level, levels_[l + 1].level, kSweeps);
  }

  Level<T>& finest() { return levels_[0].level; }
  std::size_t count() const { return count_; }

 private:
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
    l.stride = grid.stride;
    const auto take = [&](const double* from, Padded<T>& to) -> T* {
      if (from == nullptr) return nullptr;
      T* values = to.reserve(nx, ny);
      convert(from, values, nx, ny, l.stride);
      return values;
    };
    l.a = {take(grid.a.diagonal, s.diagonal), take(grid.a.east, s.east), take(grid.a.north, s.north),
           take(grid.a.rising, s.rising), take(grid.a.falling, s.falling)};
    l.inverse_diagonal = s.inverse.reserve(nx, ny);
    for (int j = 0; j < ny; ++j) {
      const std::ptrdiff_t at = j * l.stride;
      for (int i = 0; i < nx; ++i) {
        const double d = grid.a.diagonal[at + i];
        l.inverse_diagonal[at + i] = static_cast<T>(d > 0 ? 1 / d : 0);
      }
    }
    l.x = s.x.reserve(nx, ny);
    l.b = s.b.reserve(nx, ny);
    l.row = s.row.reserve(nx, 1);
    if (colours_.size() < static_cast<std::size_t>(nx) + 1) {
      colours_.resize(2 * nx + 2);
      for (std::size_t i = 0; i < colours_.size(); ++i) colours_[i] = static_cast<T>(i % 2 == 0 ? 1 : 0);
    }
    l.colour[0] = colours_.data();
    l.colour[1] = colours_.data() + 1;
    return l;
  }

  template <bool in_x>
  SetupStorage* coarsen(SetupStorage& fine, SetupStorage& coarse) {
    const int nx = coarse.grid.nx;
    const int ny = coarse.grid.ny;
    double* lower = coarse.lower.reserve(nx, ny);
    double* upper = coarse.upper.reserve(nx, ny);
    (in_x ? kernels().coarsen_x : kernels().coarsen_y)(fine.grid, coarse.grid, lower, upper);
    LevelStorage<T>& s = levels_[count_ - 1];
    Interpolation<T>& p = in_x ? s.level.in_x : s.level.in_y;
    p = {(in_x ? s.lower_x : s.lower_y).reserve(nx, ny), (in_x ? s.upper_x : s.upper_y).reserve(nx, ny),
         coarse.grid.stride};
    convert(lower, p.lower, nx, ny, p.stride);
    convert(upper, p.upper, nx, ny, p.stride);
    return &coarse;
  }

  std::deque<LevelStorage<T>> levels_;
  std::size_t count_ = 0;
  std::vector<T> colours_;
};

}  // namespace

struct Multigrid::Impl {
  SetupStorage finest;
  std::deque<SetupStorage> scratch;
  Hierarchy<float> single_precision;
  Hierarchy<double> double_precision;
  Precision precision = Precision::single;
  double scale = 1.0;  // of the matrix in the hierarchy over the stencil's

  bool take(const Stencil& s);
  template <typename T>
  void apply(Hierarchy<T>& hierarchy, const double* r, double* z);
};

// The stencil as conductances, scaled to a largest diagonal of 1. Returns whether nothing holds a constant.
bool Multigrid::Impl::take(const Stencil& s) {
  const int nx = s.grid.nx;
  const int ny = s.grid.ny;
  finest.reserve(nx, ny, false);
  const SetupGrid& g = finest.grid;
  double most = 0.0;
  double held = 0.0;
  for (int j = 0; j < ny; ++j) {
    for (int i = 0; i < nx; ++i) most = std::max(most, s.diagonal(i, j));
  }
  scale = most > 0 ? 1.0 / most : 1.0;
  for (int j = 0; j < ny; ++j) {
    const std::ptrdiff_t at = j * g.stride;
    for (int i = 0; i < nx; ++i) {
      g.a.diagonal[at + i] = scale * s.diagonal(i, j);
      g.a.east[at + i] = i + 1 < nx ? scale * s.right(i, j) : 0.0;
      g.a.north[at + i] = j + 1 < ny ? scale * s.above(i, j) : 0.0;
    }
    held += s.left(0, j) + s.right(nx - 1, j);
  }
  for (int i = 0; i < nx; ++i) held += s.below(i, 0) + s.above(i, ny - 1);
  return held == 0.0;
}

template <typename T>
void Multigrid::Impl::apply(Hierarchy<T>& hierarchy, const double* r, double* z) {
  Level<T>& level = hierarchy.finest();
  const std::size_t nx = level.nx;
  const double size = kernels().largest(nx * level.ny, r);
  const double down = size > 0 ? 1 / size : 0.0;
  const double up = size * scale;
  for (int j = 0; j < level.ny; ++j) {
    T* b = level.b + j * level.stride;
    for (std::size_t i = 0; i < nx; ++i) b[i] = static_cast<T>(down * r[j * nx + i]);
  }
  hierarchy.cycle();
  for (int j = 0; j < level.ny; ++j) {
    const T* x = level.x + j * level.stride;
    for (std::size_t i = 0; i < nx; ++i) z[j * nx + i] = up * static_cast<double>(x[i]);
  }
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

void Multigrid::apply(const double* r, double* z) {
  if (impl_->precision == Precision::single) {
    impl_->apply(impl_->single_precision, r, z);
  } else {
    impl_->apply(impl_->double_precision, r, z);
  }
}

int Multigrid::levels() const {
  return static_cast<int>(impl_->precision == Precision::single ? impl_->single_precision.count()
                                                                : impl_->double_precision.count());
}

double Multigrid::memory(const Grid& grid) {
  return 250.0 * static_cast<double>(grid.cells());
}

}  // namespace mano
