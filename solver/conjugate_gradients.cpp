#include "solver/conjugate_gradients.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "solver/split_rows.hpp"
#include "solver/stencil_operator.hpp"

namespace mano {

void ConjugateGradients::take(const Stencil& stencil, Multigrid::Precision precision,
                              const SharingRanks* ranks) {
  whole_ = stencil_ = &stencil;
  ranks_ = ranks;
  rhs_norm_ = norm(stencil.rhs);
  reference_ = 0.0;
  singular_ = stencil.held() == 0.0;
  if (ranks == nullptr) {
    rows_ = nullptr;
    multigrid_.set_up(stencil, precision);
  } else {
    share_ = RowShare::of(stencil.grid.ny, ranks->size(), ranks->rank(), Multigrid::halo(stencil.grid));
    rows_ = std::make_unique<Stencil>(stencil.rows(share_.first(), share_.rows()));
    multigrid_.set_up(*rows_, precision, singular_ && stencil.bores.empty(), share_, *ranks);
    std::erase_if(rows_->bores, [&](const Bore& bore) {  // the multigrid counts them in the halo too
      const auto j = static_cast<int>(bore.cells.front() / rows_->grid.nx % rows_->grid.ny);
      return j < share_.before() || j >= share_.before() + share_.own_rows();
    });
    stencil_ = rows_.get();
  }
  for (std::vector<double>* v : {&r_, &direction_, &image_}) v->resize(stencil_->grid.cells());
}

ConjugateGradients::Result ConjugateGradients::solve(std::vector<double>& p, bool p_is_zero, double tolerance,
                                                     int most_iterations) {
  std::vector<double> held;
  std::vector<double>& x = ranks_ == nullptr ? p : held;
  if (ranks_ != nullptr) held = held_rows(p);
  r_ = stencil_->rhs;
  if (!p_is_zero) {
    multiply(*stencil_, x.data(), image_.data());
    for (std::size_t c = 0; c < r_.size(); ++c) r_[c] -= image_[c];
  }
  const Result result = multigrid_.in_single_precision() ? iterate<float>(x, tolerance, most_iterations)
                                                         : iterate<double>(x, tolerance, most_iterations);
  if (ranks_ != nullptr) gather(held, p);
  return result;
}

void ConjugateGradients::sum(std::span<double> values) const {
  if (ranks_ != nullptr) ranks_->sum(values);
}

double ConjugateGradients::sum(double value) const {
  sum(std::span(&value, 1));
  return value;
}

// The rows of a field that this rank holds.
std::vector<double> ConjugateGradients::held_rows(const std::vector<double>& field) const {
  const Grid& g = whole_->grid;
  std::vector<double> rows;
  for (int k = 0; k < g.nz; ++k) {
    const auto begin = field.begin() + static_cast<std::ptrdiff_t>(g.index(0, share_.first(), k));
    rows.insert(rows.end(), begin, begin + static_cast<std::ptrdiff_t>(share_.rows()) * g.nx);
  }
  return rows;
}

// The field, from the rows that each rank owns. Row by row, with all layers of each, they lie together.
void ConjugateGradients::gather(const std::vector<double>& rows, std::vector<double>& field) const {
  const Grid& g = whole_->grid;
  const Grid& held = stencil_->grid;
  const auto slab = static_cast<std::size_t>(g.nx) * g.nz;
  std::vector<double> by_rows(g.cells());
  for (int j = 0; j < share_.own_rows(); ++j) {
    for (int k = 0; k < g.nz; ++k) {
      std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(held.index(0, share_.before() + j, k)), g.nx,
                  by_rows.begin() + static_cast<std::ptrdiff_t>((share_.own_begin() + j) * slab +
                                                                static_cast<std::size_t>(k) * g.nx));
    }
  }
  ranks_->gather(by_rows.data(), slab * sizeof(double), share_.begins);
  for (int j = 0; j < g.ny; ++j) {
    for (int k = 0; k < g.nz; ++k) {
      std::copy_n(
          by_rows.begin() + static_cast<std::ptrdiff_t>(j * slab + static_cast<std::size_t>(k) * g.nx), g.nx,
          field.begin() + static_cast<std::ptrdiff_t>(g.index(0, j, k)));
    }
  }
}

template <typename T>
ConjugateGradients::Result ConjugateGradients::iterate(std::vector<double>& x, double tolerance,
                                                       int most_iterations) {
  const KrylovKernelsIn<T>& kernel = krylov_kernels().with(T());
  const CycleVectors<T> v = multigrid_.vectors<T>();
  Transmissibilities a = transmissibilities_of(*stencil_);
  if (ranks_ != nullptr) {
    a.grid.begin = share_.before();
    a.grid.end = share_.before() + share_.own_rows();
  }
  const auto cells = static_cast<double>(whole_->grid.cells());
  const double active = cells - static_cast<double>(whole_->active.inactive());
  double residual = std::sqrt(sum(krylov_kernels().sum_of_squares(a.grid, r_.data())));
  // The cycle sees r over `size`, which makes its mean square about 1: single precision has a range of its own.
  double size = residual > 0 ? residual / std::sqrt(cells) : 1.0;
  kernel.load(a.grid, 1 / size, r_.data(), v.b);
  Result result;
  double step = 0.0;
  double rz_before = 0.0;
  for (int iteration = 0;; ++iteration) {
    result.iterations = iteration;
    multigrid_.cycle();
    const auto products = [&](double mean) {
      const Products own = kernel.products(a.grid, v.b, v.x, mean);
      std::array<double, 3> all{own.bz, own.zz, own.z};
      sum(all);
      return Products{all[0], all[1], all[2]};
    };
    Products in_cycle = products(0.0);
    // The constant that nothing holds does not count; it may be large.
    if (singular_) in_cycle = products(in_cycle.z / active);
    const double unit = size * v.scale;  // of z in the cycle
    const double rz = size * unit * in_cycle.bz;
    const double preconditioned = unit * std::sqrt(in_cycle.zz);
    if (reference_ == 0.0) reference_ = preconditioned;
    result.end = !std::isfinite(preconditioned) || !std::isfinite(rz) ? End::not_finite
                 : preconditioned <= tolerance * reference_ && residual <= tolerance * rhs_norm_
                     ? End::converged
                 : !(rz > 0) ? End::indefinite_preconditioner
                             : End::most_iterations;
    if (result.end != End::most_iterations || iteration >= most_iterations) break;
    double curvature = kernel.direction(a, v.x, unit, iteration == 0 ? 0.0 : rz / rz_before, step, x.data(),
                                        direction_.data(), image_.data());
    curvature = sum(curvature + add_bores(*stencil_, direction_.data(), image_.data()));
    step = 0.0;
    if (!(curvature > 0)) {
      result.end = std::isfinite(curvature) ? End::indefinite_matrix : End::not_finite;
      break;
    }
    step = rz / curvature;
    rz_before = rz;
    size = residual > 0 ? residual / std::sqrt(cells) : size;
    residual = std::sqrt(sum(kernel.residual(a.grid, step, image_.data(), 1 / size, r_.data(), v.b)));
  }
  for (std::size_t c = 0; c < x.size(); ++c) x[c] += step * direction_[c];
  return result;
}

}  // namespace mano
