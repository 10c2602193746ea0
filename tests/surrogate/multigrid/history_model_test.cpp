// A network of displacements on a finer grid than its own.
#include "surrogate/multigrid/history_model.hpp"

#include <gtest/gtest.h>

#include "surrogate/kernels/torch.hpp"

namespace mano {
namespace {

constexpr int kTimes = 2;

SurrogateModel model_of(int point_width, int patch = 2) {
  SurrogateModel model;
  model.card.history = HistoryCard{.times = {0.2, 0.4},
                                   .std_correction = 0.1,
                                   .least_saturation = 0.0,
                                   .most_saturation = 1.0,
                                   .displacement = "",
                                   .std_pressure_correction = 0.3};
  Architecture a = architecture_preset("small");
  a.channels_in = model.card.inputs();
  a.channels_out = 2 * kTimes;
  a.point_width = point_width;
  a.patch = patch;
  model.card.architecture = a;
  model.base = make_network(a, 1);
  model.base->to(torch::kCPU, torch::kDouble);
  return model;
}

struct Case {
  torch::Tensor permeability, guess;
};

Case drawn(const Resolution& r) {
  torch::manual_seed(3);
  return {torch::rand({2, 1, r.ny, r.nx}, torch::kDouble) + 0.5,
          torch::rand({2, kTimes + 1, r.ny, r.nx}, torch::kDouble)};
}

double difference(const HistoryTensors& a, const HistoryTensors& b) {
  return std::max((a.saturation - b.saturation).abs().max().item<double>(),
                  (a.pressure - b.pressure).abs().max().item<double>());
}

// Where all tokens say the same, only the head speaks, and it reads rock and guess of the grid itself: as if the network had been
// there. What a linear head says is interpolated.
TEST(HistoryModel, ReadsPointsOfTheGridItself) {
  const torch::NoGradGuard no_grad;
  const Case fine = drawn({16, 16});
  for (int width : {6, 0}) {
    const SurrogateModel model = model_of(width);
    for (auto& [name, parameter] : model.base->named_parameters())
      if (name.starts_with("point_head.token")) parameter.zero_();
    const auto there = history_direct(model, fine.permeability, fine.guess, Grid{16, 16});
    const auto carried = history_interpolated(model, fine.permeability, fine.guess, Grid{16, 16}, {8, 8});
    if (width > 0) {
      EXPECT_LT(difference(there, carried), 1e-12);
    } else {
      EXPECT_GT(difference(there, carried), 1e-3);
    }
  }
}

TEST(HistoryModel, IsTheNetworkOnItsOwnGrid) {
  const torch::NoGradGuard no_grad;
  const Case own = drawn({8, 8});
  const SurrogateModel model = model_of(6);
  EXPECT_EQ(difference(history_direct(model, own.permeability, own.guess, Grid{8, 8}),
                       history_interpolated(model, own.permeability, own.guess, Grid{8, 8}, {8, 8})),
            0.0);
}

// Tokens that differ: the mean of the fine grid's answer follows the coarse one's.
TEST(HistoryModel, CarriesWhatTokensSay) {
  const torch::NoGradGuard no_grad;
  const SurrogateModel model = model_of(6, 1);
  Case coarse =
      drawn({8, 8});  // smooth, and points of a token do not differ either, so that interpolation is near
  const auto ramp = torch::linspace(0.5, 1.5, 64, torch::kDouble).view({1, 1, 8, 8});
  coarse.permeability = ramp.expand({2, 1, 8, 8});
  coarse.guess =
      (ramp * torch::tensor({0.2, 0.5, 1.0}, torch::kDouble).view({1, 3, 1, 1})).expand({2, 3, 8, 8});
  const auto repeated = [](const torch::Tensor& t) {
    return t.repeat_interleave(2, 2).repeat_interleave(2, 3);
  };
  const auto there = history_direct(model, coarse.permeability, coarse.guess, Grid{8, 8});
  const auto fine = history_interpolated(model, repeated(coarse.permeability), repeated(coarse.guess),
                                         Grid{16, 16}, {8, 8});
  const auto back = torch::avg_pool2d(fine.saturation, 2);
  const auto added = there.saturation - coarse.guess.slice(1, 0, kTimes);
  EXPECT_LT((back - there.saturation).norm().item<double>(), 0.3 * added.norm().item<double>());
  EXPECT_GT((back - there.saturation).norm().item<double>(), 1e-6);
}

}  // namespace
}  // namespace mano
