#include "solver/correction.hpp"

#include <algorithm>
#include <numeric>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "solver/stencil_operator.hpp"

namespace mano {

namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// y += a x
void add(double a, const std::vector<double>& x, std::vector<double>& y) {
  for (std::size_t c = 0; c < x.size(); ++c) y[c] += a * x[c];
}

std::vector<double> times(const Stencil& s, const std::vector<double>& x) {
  std::vector<double> y(x.size());
  multiply(s, x.data(), y.data());
  return y;
}

const Problem& checked(const Problem& problem) {
  check_problem(problem);
  return problem;
}

}  // namespace

Corrector::Corrector(const Problem& problem) : stencil_(checked(problem)) {
  free_ = problem.pressure_is_free();
  multigrid_.set_up(stencil_, Multigrid::precision_for(problem.permeability_range()));
}

void Corrector::take(const Problem& problem) {
  stencil_ = Stencil(checked(problem));
  free_ = problem.pressure_is_free();
  multigrid_.set_up(stencil_, Multigrid::precision_for(problem.permeability_range()));
}

void Corrector::precondition(const std::vector<double>& r, std::vector<double>& z) {
  multigrid_.apply(r.data(), z.data());
  if (free_) subtract_mean(z, stencil_.active);
}

template <typename Stop>
int Corrector::iterate(std::vector<double>& r, std::vector<double>& e, const Stop& stop) {
  std::vector<double> z(r.size());
  std::vector<double> direction;
  double before = 0.0;
  for (int cycles = 0;; ++cycles) {
    if (stop(cycles, norm(r))) return cycles;
    precondition(r, z);
    const double rz = dot(r, z);
    if (!(rz > 0)) return cycles;  // nothing is left that these numbers can tell from zero
    if (cycles == 0) {
      direction = z;
    } else {
      for (std::size_t c = 0; c < z.size(); ++c) direction[c] = z[c] + rz / before * direction[c];
    }
    before = rz;
    const std::vector<double> image = times(stencil_, direction);
    const double curvature = dot(direction, image);
    if (!(curvature > 0)) return cycles;
    const double step = rz / curvature;
    add(step, direction, e);
    add(-step, image, r);
  }
}

Field Corrector::correction(const Field& pressure, int cycles) {
  check(cycles >= 0, "cycles is {}; it must not be negative", cycles);
  Field e(stencil_.grid);
  std::vector<double> r = residual(stencil_, pressure).values;
  iterate(r, e.values, [&](int done, double) { return done >= cycles; });
  return e;
}

Corrector::Corrected Corrector::solve_from(const Field& pressure, double tolerance) {
  constexpr int kMostCycles = 100;
  Corrected result{pressure, 0, relative_residual(stencil_, pressure)};
  const double rhs_norm = norm(stencil_.rhs);
  if (rhs_norm == 0.0) return {Field(stencil_.grid), 0, 0.0};
  // The recursion's residual drifts from the true one: begin anew from there.
  for (int attempt = 0; attempt < 3 && result.relative_residual > tolerance; ++attempt) {
    std::vector<double> r = residual(stencil_, result.pressure).values;
    result.cycles += iterate(r, result.pressure.values, [&](int done, double left) {
      return left <= tolerance * rhs_norm || done >= kMostCycles;
    });
    result.relative_residual = relative_residual(stencil_, result.pressure);
  }
  if (result.relative_residual <= tolerance) return result;
  const double attainable = attainable_relative_residual(stencil_, result.pressure);
  if (!(result.relative_residual <= std::max(tolerance, attainable)))
    throw RunFailed(fmt::format("{} cycles leave a relative residual of {:.3g}, {:.3g} was asked for",
                                result.cycles, result.relative_residual, tolerance));
  return result;
}

Field Corrector::solve_for(Field rhs, double tolerance) {
  std::vector<double> b = with_inactive(std::move(rhs), stencil_.active, 0.0).values;
  if (free_) subtract_mean(b, stencil_.active);
  b.swap(stencil_.rhs);
  struct Restored {  // whatever is thrown
    std::vector<double>&now, &before;
    ~Restored() { now.swap(before); }
  } restored{stencil_.rhs, b};
  return solve_from(Field(stencil_.grid), tolerance).pressure;
}

}  // namespace mano
