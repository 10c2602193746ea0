#include "solver/multigrid.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <vector>

#include "solver/krylov_kernels.hpp"
#include "solver/multigrid_kernels.hpp"
#include "solver/padded.hpp"
#include "solver/row_share.hpp"
#include "solver/split_rows.hpp"
#include "solver/stencil_operator.hpp"

namespace mano {

namespace {

const Kernels& kernels_of(int nz) {
  return nz == 1 ? flat_kernels() : volume_kernels();
}

// `count` rows j of a grid from `begin` on.
SetupGrid rows_of(SetupGrid grid, int begin, int count) {
  grid.ny = count;
  for (double** array :
       {&grid.a.diagonal, &grid.a.east, &grid.a.north, &grid.a.rising, &grid.a.falling, &grid.up}) {
    if (*array != nullptr) *array += begin * grid.slab();
  }
  return grid;
}

struct SetupStorage {
  RowShare share;
  SetupGrid grid;  // of the rows that are held
  Padded<double> diagonal, east, north, rising, falling, up, lower, upper;

  void reserve(const RowShare& s, int nx, int ny, int nz, bool nine) {
    share = s;
    if (share.shared()) ny = share.rows();
    const std::ptrdiff_t stride = nx + 2;
    const auto array = [&](Padded<double>& padded) {
      return padded.reserve(stride, static_cast<std::ptrdiff_t>(ny) * nz, nz);
    };
    grid = {nx, ny, nz, stride, {}, nz > 1 ? array(up) : nullptr};
    grid.a = {array(diagonal), array(east), array(north), nine ? array(rising) : nullptr,
              nine ? array(falling) : nullptr};
  }
};

// Shares the rows of an array on a level of `rows` of `slab` values each: from the ranks next to this one, or from all.
template <typename T>
void exchange(const SharingRanks& ranks, const RowShare& share, T* array, std::ptrdiff_t slab) {
  ranks.exchange(array + share.before() * slab, sizeof(T) * slab, share.own_rows(), share.halo);
}
template <typename T>
void gather(const SharingRanks& ranks, const RowShare& owners, T* array, std::ptrdiff_t slab) {
  ranks.gather(array, sizeof(T) * slab, owners.begins);
}

template <typename T>
struct LevelStorage {
  Level<T> level;
  Level<T> coarser;  // the rows of the next level that those of this one reach
  RowShare share;
  RowShare owners;  // where all ranks hold all of it, but not of the level before: who computes which rows
  Padded<T> diagonal, east, north, rising, falling, up, inverse, x, b, lower_x, upper_x, lower_y, upper_y;
  Padded<T> row[3];
};

// The grids in one precision.
template <typename T>
class Hierarchy {
 public:
  /// `singular`: nothing holds a constant, which is left alone. `ranks` is null where the grid is not shared.
  void set_up(SetupStorage& finest, std::deque<SetupStorage>& scratch, bool singular,
              const SharingRanks* ranks) {
    kernels_ = &kernels_of(finest.grid.nz);
    ranks_ = ranks;
    count_ = 0;
    used_ = 0;
    RowShare owners;
    for (SetupStorage* current = &finest; current != nullptr;) {
      const SetupGrid& grid = current->grid;
      const bool coarsest = grid.nx == 1 && grid.ny == 1;
      for (std::ptrdiff_t k = 0; k < grid.nz && coarsest && singular; ++k)
        grid.a.diagonal[k * grid.stride] = 0.0;
      take_operator(grid, current->share, owners);
      current = coarsest ? nullptr : coarsen(*current, scratch, owners);
    }
    for (std::size_t l = 0; l + 1 < count_; ++l) levels_[l].coarser = reached(levels_[l], levels_[l + 1]);
  }

  void cycle() {
    const CycleKernels<T>& kernel = kernels_->cycle(T());
    for (std::size_t l = 0; l + 1 < count_; ++l) {
      const LevelStorage<T>& s = levels_[l];
      if (s.share.shared()) exchange(*ranks_, s.share, s.level.b, s.level.slab());
      kernel.smooth_and_restrict(s.level, s.coarser);
      const LevelStorage<T>& next = levels_[l + 1];
      if (next.owners.shared()) gather(*ranks_, next.owners, next.level.b, next.level.slab());
    }
    kernel.solve_coarsest(levels_[count_ - 1].level);
    for (std::size_t l = count_ - 1; l-- > 0;) {
      const LevelStorage<T>& s = levels_[l];
      kernel.interpolate_and_smooth(s.level, s.coarser);
      if (s.share.shared()) exchange(*ranks_, s.share, s.level.x, s.level.slab());
    }
  }

  CycleVectors<T> vectors(double scale) const {
    const Level<T>& l = levels_[0].level;
    return {{l.b, l.slab(), l.stride, l.half}, {l.x, l.slab(), l.stride, l.half}, scale};
  }
  std::size_t count() const { return count_; }

 private:
  // A new level with the operator of `grid`.
  void take_operator(const SetupGrid& grid, const RowShare& share, const RowShare& owners) {
    if (count_ == levels_.size()) levels_.emplace_back();
    LevelStorage<T>& s = levels_[count_++];
    s.share = share;
    s.owners = owners;
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

  static Level<T> reached(const LevelStorage<T>& fine, const LevelStorage<T>& coarse) {
    Level<T> rows = coarse.level;
    if (!fine.share.shared()) return rows;
    const bool halved = fine.level.in_y.lower != nullptr;
    rows.ny = halved ? (fine.level.ny + 1) / 2 : fine.level.ny;
    const int first = halved ? fine.share.first() / 2 : fine.share.first();
    const std::ptrdiff_t begin = first - (coarse.share.shared() ? coarse.share.first() : 0);
    rows.x += begin * rows.slab();
    rows.b += begin * rows.slab();
    return rows;
  }

  // Shares of all points of a grid that ranks share: each point counts where it is owned.
  Coupling coupling(const SetupStorage& s) const {
    if (!s.share.shared()) return kernels_->coupling(s.grid);
    const Coupling own = kernels_->coupling(rows_of(s.grid, s.share.before(), s.share.own_rows()));
    std::array<double, 2> sums{own.x, own.y};
    ranks_->sum(sums);
    return {sums[0], sums[1]};
  }

  // The next grid, in one direction or in both. Sets `owners` where it is the first that all ranks hold.
  SetupStorage* coarsen(SetupStorage& fine, std::deque<SetupStorage>& scratch, RowShare& owners) {
    const SetupGrid& grid = fine.grid;
    const auto [x, y] = coupling(fine);
    const bool in_x = grid.nx > 1 && (grid.ny == 1 || !(x < kWeakCoupling * y));
    const bool in_y = grid.ny > 1 && (grid.nx == 1 || !(y < kWeakCoupling * x) || !in_x);
    const int all_rows = fine.share.shared() ? fine.share.begins.back() : grid.ny;
    const auto next = [&](const RowShare& share, int nx, int ny) -> SetupStorage& {
      if (used_ == scratch.size()) scratch.emplace_back();
      SetupStorage& storage = scratch[used_++];
      storage.reserve(share, nx, ny, grid.nz, true);
      return storage;
    };
    SetupStorage* coarse = &fine;
    owners = {};
    if (in_x) coarse = coarsen_once(true, *coarse, next(fine.share, (grid.nx + 1) / 2, all_rows));
    if (in_y) {
      const RowShare half = fine.share.halved();
      coarse = coarsen_once(false, *coarse,
                            next(half.holds() ? half : RowShare(), coarse->grid.nx, (all_rows + 1) / 2));
      if (fine.share.shared() && !half.holds()) owners = half;
    }
    const SetupGrid& g = coarse->grid;
    for (double* array : {g.a.diagonal, g.a.east, g.a.north, g.a.rising, g.a.falling, g.up}) {
      if (array == nullptr) continue;
      if (coarse->share.shared()) exchange(*ranks_, coarse->share, array, g.slab());
      if (owners.shared()) gather(*ranks_, owners, array, g.slab());
    }
    return coarse;
  }

  SetupStorage* coarsen_once(bool in_x, SetupStorage& fine, SetupStorage& coarse) {
    const int first = !fine.share.shared() ? 0 : in_x ? fine.share.first() : fine.share.first() / 2;
    const SetupGrid grid = rows_of(coarse.grid, first - (coarse.share.shared() ? coarse.share.first() : 0),
                                   in_x ? fine.grid.ny : (fine.grid.ny + 1) / 2);
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
  const SharingRanks* ranks_ = nullptr;
  std::deque<LevelStorage<T>> levels_;
  std::size_t count_ = 0;
  std::size_t used_ = 0;  // of the grids to set up with
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

  void take(const Stencil& s, double most, const RowShare& share);
  void set_up(bool free, const SharingRanks* ranks) {
    if (precision == Precision::single) {
      single_precision.set_up(finest, scratch, free, ranks);
    } else {
      double_precision.set_up(finest, scratch, free, ranks);
    }
  }
  template <typename T>
  void apply(Hierarchy<T>& hierarchy, const double* r, double r_norm, double* z);
};

// The stencil as conductances, scaled to a largest diagonal of 1 from `most`; of a bore what it adds to the diagonal.
void Multigrid::Impl::take(const Stencil& s, double most, const RowShare& share) {
  grid = s.grid;
  finest.reserve(share, grid.nx, grid.ny, grid.nz, false);
  const SetupGrid& to = finest.grid;
  scale = most > 0 ? 1.0 / most : 1.0;
  kernels_of(grid.nz).take_stencil(scale, s.tx.data(), s.ty.data(), s.tz.data(),
                                   s.well.empty() ? nullptr : s.well.data(), to);
  for (const Bore& bore : s.bores) {
    for (std::size_t n = 0; n < bore.cells.size(); ++n) {
      const std::size_t c = bore.cells[n];
      const std::size_t row = c / grid.nx % grid.ny * grid.nz + c / grid.layer();
      to.a.diagonal[row * to.stride + c % grid.nx] += scale * bore.index[n];
    }
  }
}

// B r for r of norm `r_norm`, scaled to a mean square of 1: single precision has a range of its own.
template <typename T>
void Multigrid::Impl::apply(Hierarchy<T>& hierarchy, const double* r, double r_norm, double* z) {
  const double size = r_norm / std::sqrt(static_cast<double>(grid.cells()));
  const RowsOf rows = all_rows(grid);
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
  impl_->take(stencil, largest_diagonal(stencil), RowShare());
  impl_->set_up(stencil.held() == 0.0 && stencil.bores.empty(), nullptr);
}

void Multigrid::set_up(const Stencil& rows, Precision precision, bool free, const RowShare& share,
                       const SharingRanks& ranks) {
  impl_->precision = precision;
  impl_->take(rows, ranks.most(largest_diagonal(rows)), share);
  impl_->set_up(free, &ranks);
}

int Multigrid::halo(const Grid& grid) {
  return kernels_of(grid.nz).halo;
}

double Multigrid::apply(const double* r, double* z) {
  Impl& m = *impl_;
  const double norm = std::sqrt(krylov_kernels().sum_of_squares(all_rows(m.grid), r));
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
