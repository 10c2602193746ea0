#include "surrogate/networks/token_layout.hpp"

#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;

Tensor whole_patches(const Tensor& x, int64_t p) {
  const int64_t below = (p - x.size(2) % p) % p, right = (p - x.size(3) % p) % p;
  return below == 0 && right == 0 ? x : torch::replication_pad2d(x, {0, right, 0, below});
}

Tensor from_patches(const Tensor& tokens, int64_t p, int64_t height, int64_t width) {
  const auto x = tokens.view({tokens.size(0), tokens.size(1), tokens.size(2), -1, p, p})
                     .permute({0, 3, 1, 4, 2, 5})
                     .reshape({tokens.size(0), -1, tokens.size(1) * p, tokens.size(2) * p});
  return x.slice(2, 0, height).slice(3, 0, width);
}

Tensor to_windows(const Tensor& tokens, int64_t k) {
  return tokens.view({tokens.size(0), tokens.size(1) / k, k, tokens.size(2) / k, k, tokens.size(3)})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({-1, k * k, tokens.size(3)});
}

Tensor from_windows(const Tensor& windows, int64_t k, int64_t batch, int64_t height, int64_t width) {
  return windows.view({batch, height / k, width / k, k, k, windows.size(2)})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({batch, height, width, windows.size(2)});
}

Tensor depthwise(const Tensor& tokens, const Tensor& weight, const Tensor& bias) {
  return torch::conv2d(tokens.permute({0, 3, 1, 2}), weight, bias, 1, weight.size(2) / 2, 1, tokens.size(3))
      .permute({0, 2, 3, 1});
}

}  // namespace mano
