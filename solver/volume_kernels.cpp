// The table of volumes in multigrid_kernels.hpp, compiled once for each instruction set, with MANO_INSTRUCTIONS its name; as
// flat_kernels.cpp.
#include "solver/multigrid_kernels.hpp"
#include "solver/volume_cycle_loops.hpp"
#include "solver/volume_setup_loops.hpp"

namespace mano::MANO_INSTRUCTIONS {

template <typename T>
constexpr CycleKernels<T> kVolumeCycle{take_operator<T>, take_weights<T>, smooth_and_restrict<T>,
                                       interpolate_and_smooth<T>, solve_coarsest<T>};

extern const Kernels volume_table;
const Kernels volume_table{take_stencil,        coupling, coarsen<true>, coarsen<false>, kVolumeCycle<float>,
                           kVolumeCycle<double>};

}  // namespace mano::MANO_INSTRUCTIONS
