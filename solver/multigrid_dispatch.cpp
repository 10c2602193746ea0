#include "core/instructions.hpp"
#include "solver/krylov_kernels.hpp"
#include "solver/multigrid_kernels.hpp"

namespace mano {

namespace baseline {
extern const Kernels flat_table;
extern const Kernels volume_table;
extern const KrylovKernels krylov_table;
}  // namespace baseline
#ifdef __x86_64__
namespace avx2 {
extern const Kernels flat_table;
extern const Kernels volume_table;
extern const KrylovKernels krylov_table;
}  // namespace avx2
namespace avx512 {
extern const Kernels flat_table;
extern const Kernels volume_table;
extern const KrylovKernels krylov_table;
}  // namespace avx512
#endif

const Kernels& flat_kernels() {
  static const Kernels& chosen = MANO_BEST_OF(flat_table);
  return chosen;
}

const Kernels& volume_kernels() {
  static const Kernels& chosen = MANO_BEST_OF(volume_table);
  return chosen;
}

const KrylovKernels& krylov_kernels() {
  static const KrylovKernels& chosen = MANO_BEST_OF(krylov_table);
  return chosen;
}

}  // namespace mano
