#include "surrogate/attention.hpp"

#include <torch/torch.h>

#include <cmath>
#include <vector>

namespace mano {

namespace {

// mask[y][x][a]: 1 / n_t where the window that has token (y, x) at position a = (row in window, column in window)
// exists, else 0; [H, W, K*K].
torch::Tensor window_weights(int height, int width, int window, int stride) {
  const auto along = [&](int size) {  // [size, K]: 1 where the window starting at t - a exists
    torch::Tensor exists = torch::zeros({size, window}, torch::kFloat64);  // 1/3 must be exact in float64
    auto e = exists.accessor<double, 2>();
    for (int t = 0; t < size; ++t) {
      for (int a = 0; a < window; ++a) {
        const int origin = t - a;
        e[t][a] = origin >= 0 && origin % stride == 0 && origin + window <= size ? 1.0 : 0.0;
      }
    }
    return exists;
  };
  const auto exists = (along(height).view({height, 1, window, 1}) * along(width).view({1, width, 1, window}))
                          .reshape({height, width, window * window});
  return exists / exists.sum(-1, true).clamp_min(1);
}

// Neighbour number of position b of a window, seen from position a: (b - a + K - 1) in rows and columns.
int neighbour(int a, int b, int window) {
  const int rows = b / window - a / window + window - 1;
  const int columns = b % window - a % window + window - 1;
  return rows * (2 * window - 1) + columns;
}

torch::Tensor shifted(const torch::Tensor& padded, int neighbour, int reach, int64_t height, int64_t width) {
  return padded.narrow(1, neighbour / reach, height).narrow(2, neighbour % reach, width);
}

}  // namespace

torch::Tensor covered_tokens(int height, int width, int window, int stride,
                             const torch::TensorOptions& options) {
  return window_weights(height, width, window, stride).sum(-1, true).to(options);
}

torch::Tensor overlapping_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                                    int window, int stride) {
  const int64_t height = q.size(1);
  const int64_t width = q.size(2);
  const int reach = 2 * window - 1;
  const int pad = window - 1;
  const auto scaled = q * (1.0 / std::sqrt(static_cast<double>(q.size(4))));
  const auto padded_k = torch::constant_pad_nd(k, {0, 0, 0, 0, pad, pad, pad, pad});
  const auto padded_v = torch::constant_pad_nd(v, {0, 0, 0, 0, pad, pad, pad, pad});

  std::vector<torch::Tensor> scores(reach * reach);  // [B, H, W, h] for each neighbour
  for (int n = 0; n < reach * reach; ++n)
    scores[n] = (scaled * shifted(padded_k, n, reach, height, width)).sum(-1);

  // c: average over the windows that hold the token; position a of the token in the window names the window.
  const auto weights =
      window_weights(static_cast<int>(height), static_cast<int>(width), window, stride).to(q.options());
  std::vector<torch::Tensor> c(reach * reach);
  for (int a = 0; a < window * window; ++a) {
    std::vector<torch::Tensor> in_window(window * window);
    for (int b = 0; b < window * window; ++b) in_window[b] = scores[neighbour(a, b, window)];
    const auto probability = torch::stack(in_window).softmax(0) * weights.select(2, a).unsqueeze(-1);
    for (int b = 0; b < window * window; ++b) {
      torch::Tensor& sum = c[neighbour(a, b, window)];
      sum = sum.defined() ? sum + probability[b] : probability[b];
    }
  }
  torch::Tensor out;
  for (int n = 0; n < reach * reach; ++n) {
    const auto neighbours = shifted(padded_v, n, reach, height, width);
    out =
        out.defined() ? torch::addcmul(out, c[n].unsqueeze(-1), neighbours) : c[n].unsqueeze(-1) * neighbours;
  }
  return out;
}

}  // namespace mano
