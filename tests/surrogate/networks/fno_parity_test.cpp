// The FNO against neuraloperator 2.0.0's with the same weights: tests/fixtures/rivals/make_fno_fixture.py made the file.
#include <gtest/gtest.h>

#include "datagen/hdf5_handle.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/rivals.hpp"

namespace mano {
namespace {

torch::Tensor read_tensor(hid_t file, const std::string& name) {
  const H5Handle dataset = h5_own(H5Dopen2(file, name.c_str(), H5P_DEFAULT), name);
  std::vector<int64_t> shape;
  for (hsize_t n : h5_shape(dataset)) shape.push_back(static_cast<int64_t>(n));
  auto tensor = torch::empty(shape);
  h5_check(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.data_ptr<float>()), name);
  return tensor;
}

TEST(FnoParity, GivesTheOutputOfNeuraloperator) {
  const torch::NoGradGuard no_grad;
  const H5Handle file = h5_open(MANO_TEST_DATA "/fixtures/rivals/fno_neuraloperator.h5");
  Architecture a;
  a.model = Architecture::Model::fno;
  a.dim = static_cast<int>(h5_read_number(file, "dim", -1));
  a.depth = static_cast<int>(h5_read_number(file, "depth", -1));
  a.modes = static_cast<int>(h5_read_number(file, "modes", -1));
  const auto network = make_network(a, 0);
  for (auto& [name, parameter] : network->named_parameters()) {
    const auto stored = read_tensor(file, "weights/" + name);
    ASSERT_EQ(stored.numel(), parameter.numel()) << name;
    parameter.copy_(stored.view(parameter.sizes()));
  }
  for (const std::string size : {"16x16", "24x10", "4x6"}) {
    const auto expected = read_tensor(file, size + "/output");
    const auto output = network->forward(read_tensor(file, size + "/input"));
    EXPECT_LT(((output - expected).abs().max() / expected.abs().max()).item<double>(), 1e-5) << size;
  }
}

}  // namespace
}  // namespace mano
