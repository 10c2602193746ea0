
#include <algorithm>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/parameter_list.hpp"
#include "surrogate/networks/rivals.hpp"

namespace mano {

using torch::Tensor;

namespace {

class Unet : public ParameterList {
 public:
  Unet(const Architecture& a, std::uint64_t seed) : ParameterList(seed) {
    int channels = a.channels_in;
    for (int l = 0; l <= a.depth; ++l) {
      down_.push_back(two_convolutions("down." + std::to_string(l), channels, a.dim << l));
      channels = a.dim << l;
    }
    for (int l = a.depth - 1; l >= 0; --l) {
      const std::string name = "up." + std::to_string(l);
      // Of a transposed convolution: [in, out, 2, 2].
      up_.push_back({linear(name + ".expand", {channels, a.dim << l, 2, 2}, false),
                     two_convolutions(name, 2 * (a.dim << l), a.dim << l)});
      channels = a.dim << l;
    }
    out_ = linear("out", {a.channels_out, channels, 1, 1});
  }

  Tensor forward(const Tensor& input, Precision) const override {
    const int64_t multiple = int64_t{1} << up_.size();
    const int64_t height = input.size(2);
    const int64_t width = input.size(3);
    auto x = torch::replication_pad2d(
        input, {0, (multiple - width % multiple) % multiple, 0, (multiple - height % multiple) % multiple});
    std::vector<Tensor> skips;
    for (std::size_t l = 0; l < down_.size(); ++l) {
      if (l > 0) x = torch::max_pool2d(x, {2, 2});
      x = run(down_[l], x);
      skips.push_back(x);
    }
    for (std::size_t u = 0; u < up_.size(); ++u) {
      x = torch::conv_transpose2d(x, *up_[u].first.weight, {}, 2);
      x = run(up_[u].second, torch::cat({skips[up_.size() - 1 - u], x}, 1));
    }
    return out_.convolve(x, 1, 0).slice(2, 0, height).slice(3, 0, width);
  }

 private:
  struct Stage {
    Linear first, second;
    Norm first_norm, second_norm;
    int groups = 1;
  };

  Stage two_convolutions(const std::string& name, int in, int out) {
    Stage s;
    s.groups = std::max(1, out / 8);
    while (out % s.groups != 0) --s.groups;
    s.first = linear(name + ".conv1", {out, in, 3, 3});
    s.first_norm = norm(name + ".norm1", out);
    s.second = linear(name + ".conv2", {out, out, 3, 3});
    s.second_norm = norm(name + ".norm2", out);
    return s;
  }

  static Tensor run(const Stage& s, const Tensor& input) {
    const auto first =
        torch::group_norm(s.first.convolve(input, 1, 1), s.groups, *s.first_norm.weight, *s.first_norm.bias);
    const auto second = torch::group_norm(s.second.convolve(torch::gelu(first), 1, 1), s.groups,
                                          *s.second_norm.weight, *s.second_norm.bias);
    return torch::gelu(second);
  }

  std::vector<Stage> down_;
  std::vector<std::pair<Linear, Stage>> up_;
  Linear out_;
};

}  // namespace

std::unique_ptr<Network> make_unet(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Unet>(architecture, seed);
}

}  // namespace mano
