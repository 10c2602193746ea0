// The model against an independent implementation: output, loss, gradient of the input and of every weight, in float64,
// for every fixture in a folder (MANO_FIXTURES, by default tests/fixtures). Configurations are read from the fixtures.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "datagen/hdf5_handle.hpp"
#include "network_probe.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/multipole_model.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> fixtures() {
  const char* folder = std::getenv("MANO_FIXTURES");
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder ? folder : MANO_TEST_DATA "/fixtures")) {
    if (entry.path().extension() == ".h5") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Architecture read_architecture(hid_t file) {
  const auto number = [&](const char* name) { return static_cast<int>(h5_read_number(file, name, -1)); };
  Architecture a;
  a.channels_in = number("channels_in");
  a.channels_out = number("channels_out");
  a.dim = number("dim");
  a.depth = number("depth");
  a.heads = number("heads");
  a.dim_head = number("dim_head");
  a.mlp = number("mlp");
  a.window = number("K");
  a.stride = number("S");
  a.rate = number("rate");
  a.sampling =
      h5_read_text(file, "mode") == "conv" ? Architecture::Sampling::conv : Architecture::Sampling::avg_pool;
  const int levels = number("levels");
  const int size = number("image_size");
  EXPECT_EQ(a.levels_for(size, size), levels) << "levels from the size of the input";
  a.levels = levels;
  return a;
}

void expect_close(const torch::Tensor& actual, const torch::Tensor& expected, const std::string& what) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  const double error =
      (actual - expected).abs().max().item<double>() / (expected.abs().max().item<double>() + 1e-300);
  EXPECT_LT(error, tolerance::kParity) << what;
}

class Parity : public ::testing::TestWithParam<fs::path> {};

TEST_P(Parity, OutputLossAndEveryGradient) {
  const H5Handle file = h5_open(GetParam());
  MultipoleModel model(read_architecture(file), 0);
  model.to(torch::kCPU, torch::kFloat64);
  const H5Handle weights = h5_own(H5Gopen2(file, "weights", H5P_DEFAULT), "weights");
  H5G_info_t group{};
  H5Gget_info(weights, &group);
  ASSERT_EQ(group.nlinks, model.named_parameters().size()) << "as many weights as the reference";
  for (auto& [name, parameter] : model.named_parameters()) {
    torch::NoGradGuard no_grad;
    const auto stored = read_tensor(file, "weights/" + name);
    ASSERT_EQ(stored.sizes(), parameter.sizes()) << name;
    parameter.copy_(stored);
  }
  const auto input = read_tensor(file, "input").requires_grad_(true);
  const auto output = model.forward(input);
  const auto loss = output.square().mean();
  loss.backward();
  expect_close(output.detach(), read_tensor(file, "output"), "output");
  const double stored_loss = h5_read_number(file, "loss", 0);
  EXPECT_NEAR(loss.item<double>() / stored_loss, 1.0, tolerance::kParity);
  expect_close(input.grad(), read_tensor(file, "grad_input"), "gradient of the input");
  for (const auto& [name, parameter] : model.named_parameters()) {
    expect_close(parameter.grad(), read_tensor(file, "gradients/" + name), "gradient of " + name);
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Parity, ::testing::ValuesIn(fixtures()), [](const auto& info) {
  std::string name = info.param.stem().string();
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

}  // namespace
}  // namespace mano
