#pragma once
// Deformable convolution, J. Dai et al., arXiv 1703.06211, in LibTorch's operators. Private to surrogate/ and its tests.

#include <torch/types.h>

namespace mano {

/// out(p) = bias + sum over the taps n of W_n x(stride p + o_n + offset_n(p)), x interpolated between cells, and zero outside the grid.
/// x [B, C, H, W]; offset [B, 2 k k, rows, columns], of each tap first along y, then along x, in cells; weight [out, C, k, k]; bias [out]
/// or undefined. Zero offsets give the strided convolution. The result has the offsets' rows and columns. No padding, no modulation.
torch::Tensor deformable_convolution(const torch::Tensor& x, const torch::Tensor& offset,
                                     const torch::Tensor& weight, const torch::Tensor& bias, int64_t stride);

}  // namespace mano
