// The table of token_kernels.hpp, compiled once for each instruction set, with MANO_INSTRUCTIONS its name; the loops are in the
// headers below.
#include "surrogate/kernels/token_kernels.hpp"

#include "surrogate/kernels/token_attention.hpp"
#include "surrogate/kernels/token_convolution.hpp"
#include "surrogate/kernels/token_elements.hpp"
#include "surrogate/kernels/token_levels.hpp"
#include "surrogate/kernels/token_norms.hpp"
#include "surrogate/kernels/token_products.hpp"

namespace mano::MANO_INSTRUCTIONS {

template <typename S>
constexpr TokenKernels<S> kTable{attention_scratch<S>,
                                 attention<S>,
                                 attention_backward<S>,
                                 normalize<S>,
                                 normalize_backward<S>,
                                 gelu<S>,
                                 gelu_backward<S>,
                                 add_biased<S>,
                                 add_column_sums<Sum<S>>,
                                 add_operand_sums<S>,
                                 add_bias<S>,
                                 convert<S>,
                                 add_back<S>,
                                 gather_blocks<S>,
                                 scatter_blocks<S>,
                                 convolve<S>,
                                 convolution_gradients<S>};

extern const TokenKernels<float> table_float;
extern const TokenKernels<double> table_double;
extern const TokenKernels<BFloat16> table_bfloat16;
const TokenKernels<float> table_float = kTable<float>;
const TokenKernels<double> table_double = kTable<double>;
const TokenKernels<BFloat16> table_bfloat16 = kTable<BFloat16>;

extern const Product<float> product_float;
extern const Product<double> product_double;
const Product<float> product_float = product<float>;
const Product<double> product_double = product<double>;

}  // namespace mano::MANO_INSTRUCTIONS
