#include "surrogate/networks/dynamic_filter.hpp"

#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;

// Tap by tap on views of one padded map: gathering the taps first would keep nine copies of the map for the gradient.
Tensor dynamic_filter(const Tensor& kernel, const Tensor& x, int64_t dilation) {
  const int64_t height = x.size(2), width = x.size(3);
  const auto padded = torch::constant_pad_nd(x, {dilation, dilation, dilation, dilation});
  Tensor sum;
  for (int64_t n = 0; n < 9; ++n) {
    const auto moved = padded.narrow(2, n / 3 * dilation, height).narrow(3, n % 3 * dilation, width);
    const auto tap = kernel.narrow(1, n, 1);
    sum = sum.defined() ? torch::addcmul(sum, tap, moved) : tap * moved;
  }
  return sum;
}

Tensor structured_attention(const Tensor& x, const Tensor& a) {
  const auto cells = x.permute({0, 2, 3, 1});  // [B, H, W, C]
  const auto gates = torch::matmul(torch::sigmoid(torch::matmul(cells, a.t())), a);
  return (gates * cells).permute({0, 3, 1, 2});
}

}  // namespace mano
