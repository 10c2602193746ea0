// The head point by point: its equation written once more with loops, and what networks that end with it must still do.
#include "surrogate/networks/point_head.hpp"

#include <cmath>

#include "core/error.hpp"
#include "surrogate/networks/network_probe.hpp"
#include "surrogate/networks/rivals.hpp"

namespace mano {
namespace {

using Model = Architecture::Model;
constexpr Model kWithPointHead[] = {Model::mano, Model::vit,     Model::swin, Model::xcit,
                                    Model::qna,  Model::shunted, Model::hlg,  Model::reguformer};

Architecture with_points(Model model, int width) {
  Architecture a = architecture_preset("small", model);
  a.point_width = width;
  a.channels_out = 5;
  return a;
}

double gelu(double x) {
  return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
}

TEST(PointHead, IsItsEquationAtEveryPoint) {
  torch::manual_seed(1);
  const int64_t p = 3, m = 4, dim = 6, inputs = 2, outputs = 5, height = 8, width = 7;
  const auto draw = [](std::vector<int64_t> shape) { return torch::randn(shape, torch::kDouble); };
  const PointHead head{draw({p * p * m, dim}), draw({p * p * m}), draw({m, inputs}), draw({outputs, m}),
                       draw({outputs})};
  const auto tokens = draw({2, 3, 3, dim}), x = draw({2, inputs, height, width});
  const auto out = head.outputs(head.features(tokens, p, height, width), x);
  ASSERT_EQ(out.sizes(), (std::vector<int64_t>{2, outputs, height, width}));
  const auto at = [](const torch::Tensor& t, std::vector<int64_t> place) {
    auto v = t;
    for (int64_t i : place) v = v[i];
    return v.item<double>();
  };
  for (const auto& [row, column] : {std::pair<int64_t, int64_t>{0, 0}, {4, 2}, {5, 3}, {7, 6}}) {
    const int64_t place = row % p * p + column % p;
    std::vector<double> hidden;
    for (int64_t i = 0; i < m; ++i) {
      double sum = at(head.token_bias, {place * m + i});
      for (int64_t c = 0; c < dim; ++c)
        sum += at(head.token, {place * m + i, c}) * at(tokens, {1, row / p, column / p, c});
      for (int64_t c = 0; c < inputs; ++c) sum += at(head.input, {i, c}) * at(x, {1, c, row, column});
      hidden.push_back(gelu(sum));
    }
    for (int64_t o = 0; o < outputs; ++o) {
      double sum = at(head.output_bias, {o});
      for (int64_t i = 0; i < m; ++i) sum += at(head.output, {o, i}) * hidden[i];
      EXPECT_NEAR(at(out, {1, o, row, column}), sum, 1e-12) << row << " " << column;
    }
  }
}

TEST(PointHead, EndsMoreThanMano) {
  for (Model model : kWithPointHead) {
    SCOPED_TRACE(to_string(model));
    const bool divides = model == Model::vit || model == Model::swin;  // as published
    const Architecture a = with_points(model, 12);
    const NetworkProbe probe(a);
    const auto input = random_input(2, 24, divides ? 20 : 19).requires_grad_(true);
    const auto output = probe.network().forward(input);
    ASSERT_EQ(output.sizes(), (std::vector<int64_t>{2, 5, input.size(2), input.size(3)}));
    output.square().sum().backward();
    for (const auto& [name, parameter] : probe.network().named_parameters()) {
      ASSERT_TRUE(parameter.grad().defined()) << name;
      EXPECT_GT(largest(parameter.grad()), 0.0) << name;
    }
    const auto features = probe.network().point_features(input);
    EXPECT_EQ(features.sizes(), (std::vector<int64_t>{2, 12, input.size(2), input.size(3)}));
    EXPECT_EQ(largest(probe.network().from_point_features(features, input) - output), 0.0);
    EXPECT_EQ(architecture_from_json(to_json(a)), a);
    EXPECT_LE(least_parameters(a), probe.network().parameter_count());
  }
}

// Without gradients it goes on in bands of rows.
TEST(PointHead, IsTheSameInBands) {
  const NetworkProbe probe(with_points(Model::mano, 12));
  const auto input = random_input(2, 40, 36);
  const auto whole = probe.network().forward(input).detach();
  EXPECT_LT(PointHead::band_rows(input), 40);
  EXPECT_LT(largest(probe.forward(input) - whole), 1e-12);
}

// A point's own inputs reach it alone, and past all that its token has to say.
TEST(PointHead, ReadsThePointItself) {
  const NetworkProbe probe(with_points(Model::mano, 12));
  probe.silence("point_head.token");
  const auto reach = probe.influence(random_input(1, 8, 8), 5, 2);
  EXPECT_GT(reach[5][2].item<double>(), 0.0);
  EXPECT_EQ(reach.count_nonzero().item<int64_t>(), 1);
}

TEST(PointHead, IsNotOfOthersAndNotOfOlderFiles) {
  for (Model model : {Model::fno, Model::unet, Model::mat, Model::lit, Model::transdepth}) {
    const NetworkProbe probe(architecture_preset("small", model));
    EXPECT_THROW(probe.network().point_features(random_input(1, 16, 16)), std::logic_error);
    Architecture a = architecture_preset("small", model);
    a.point_width = 8;
    EXPECT_THROW(check_architecture(a), InvalidInput) << to_string(model);
  }
  const std::string json = to_json(architecture_preset("small"));
  EXPECT_EQ(json.find("point_width"), std::string::npos);
  EXPECT_EQ(architecture_from_json(json).point_width, 0);
}

}  // namespace
}  // namespace mano
