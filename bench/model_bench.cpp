// Time a token of the model, forward and as a training step, by resolution. The attention is compared with
// its twin before a time is printed.
#include <fmt/core.h>
#include <torch/torch.h>

#include <chrono>

#include "surrogate/attention.hpp"
#include "surrogate/attention_reference.hpp"
#include "surrogate/multipole_model.hpp"

namespace {

bool attention_is_right() {
  const auto draw = [] { return torch::randn({1, 9, 7, 2, 4}, torch::kFloat64); };
  const auto q = draw(), k = draw(), v = draw();
  const auto numbers = [](const torch::Tensor& t) {
    return std::vector<double>(t.data_ptr<double>(), t.data_ptr<double>() + t.numel());
  };
  const auto twin =
      mano::overlapping_attention_reference({1, 9, 7, 2, 4, 2, 1}, numbers(q), numbers(k), numbers(v));
  return torch::allclose(mano::overlapping_attention(q, k, v, 2, 1),
                         torch::tensor(twin, torch::kFloat64).view(q.sizes()), 0, 1e-12);
}

template <typename Work>
double seconds(Work work) {
  work();  // warm-up
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 3;
}

}  // namespace

int main() {
  if (!attention_is_right()) {
    fmt::print(stderr, "the attention differs from its twin\n");
    return 1;
  }
  fmt::print("preset  resolution  inference us a token  training step us a token   ({} threads)\n",
             torch::get_num_threads());
  for (const char* preset : {"small", "paper"}) {
    const mano::MultipoleModel model(mano::architecture_preset(preset), 0);
    for (int n : {16, 32, 64}) {
      const int batch = std::max(1, 4096 / (n * n));
      const auto input = torch::randn({batch, 3, n, n});
      const double tokens = static_cast<double>(batch) * n * n;
      const double inference = seconds([&] {
        const torch::NoGradGuard no_grad;
        model.forward(input);
      });
      const double step = seconds([&] { model.forward(input).square().mean().backward(); });
      fmt::print("{:<7} {:<11} {:<21.3g} {:.3g}\n", preset, fmt::format("{0}x{0}", n),
                 1e6 * inference / tokens, 1e6 * step / tokens);
    }
  }
  return 0;
}
