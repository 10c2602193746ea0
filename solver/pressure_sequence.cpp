#include "solver/pressure_sequence.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "solver/multigrid.hpp"
#include "solver/stencil_operator.hpp"

namespace mano {

namespace {

using Values = std::vector<double>;

double inner_product_of(const Values& a, const Values& b) {
  double sum = 0.0;
  const std::size_t n = a.size();
#pragma omp simd reduction(+ : sum)
  for (std::size_t c = 0; c < n; ++c) sum += a[c] * b[c];
  return sum;
}

const Problem& with_check(const Problem& problem) {
  check_problem(problem);
  return problem;
}

double least_prescribed(const Problem& problem) {
  std::vector<double> held;
  for (const Side side : sides_of(problem.grid())) {
    const BoundaryCondition& condition = problem.on(side);
    if (condition.type == BoundaryCondition::Type::pressure)
      held.insert(held.end(), condition.values.begin(), condition.values.end());
  }
  for (const Well& well : problem.wells)
    if (well.control == Well::Control::pressure) held.push_back(well.value);
  return held.empty() ? 0.0 : *std::min_element(held.begin(), held.end());
}

}  // namespace

struct PressureSequence::Impl {
  Problem base, scaled;
  Stencil stencil;
  bool free = false;  // the pressure, up to a constant
  Field level;
  Multigrid multigrid;
  Values r, z, direction, image;

  explicit Impl(const Problem& problem)
      : base(with_check(problem)),
        scaled(problem),
        stencil(problem),
        free(problem.pressure_is_free()),
        level(with_inactive(Field(problem.grid(), least_prescribed(problem)), problem.active, 0.0)) {
    for (Values* v : {&r, &z, &direction, &image}) v->resize(problem.grid().cells());
  }

  void scale(const Values& factor) {
    const auto times = [&](const Values& k, Values& to) {
      for (std::size_t c = 0; c < k.size(); ++c) to[c] = factor[c] * k[c];
    };
    times(base.permeability.values, scaled.permeability.values);
    times(base.permeability_y.values, scaled.permeability_y.values);
    stencil = Stencil(scaled);
  }

  void precondition() {
    multigrid.apply(r.data(), z.data());
    if (free) subtract_mean(z, stencil.active);
  }

  // Conjugate gradients until the recursion's |r| <= bound; returns the cycles, at most `most`.
  int iterate(Values& p, double bound, int most) {
    double before = 0.0;
    for (int cycles = 0;; ++cycles) {
      if (norm(r) <= bound || cycles >= most) return cycles;
      precondition();
      const double rz = inner_product_of(r, z);
      if (!(rz > 0)) return cycles;  // nothing is left that these numbers can tell from zero
      const double keep = cycles == 0 ? 0.0 : rz / before;
      for (std::size_t c = 0; c < z.size(); ++c) direction[c] = z[c] + keep * direction[c];
      before = rz;
      multiply(stencil, direction.data(), image.data());
      const double curvature = inner_product_of(direction, image);
      if (!(curvature > 0)) return cycles;
      const double step = rz / curvature;
      for (std::size_t c = 0; c < z.size(); ++c) {
        p[c] += step * direction[c];
        r[c] -= step * image[c];
      }
    }
  }

  // Cycles until the true residual is within `bound`, from the true one again where the recursion's drifts from it.
  int reach(Field& pressure, double bound, int most) {
    int cycles = 0;
    for (int attempt = 0; attempt < 4; ++attempt) {
      r = residual(stencil, pressure).values;
      if (norm(r) <= bound || cycles >= most) break;
      const int made = iterate(pressure.values, bound, most - cycles);
      cycles += made;
      if (made == 0) break;
    }
    r = residual(stencil, pressure).values;
    return cycles;
  }
};

PressureSequence::PressureSequence(const Problem& problem) : impl_(std::make_unique<Impl>(problem)) {}
PressureSequence::~PressureSequence() = default;
PressureSequence::PressureSequence(PressureSequence&&) noexcept = default;

PressureSequence::Solved PressureSequence::solve(const Values& factor, Field& pressure, double tolerance) {
  constexpr int kMostCycles = 60;  // as in solver/krylov_system.cpp
  Impl& d = *impl_;
  d.scale(factor);
  const double scale = norm(residual(d.stencil, d.level).values);
  if (scale == 0.0) {
    pressure = d.level;
    return {};
  }
  const double rhs = norm(d.stencil.rhs);
  Solved solved;
  std::vector<Multigrid::Precision> precisions{Multigrid::precision_for(d.scaled.permeability_range())};
  if (precisions[0] == Multigrid::Precision::single) precisions.push_back(Multigrid::Precision::double_);
  for (Multigrid::Precision precision : precisions) {
    d.multigrid.set_up(d.stencil, precision);
    solved.cycles += d.reach(pressure, tolerance * scale, kMostCycles);
    solved.relative_residual = norm(d.r) / scale;
    if (solved.relative_residual <= tolerance) return solved;
    if (norm(d.r) <= attainable_relative_residual(d.stencil, pressure) * rhs) return solved;
  }
  throw RunFailed(fmt::format("{} cycles leave a relative residual of {:.3g}, {:.3g} was asked for",
                              solved.cycles, solved.relative_residual, tolerance));
}

Field PressureSequence::level() const {
  return impl_->level;
}

const Stencil& PressureSequence::stencil() const {
  return impl_->stencil;
}
const Problem& PressureSequence::problem() const {
  return impl_->scaled;
}

}  // namespace mano
