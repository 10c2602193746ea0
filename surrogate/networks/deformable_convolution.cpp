#include "surrogate/networks/deformable_convolution.hpp"

#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;

namespace {

// Interpolated values [..., C] of cells [B H W, C] at the places y and x [B, ...], in cells; zero outside H x W. Cells are read by
// index(), whose gradient on a GPU is summed in a fixed order; those of gather() and grid_sample() are not.
Tensor interpolated(const Tensor& cells, const Tensor& y, const Tensor& x, int64_t height, int64_t width) {
  const Tensor top = y.detach().floor();
  const Tensor left = x.detach().floor();
  const Tensor below = y - top, beyond = x - left;
  const auto shape = std::vector<int64_t>{y.size(0), 1, 1, 1};
  const Tensor sample =
      torch::arange(y.size(0), y.options().dtype(torch::kLong)).view(shape) * (height * width);
  Tensor sum;
  for (const bool down : {false, true}) {
    for (const bool right : {false, true}) {
      const Tensor row = down ? top + 1 : top;
      const Tensor column = right ? left + 1 : left;
      const auto inside = (row >= 0) & (row < height) & (column >= 0) & (column < width);
      const Tensor share = (down ? below : 1 - below) * (right ? beyond : 1 - beyond) * inside;
      // Where training has diverged the share is not a number, but the cell must be one.
      const Tensor at = sample + row.nan_to_num(0.0).clamp(0, height - 1).to(torch::kLong) * width +
                        column.nan_to_num(0.0).clamp(0, width - 1).to(torch::kLong);
      const Tensor part = cells.index({at}) * share.unsqueeze(-1);
      sum = sum.defined() ? sum + part : part;
    }
  }
  return sum;
}

}  // namespace

Tensor deformable_convolution(const Tensor& x, const Tensor& offset, const Tensor& weight, const Tensor& bias,
                              int64_t stride) {
  const int64_t height = x.size(2), width = x.size(3), k = weight.size(2);
  const int64_t rows = offset.size(2), columns = offset.size(3);
  const auto options = x.options().requires_grad(false);
  const Tensor tap = torch::arange(k, options);
  const auto y = torch::arange(rows, options).view({rows, 1}) * stride +
                 tap.view({k, 1}).expand({k, k}).reshape({k * k, 1, 1});
  const auto z = torch::arange(columns, options) * stride + tap.repeat({k}).view({k * k, 1, 1});
  const auto moved = offset.view({x.size(0), k * k, 2, rows, columns});
  // A place one cell outside already weighs nothing: farther ones need no integers of their own.
  const auto taps = interpolated(x.permute({0, 2, 3, 1}).flatten(0, 2),
                                 (y + moved.select(2, 0)).clamp(-1, static_cast<double>(height)),
                                 (z + moved.select(2, 1)).clamp(-1, static_cast<double>(width)), height,
                                 width);  // [B, k k, rows, columns, C]
  return torch::linear(taps.permute({0, 2, 3, 1, 4}).flatten(3), weight.permute({0, 2, 3, 1}).flatten(1),
                       bias)
      .permute({0, 3, 1, 2});
}

}  // namespace mano
