#include "surrogate/networks/point_head.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <vector>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/token_layout.hpp"

namespace mano {

using torch::Tensor;

Tensor PointHead::features(const Tensor& tokens, int64_t p, int64_t height, int64_t width) const {
  const int64_t batch = tokens.size(0), rows = tokens.size(1), columns = tokens.size(2);
  const auto patches =
      torch::linear(tokens, token, token_bias).view({batch * rows * columns, p * p, input.size(0)});
  return from_windows(patches, p, batch, rows * p, columns * p)
      .permute({0, 3, 1, 2})
      .slice(2, 0, height)
      .slice(3, 0, width);
}

Tensor PointHead::outputs(const Tensor& features, const Tensor& inputs) const {
  // The products are over numbers that lie side by side: half the time of products over planes.
  return in_bands(inputs, [&](std::int64_t first, std::int64_t last) {
    const auto x = torch::linear(inputs.slice(2, first, last).permute({0, 2, 3, 1}), input);
    const auto hidden = torch::gelu(features.slice(2, first, last).permute({0, 2, 3, 1}) + x);
    return torch::linear(hidden, output, output_bias).permute({0, 3, 1, 2});
  });
}

Tensor PointHead::in_bands(const Tensor& inputs,
                           const std::function<Tensor(std::int64_t, std::int64_t)>& of_rows) {
  const std::int64_t rows = inputs.size(2);
  const bool whole = !inputs.is_cpu() || at::GradMode::is_enabled();
  const std::int64_t step = whole ? rows : band_rows(inputs);
  if (step >= rows) return of_rows(0, rows);
  std::vector<Tensor> bands;
  for (std::int64_t first = 0; first < rows; first += step)
    bands.push_back(of_rows(first, std::min(first + step, rows)));
  return torch::cat(bands, 2);
}

std::int64_t PointHead::band_rows(const Tensor& inputs) {
  constexpr std::int64_t kPoints = 1024;
  return std::max<std::int64_t>(1, kPoints / std::max<std::int64_t>(1, inputs.size(0) * inputs.size(3)));
}

}  // namespace mano
