#include "core/instructions.hpp"
#include "solver/krylov_kernels.hpp"

namespace mano {

namespace baseline {
extern const KrylovKernels krylov_table;
}
#ifdef __x86_64__
namespace avx2 {
extern const KrylovKernels krylov_table;
}
namespace avx512 {
extern const KrylovKernels krylov_table;
}
#endif

const KrylovKernels& krylov_kernels() {
  static const KrylovKernels& chosen = MANO_BEST_OF(krylov_table);
  return chosen;
}

}  // namespace mano
