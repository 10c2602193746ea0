#include "core/instructions.hpp"
#include "solver/multigrid_kernels.hpp"

namespace mano {

namespace baseline {
extern const Kernels table;
}
#ifdef __x86_64__
namespace avx2 {
extern const Kernels table;
}
namespace avx512 {
extern const Kernels table;
}
#endif

const Kernels& kernels() {
  static const Kernels& chosen = MANO_BEST_OF(table);
  return chosen;
}

}  // namespace mano
