// Prints shape, sum and element [1, last, 0] of the tensors x and y of a file of torch.save(), read by PyTorch's own code.
#include <torch/torch.h>

#include <cstdio>
#include <fstream>
#include <iterator>

int main(int, char** argv) {
  std::ifstream in(argv[1], std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto loaded = torch::pickle_load(bytes).toGenericDict();
  for (const char* name : {"x", "y"}) {
    const torch::Tensor t = loaded.at(name).toTensor();
    std::printf("%dx%dx%d %.10g %.10g\n", int(t.size(0)), int(t.size(1)), int(t.size(2)),
                t.to(torch::kFloat64).sum().item<double>(), t[1][t.size(1) - 1][0].item<double>());
  }
  return 0;
}
