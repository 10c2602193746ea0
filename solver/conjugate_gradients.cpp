#include "solver/conjugate_gradients.hpp"

#include <algorithm>
#include <cmath>

#include "solver/split_rows.hpp"
#include "solver/stencil_operator.hpp"

namespace mano {

void ConjugateGradients::take(const Stencil& stencil, Multigrid::Precision precision) {
  stencil_ = &stencil;
  multigrid_.set_up(stencil, precision);
  rhs_norm_ = norm(stencil.rhs);
  reference_ = 0.0;
  singular_ = stencil.held() == 0.0;
  for (std::vector<double>* v : {&r_, &direction_, &image_}) v->resize(stencil.grid.cells());
}

ConjugateGradients::Result ConjugateGradients::solve(std::vector<double>& p, bool p_is_zero, double tolerance,
                                                     int most_iterations) {
  r_ = stencil_->rhs;
  if (!p_is_zero) {
    multiply(*stencil_, p.data(), image_.data());
    for (std::size_t c = 0; c < r_.size(); ++c) r_[c] -= image_[c];
  }
  return multigrid_.in_single_precision() ? iterate<float>(p, tolerance, most_iterations)
                                          : iterate<double>(p, tolerance, most_iterations);
}

template <typename T>
ConjugateGradients::Result ConjugateGradients::iterate(std::vector<double>& x, double tolerance,
                                                       int most_iterations) {
  const KrylovKernelsIn<T>& kernel = krylov_kernels().with(T());
  const CycleVectors<T> v = multigrid_.vectors<T>();
  const Transmissibilities a = transmissibilities_of(*stencil_);
  const auto cells = static_cast<double>(r_.size());
  const double active = cells - static_cast<double>(stencil_->active.inactive());
  double residual = std::sqrt(krylov_kernels().sum_of_squares(r_.size(), r_.data()));
  // The cycle sees r over `size`, which makes its mean square about 1: single precision has a range of its own.
  double size = residual > 0 ? residual / std::sqrt(cells) : 1.0;
  kernel.load(a.grid, 1 / size, r_.data(), v.b);
  Result result;
  double step = 0.0;
  double rz_before = 0.0;
  for (int iteration = 0;; ++iteration) {
    result.iterations = iteration;
    multigrid_.cycle();
    const Products in_cycle = kernel.products(a.grid, v.b, v.x);
    const double unit = size * v.scale;  // of z in the cycle
    const double rz = size * unit * in_cycle.bz;
    // The constant that nothing holds does not count.
    const double zz = in_cycle.zz - (singular_ ? in_cycle.z * in_cycle.z / active : 0.0);
    const double preconditioned = unit * std::sqrt(std::max(0.0, zz));
    if (reference_ == 0.0) reference_ = preconditioned;
    result.end = !std::isfinite(preconditioned) || !std::isfinite(rz) ? End::not_finite
                 : preconditioned <= tolerance * reference_ && residual <= tolerance * rhs_norm_
                     ? End::converged
                 : !(rz > 0) ? End::indefinite_preconditioner
                             : End::most_iterations;
    if (result.end != End::most_iterations || iteration >= most_iterations) break;
    double curvature = kernel.direction(a, v.x, unit, iteration == 0 ? 0.0 : rz / rz_before, step, x.data(),
                                        direction_.data(), image_.data());
    curvature += add_bores(*stencil_, direction_.data(), image_.data());
    step = 0.0;
    if (!(curvature > 0)) {
      result.end = std::isfinite(curvature) ? End::indefinite_matrix : End::not_finite;
      break;
    }
    step = rz / curvature;
    rz_before = rz;
    size = residual > 0 ? residual / std::sqrt(cells) : size;
    residual = std::sqrt(kernel.residual(a.grid, step, image_.data(), 1 / size, r_.data(), v.b));
  }
  for (std::size_t c = 0; c < x.size(); ++c) x[c] += step * direction_[c];
  return result;
}

}  // namespace mano
