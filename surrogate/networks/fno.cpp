#include <torch/fft.h>

#include <cmath>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/parameter_list.hpp"
#include "surrogate/networks/rivals.hpp"

namespace mano {

using torch::Tensor;

namespace {

// x = gelu(K x + W x), x = gelu(MLP(x) + g * x) a layer, the last without gelu; K multiplies the lowest Fourier modes.
class Fno : public ParameterList {
 public:
  Fno(const Architecture& a, std::uint64_t seed) : ParameterList(seed), modes_(a.modes) {
    const int c = a.dim;
    const double deviation =
        std::sqrt(1.0 / c);  // neuraloperator's sqrt(2 / (in + out)), real and imaginary part together
    for (int l = 0; l < a.depth; ++l) {
      const std::string n = std::to_string(l);
      Layer layer;
      layer.spectral = normal("fno_blocks.convs." + n + ".weight.tensor", {c, c, modes_, modes_ / 2 + 1, 2},
                              deviation / std::sqrt(2.0));
      layer.spectral_bias = normal("fno_blocks.convs." + n + ".bias", {c, 1, 1}, deviation);
      layer.skip = linear("fno_blocks.fno_skips." + n + ".conv", {c, c, 1}, false);
      layer.mlp_in = linear("fno_blocks.channel_mlp." + n + ".fcs.0", {c / 2, c, 1});
      layer.mlp_out = linear("fno_blocks.channel_mlp." + n + ".fcs.1", {c, c / 2, 1});
      layer.gate = constant("fno_blocks.channel_mlp_skips." + n + ".weight", {1, c, 1, 1}, 1.0);
      layers_.push_back(layer);
    }
    lift_in_ = linear("lifting.fcs.0", {2 * c, a.channels_in, 1});
    lift_out_ = linear("lifting.fcs.1", {c, 2 * c, 1});
    project_in_ = linear("projection.fcs.0", {2 * c, c, 1});
    project_out_ = linear("projection.fcs.1", {a.channels_out, 2 * c, 1});
  }

  Tensor forward(const Tensor& input, Precision) const override {
    auto x = lift_out_.pointwise(torch::gelu(lift_in_.pointwise(input)));
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Layer& layer = layers_[l];
      const bool last = l + 1 == layers_.size();
      const auto gated = *layer.gate * x;
      x = spectral(layer, x) + layer.skip.pointwise(x);
      if (!last) x = torch::gelu(x);
      x = layer.mlp_out.pointwise(torch::gelu(layer.mlp_in.pointwise(x))) + gated;
      if (!last) x = torch::gelu(x);
    }
    return project_out_.pointwise(torch::gelu(project_in_.pointwise(x)));
  }

 private:
  struct Layer {
    const Tensor* spectral =
        nullptr;  // [C, C, modes, modes / 2 + 1, 2]: in, out, y from the lowest frequency up, x
    const Tensor* spectral_bias = nullptr;
    Linear skip, mlp_in, mlp_out;
    const Tensor* gate = nullptr;
  };

  Tensor spectral(const Layer& layer, const Tensor& x) const {
    const int64_t height = x.size(2);
    const int64_t width = x.size(3);
    const int64_t kept_y = std::min<int64_t>(modes_, height);
    const int64_t kept_x = std::min<int64_t>(modes_ / 2 + 1, width / 2 + 1);
    const auto weight =
        torch::view_as_complex(*layer.spectral).narrow(2, (modes_ - kept_y) / 2, kept_y).narrow(3, 0, kept_x);
    const auto all = torch::fft::fftshift(torch::fft::rfft2(x, torch::nullopt, {-2, -1}, "forward"), {-2});
    const int64_t first_y = height / 2 - kept_y / 2;
    const auto low = all.narrow(2, first_y, kept_y).narrow(3, 0, kept_x);
    const auto mixed = torch::einsum("bixy,ioxy->boxy", {low, weight});
    // Zeros around what is kept, then back.
    const auto padded =
        torch::constant_pad_nd(mixed, {0, width / 2 + 1 - kept_x, first_y, height - kept_y - first_y});
    return torch::fft::irfft2(torch::fft::ifftshift(padded, {-2}), std::vector<int64_t>{height, width},
                              {-2, -1}, "forward") +
           *layer.spectral_bias;
  }

  int64_t modes_;
  std::vector<Layer> layers_;
  Linear lift_in_, lift_out_, project_in_, project_out_;
};

}  // namespace

std::unique_ptr<Network> make_fno(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Fno>(architecture, seed);
}

}  // namespace mano
