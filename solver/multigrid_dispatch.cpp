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

namespace {

const Kernels& best() {
#ifdef __x86_64__
  const auto has_all = [](auto... features) { return (features && ...); };
  if (has_all(__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"),
              __builtin_cpu_supports("avx512cd"), __builtin_cpu_supports("avx512dq"),
              __builtin_cpu_supports("avx512vl"), __builtin_cpu_supports("bmi2"),
              __builtin_cpu_supports("fma")))
    return avx512::table;
  if (has_all(__builtin_cpu_supports("avx2"), __builtin_cpu_supports("fma"), __builtin_cpu_supports("bmi"),
              __builtin_cpu_supports("bmi2")))
    return avx2::table;
#endif
  return baseline::table;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = best();
  return chosen;
}

}  // namespace mano
