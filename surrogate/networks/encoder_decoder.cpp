#include "surrogate/networks/encoder_decoder.hpp"

#include <algorithm>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/token_network.hpp"

namespace mano {

using torch::Tensor;

EncoderDecoder::EncoderDecoder(const Architecture& architecture, int levels, int patch,
                               Normalisation normalisation, std::uint64_t seed)
    : ParameterList(seed), a_(architecture), levels_(levels), patch_(patch), normalisation_(normalisation) {}

void EncoderDecoder::add_decoder() {
  for (int l = levels_ - 1; l >= 0; --l) {
    const std::string name = "up." + std::to_string(l);
    Up up;
    up.expand = linear(name + ".expand", {width(l + 1), width(l), 2, 2}, false);
    up.convolutions = two_convolutions(name, 2 * width(l), width(l));
    up_.push_back(up);
  }
  out_ = linear("out", {static_cast<int64_t>(a_.channels_out) * patch_ * patch_, width(0), 1, 1});
}

Tensor EncoderDecoder::joined(int, const Tensor& encoded, const Tensor&) const {
  return encoded;
}

Tensor EncoderDecoder::forward(const Tensor& input, Precision) const {
  const int64_t multiple = static_cast<int64_t>(patch_) << levels_;
  const Size grid{input.size(2), input.size(3)};
  const auto continued = torch::replication_pad2d(input, {0, (multiple - grid.width % multiple) % multiple, 0,
                                                          (multiple - grid.height % multiple) % multiple});
  const std::vector<Tensor> encoded = encode(continued, grid);
  Tensor x = encoded.back();
  for (int l = levels_ - 1; l >= 0; --l) {
    const Up& up = up_[static_cast<std::size_t>(levels_ - 1 - l)];
    x = torch::conv_transpose2d(x, *up.expand.weight, {}, 2);
    x = up.convolutions(torch::cat({joined(l, encoded[static_cast<std::size_t>(l)], x), x}, 1));
  }
  x = out_.convolve(x, 1, 0);
  if (patch_ > 1) x = torch::pixel_shuffle(x, patch_);
  return x.slice(2, 0, grid.height).slice(3, 0, grid.width);
}

EncoderDecoder::Convolutions EncoderDecoder::two_convolutions(const std::string& name, int in, int out) {
  Convolutions c;
  if (normalisation_ == Normalisation::groups) {
    c.groups = std::max(1, out / 8);
    while (out % c.groups != 0) --c.groups;
  }
  c.first = linear(name + ".conv1", {out, in, 3, 3});
  c.first_norm = norm(name + ".norm1", out);
  c.second = linear(name + ".conv2", {out, out, 3, 3});
  if (normalisation_ == Normalisation::groups) c.second_norm = norm(name + ".norm2", out);
  return c;
}

Tensor EncoderDecoder::Convolutions::operator()(const Tensor& x) const {
  const auto y = first.convolve(x, 1, 1);
  if (groups == 0) return y + second.convolve(torch::gelu(cell_norm(first_norm, y)), 1, 1);
  const auto normed = [&](const Norm& norm, const Tensor& z) {
    return torch::group_norm(z, groups, *norm.weight, *norm.bias);
  };
  const auto between = torch::gelu(normed(first_norm, y));
  return torch::gelu(normed(second_norm, second.convolve(between, 1, 1)));
}

Tensor EncoderDecoder::cell_norm(const Norm& norm, const Tensor& x) {
  return norm(x.permute({0, 2, 3, 1})).permute({0, 3, 1, 2});
}

EncoderDecoder::TokenMlp EncoderDecoder::token_mlp(const std::string& norm_name, const std::string& name,
                                                   int channels, int hidden) {
  TokenMlp m;
  m.norm = norm(norm_name, channels);
  m.in = linear(name + ".fc1", {hidden, channels});
  m.out = linear(name + ".fc2", {channels, hidden});
  return m;
}

Tensor EncoderDecoder::TokenMlp::operator()(const Tensor& x) const {
  return x + out(torch::gelu(in(norm(x))));
}

EncoderDecoder::SelfAttention EncoderDecoder::self_attention(const std::string& norm_name,
                                                             const std::string& name, int channels,
                                                             int heads) {
  SelfAttention s;
  s.norm = norm(norm_name, channels);
  s.qkv = linear(name + ".qkv", {3 * static_cast<int64_t>(channels), channels});
  s.out = linear(name + ".proj", {channels, channels});
  s.heads = heads;
  return s;
}

Tensor EncoderDecoder::SelfAttention::operator()(const Tensor& x, const std::optional<Tensor>& bias) const {
  const auto parts = qkv(norm(x)).chunk(3, 2);
  return x + out(TokenNetwork::attention(parts[0], parts[1], parts[2], heads, bias));
}

}  // namespace mano
