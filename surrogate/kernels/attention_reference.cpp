#include "surrogate/kernels/attention_reference.hpp"

#include <algorithm>
#include <cmath>

namespace mano {

namespace {

// Offset of the d numbers of (batch, row, column, head).
std::size_t offset(const AttentionShape& s, int b, int y, int x, int head) {
  return (((static_cast<std::size_t>(b) * s.height + y) * s.width + x) * s.heads + head) * s.dim_head;
}

// softmax(q k^T / sqrt(d)) v within one window of one head, added to `sum`.
void attend_window(const AttentionShape& s, int b, int y0, int x0, int head, const std::vector<double>& q,
                   const std::vector<double>& k, const std::vector<double>& v, std::vector<double>& sum) {
  const int n = s.window * s.window;
  std::vector<std::size_t> token(n);
  for (int t = 0; t < n; ++t) token[t] = offset(s, b, y0 + t / s.window, x0 + t % s.window, head);
  for (int t = 0; t < n; ++t) {
    std::vector<double> weight(n);
    for (int j = 0; j < n; ++j) {
      double dot = 0.0;
      for (int c = 0; c < s.dim_head; ++c) dot += q[token[t] + c] * k[token[j] + c];
      weight[j] = dot / std::sqrt(static_cast<double>(s.dim_head));
    }
    const double largest = *std::max_element(weight.begin(), weight.end());
    double total = 0.0;
    for (double& w : weight) total += w = std::exp(w - largest);
    for (int j = 0; j < n; ++j) {
      for (int c = 0; c < s.dim_head; ++c) sum[token[t] + c] += weight[j] / total * v[token[j] + c];
    }
  }
}

}  // namespace

std::vector<double> overlapping_attention_reference(const AttentionShape& s, const std::vector<double>& q,
                                                    const std::vector<double>& k,
                                                    const std::vector<double>& v) {
  std::vector<double> out(q.size(), 0.0);
  std::vector<int> windows(static_cast<std::size_t>(s.height) * s.width, 0);
  for (int y0 = 0; y0 + s.window <= s.height; y0 += s.stride) {
    for (int x0 = 0; x0 + s.window <= s.width; x0 += s.stride) {
      for (int t = 0; t < s.window * s.window; ++t)
        ++windows[(y0 + t / s.window) * s.width + x0 + t % s.window];
      for (int b = 0; b < s.batch; ++b) {
        for (int head = 0; head < s.heads; ++head) attend_window(s, b, y0, x0, head, q, k, v, out);
      }
    }
  }
  const std::size_t per_token = static_cast<std::size_t>(s.heads) * s.dim_head;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int count = windows[i / per_token % windows.size()];
    if (count > 0) out[i] /= count;
  }
  return out;
}

}  // namespace mano
