// U-Net: two convolutions and a maximum over 2x2 cells on every level downwards, what EncoderDecoder does upwards.

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/encoder_decoder.hpp"
#include "surrogate/networks/rivals.hpp"

namespace mano {

using torch::Tensor;

namespace {

class Unet : public EncoderDecoder {
 public:
  Unet(const Architecture& a, std::uint64_t seed)
      : EncoderDecoder(a, a.depth, 1, Normalisation::groups, seed) {
    for (int l = 0; l <= a.depth; ++l) {
      const int in = l == 0 ? a.channels_in : width(l - 1);
      down_.push_back(two_convolutions("down." + std::to_string(l), in, width(l)));
    }
    add_decoder();
  }

 protected:
  std::vector<Tensor> encode(const Tensor& input, Size) const override {
    std::vector<Tensor> maps;
    for (const Convolutions& convolutions : down_)
      maps.push_back(convolutions(maps.empty() ? input : torch::max_pool2d(maps.back(), {2, 2})));
    return maps;
  }

 private:
  std::vector<Convolutions> down_;
};

}  // namespace

std::unique_ptr<Network> make_unet(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Unet>(architecture, seed);
}

}  // namespace mano
