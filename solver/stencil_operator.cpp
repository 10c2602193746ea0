#include "solver/stencil_operator.hpp"

namespace mano {

Transmissibilities transmissibilities_of(const Stencil& s) {
  return {all_rows(s.grid), s.tx.data(), s.ty.data(), s.tz.empty() ? nullptr : s.tz.data(),
          s.well.empty() ? nullptr : s.well.data()};
}

double add_bores(const Stencil& s, const double* x, double* y) {
  double added = 0.0;
  for (const Bore& bore : s.bores) {
    const double mean = bore.mean(x);
    for (std::size_t n = 0; n < bore.cells.size(); ++n) {
      const double flow = bore.index[n] * (x[bore.cells[n]] - mean);
      y[bore.cells[n]] += flow;
      added += flow * x[bore.cells[n]];
    }
  }
  return added;
}

void multiply(const Stencil& s, const double* x, double* y) {
  krylov_kernels().apply(transmissibilities_of(s), x, y);
  add_bores(s, x, y);
}

}  // namespace mano
