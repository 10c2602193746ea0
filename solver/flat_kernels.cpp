// The table of flat grids in multigrid_kernels.hpp, compiled once for each instruction set, with MANO_INSTRUCTIONS its name, from the loops
// of the headers below. No header of the standard library with inline functions: the linker would be free to take their AVX-512 version
// for everybody.
#include "solver/flat_cycle_loops.hpp"
#include "solver/flat_setup_loops.hpp"
#include "solver/multigrid_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

template <typename T>
constexpr CycleKernels<T> kFlatCycle{take_operator<T>, take_weights<T>, smooth_and_restrict<T>,
                                     interpolate_and_smooth<T>, solve_coarsest<T>};

extern const Kernels flat_table;
const Kernels flat_table{
    6, take_stencil, coupling, coarsen<true>, coarsen<false>, kFlatCycle<float>, kFlatCycle<double>};

}  // namespace mano::MANO_INSTRUCTIONS
