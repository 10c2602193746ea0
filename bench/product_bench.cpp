// The matrix products of a MANO block (surrogate/kernels/gemm.hpp) beside Torch's, in GFLOP/s of one thread: the products of 512 tokens of
// width C in the forward pass and in both directions of the backward pass. Answers are compared first. Times are the least of some rounds,
// in turn.
//
//   product_bench [WIDTH...]     by default 32 48 64 128
#include <fmt/core.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/clock.hpp"
#include "core/machine.hpp"
#include "surrogate/kernels/gemm.hpp"
#include "surrogate/kernels/parallel.hpp"
#include "surrogate/kernels/torch.hpp"

namespace {

using namespace mano;
using torch::Tensor;

constexpr std::int64_t kTokens = kPieceTokens;

double seconds_of(const auto& run, int calls) {
  const double begin = seconds_now();
  for (int i = 0; i < calls; ++i) run();
  return (seconds_now() - begin) / calls;
}

void compare(const char* what, std::int64_t operations, const Tensor& ours, const Tensor& theirs,
             const auto& run_ours, const auto& run_theirs) {
  run_ours();
  run_theirs();
  if (!torch::allclose(ours, theirs, 1e-4, 1e-4)) {
    fmt::print(stderr, "product_bench: {}: the answers differ\n", what);
    std::exit(1);
  }
  double best_ours = 1e9, best_theirs = 1e9;
  for (int round = 0; round < 30; ++round) {
    best_ours = std::min(best_ours, seconds_of(run_ours, 20));
    best_theirs = std::min(best_theirs, seconds_of(run_theirs, 20));
  }
  const double flop = 1e-9 * 2.0 * static_cast<double>(operations);
  fmt::print("{:<40} {:7.0f} {:7.0f} {:7.2f}\n", what, flop / best_ours, flop / best_theirs,
             best_theirs / best_ours);
}

// inputs -> outputs numbers a token, by weights [outputs, inputs].
void measure(const std::string& name, std::int64_t inputs, std::int64_t outputs) {
  const auto x = torch::randn({kTokens, inputs}), w = torch::randn({outputs, inputs}),
             turned = w.t().contiguous(), g = torch::randn({kTokens, outputs});
  auto y = torch::empty({kTokens, outputs}), y_torch = torch::empty_like(y), d_x = torch::empty_like(x),
       d_x_torch = torch::empty_like(x), d_w = torch::zeros_like(w), d_w_torch = torch::zeros_like(w);
  const auto at = [](const Tensor& t) { return t.const_data_ptr<float>(); };
  const std::int64_t operations = kTokens * inputs * outputs;
  compare(
      fmt::format("{} {} -> {}, forward", name, inputs, outputs).c_str(), operations, y, y_torch,
      [&] { multiply(kTokens, outputs, inputs, at(x), at(turned), y.mutable_data_ptr<float>()); },
      [&] { at::mm_out(y_torch, x, turned); });
  compare(
      "    gradient of its input", operations, d_x, d_x_torch,
      [&] { multiply(kTokens, inputs, outputs, at(g), at(w), d_x.mutable_data_ptr<float>()); },
      [&] { at::mm_out(d_x_torch, g, w); });
  compare(
      "    gradient of its weights", operations, d_w, d_w_torch,
      [&] {
        d_w.zero_();
        add_transposed_product(outputs, inputs, kTokens, at(g), at(x), d_w.mutable_data_ptr<float>());
      },
      [&] { at::mm_out(d_w_torch, g.t(), x); });
}

}  // namespace

int main(int argc, char** argv) {
  const torch::NoGradGuard no_grad;
  at::set_num_threads(1);
  std::vector<std::int64_t> widths;
  for (int i = 1; i < argc; ++i) widths.push_back(std::atoll(argv[i]));
  if (widths.empty()) widths = {32, 48, 64, 128};
  fmt::print("{}, one thread, float32, {} tokens\n{:<40} {:>7} {:>7} {:>7}\n", processor_name(), kTokens,
             "GFLOP/s", "ours", "Torch", "ratio");
  for (const std::int64_t c : widths) {
    measure("queries, keys, values", c, 3 * c);
    measure("output map", c, c);
    measure("MLP", c, 2 * c);
  }
}
