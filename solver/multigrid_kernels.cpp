// The table of multigrid_kernels.hpp, compiled once for each instruction set, with MANO_INSTRUCTIONS its name: the two passes of a
// cycle, made of the rows' loops in the headers below. No header of the standard library with
// inline functions: the linker would be free to take their AVX-512 version for everybody.
#include "solver/multigrid_kernels.hpp"

#include "solver/layout_loops.hpp"
#include "solver/relaxation_loops.hpp"
#include "solver/setup_loops.hpp"
#include "solver/transfer_loops.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// Both passes go through the rows once: phase k works k rows behind the first one, where its neighbours are ready, so that
// the rows in work stay in the cache.
template <typename T>
void smooth_and_restrict(const Level<T>& fine, const Level<T>& coarse, int steps) {
  const Index phases = 2 * steps;
  for (Index j = 0; j < coarse.ny; ++j) {
    for (Index i = 0; i < coarse.half + coarse.nx / 2; ++i) coarse.b[j * coarse.stride + i] = 0;
  }
  for (Index t = 0; t < fine.ny + phases; ++t) {
    if (t < fine.ny) relax_zero(fine, t);
    for (Index k = 1; k < phases; ++k) {
      if (t >= k && t - k < fine.ny) relax(fine, t - k, static_cast<int>(k & 1), false);
    }
    if (t >= phases) {
      residual_row(fine, t - phases, fine.row[0]);
      restrict_row(fine, coarse, t - phases, fine.row[0]);
    }
  }
}

template <typename T>
void interpolate_and_smooth(const Level<T>& fine, const Level<T>& coarse, int steps) {
  const Index phases = 2 * steps;
  for (Index t = 0; t < fine.ny + phases; ++t) {
    if (t < fine.ny) interpolate_row(fine, coarse, t);
    for (Index k = 0; k < phases; ++k) {
      const Index j = t - 1 - k;
      if (j >= 0 && j < fine.ny) relax(fine, j, static_cast<int>((k + 1) & 1), true);
    }
  }
}

}  // namespace

template <typename T>
constexpr CycleKernels<T> kCycle{take_operator<T>, take_weights<T>, smooth_and_restrict<T>,
                                 interpolate_and_smooth<T>};

extern const Kernels table;
const Kernels table{take_stencil, coupling, coarsen<true>, coarsen<false>, kCycle<float>, kCycle<double>};

}  // namespace mano::MANO_INSTRUCTIONS
