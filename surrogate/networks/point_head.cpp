#include "surrogate/networks/point_head.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <vector>

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

Tensor PointHead::outputs(const Tensor& features, const Tensor& inputs) const {
  // The products are over numbers that lie side by side: half the time of products over planes.
  const auto of_rows = [&](std::int64_t first, std::int64_t last) {
    const auto x = torch::linear(inputs.slice(2, first, last).permute({0, 2, 3, 1}), input);
    const auto hidden = torch::gelu(features.slice(2, first, last).permute({0, 2, 3, 1}) + x);
    return torch::linear(hidden, output, output_bias).permute({0, 3, 1, 2});
  };
  const std::int64_t rows = inputs.size(2);
  if (!inputs.is_cpu() || at::GradMode::is_enabled()) return of_rows(0, rows);
  std::vector<Tensor> bands;
  const std::int64_t step = band_rows(inputs);
  for (std::int64_t first = 0; first < rows; first += step)
    bands.push_back(of_rows(first, std::min(first + step, rows)));
  return torch::cat(bands, 2);
}

std::int64_t PointHead::band_rows(const Tensor& inputs) {
  constexpr std::int64_t kPoints = 1024;
  return std::max<std::int64_t>(1, kPoints / std::max<std::int64_t>(1, inputs.size(0) * inputs.size(3)));
}

}  // namespace mano
