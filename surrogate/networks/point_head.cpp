#include "surrogate/networks/point_head.hpp"

#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;

Tensor PointHead::features(const Tensor& tokens, int64_t p, int64_t height, int64_t width) const {
  const int64_t rows = tokens.size(1), columns = tokens.size(2), m = input.size(0);
  return torch::linear(tokens, token, token_bias)
      .view({tokens.size(0), rows, columns, p, p, m})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({tokens.size(0), rows * p, columns * p, m})
      .permute({0, 3, 1, 2})
      .slice(2, 0, height)
      .slice(3, 0, width);
}

// The products are over numbers that lie side by side: half the time of products over planes.
Tensor PointHead::outputs(const Tensor& features, const Tensor& inputs) const {
  const Tensor hidden = features.permute({0, 2, 3, 1}) + torch::linear(inputs.permute({0, 2, 3, 1}), input);
  return torch::linear(torch::gelu(hidden), output, output_bias).permute({0, 3, 1, 2});
}

}  // namespace mano
