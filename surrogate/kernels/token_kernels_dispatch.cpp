#include "core/instructions.hpp"
#include "surrogate/kernels/token_kernels.hpp"

namespace mano {

#define MANO_TABLES(instructions)                     \
  namespace instructions {                            \
  extern const TokenKernels<float> table_float;       \
  extern const TokenKernels<double> table_double;     \
  extern const TokenKernels<BFloat16> table_bfloat16; \
  extern const Product<float> product_float;          \
  extern const Product<double> product_double;        \
  }
MANO_TABLES(baseline)
#ifdef __x86_64__
MANO_TABLES(avx2)
MANO_TABLES(avx512)
#endif
#undef MANO_TABLES

template <>
const TokenKernels<float>& token_kernels<float>() {
  static const auto& chosen = MANO_BEST_OF(table_float);
  return chosen;
}

template <>
const TokenKernels<double>& token_kernels<double>() {
  static const auto& chosen = MANO_BEST_OF(table_double);
  return chosen;
}

template <>
const TokenKernels<BFloat16>& token_kernels<BFloat16>() {
  static const auto& chosen = MANO_BEST_OF(table_bfloat16);
  return chosen;
}

template <>
Product<float> product_kernel<float>() {
  static const auto chosen = MANO_BEST_OF(product_float);
  return chosen;
}

template <>
Product<double> product_kernel<double>() {
  static const auto chosen = MANO_BEST_OF(product_double);
  return chosen;
}

}  // namespace mano
