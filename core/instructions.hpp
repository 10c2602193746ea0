#pragma once
// Which of the instruction sets that a kernel was compiled for the processor has; see mano_kernels in cmake/ManoTargets.cmake.

namespace mano {

enum class Instructions { baseline, avx2, avx512 };

inline Instructions best_instructions() {
#ifdef __x86_64__
  const auto has_all = [](auto... features) { return (features && ...); };
  if (has_all(__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"),
              __builtin_cpu_supports("avx512cd"), __builtin_cpu_supports("avx512dq"),
              __builtin_cpu_supports("avx512vl"), __builtin_cpu_supports("bmi2"),
              __builtin_cpu_supports("fma")))
    return Instructions::avx512;
  if (has_all(__builtin_cpu_supports("avx2"), __builtin_cpu_supports("fma"), __builtin_cpu_supports("bmi"),
              __builtin_cpu_supports("bmi2")))
    return Instructions::avx2;
#endif
  return Instructions::baseline;
}

}  // namespace mano

/// The `table` of the best of the namespaces baseline, avx2 and avx512.
#ifdef __x86_64__
#define MANO_BEST_OF(table)                                    \
  (best_instructions() == Instructions::avx512 ? avx512::table \
   : best_instructions() == Instructions::avx2 ? avx2::table   \
                                               : baseline::table)
#else
#define MANO_BEST_OF(table) baseline::table
#endif
