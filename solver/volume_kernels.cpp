// The table of volume_kernels.hpp, compiled once for each instruction set, with MANO_INSTRUCTIONS its name; as multigrid_kernels.cpp.
#include "solver/volume_kernels.hpp"

#include "solver/volume_cycle_loops.hpp"
#include "solver/volume_setup_loops.hpp"

namespace mano::MANO_INSTRUCTIONS {

template <typename T>
constexpr VolumeCycleKernels<T> kVolumeCycle{take_volume_operator<T>, take_volume_weights<T>,
                                             smooth_and_restrict<T>, interpolate_and_smooth<T>,
                                             solve_column<T>};

extern const VolumeKernels volume_table;
const VolumeKernels volume_table{
    take_stencil, coupling, coarsen<true>, coarsen<false>, kVolumeCycle<float>, kVolumeCycle<double>};

}  // namespace mano::MANO_INSTRUCTIONS
