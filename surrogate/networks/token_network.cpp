#include "surrogate/networks/token_network.hpp"

#include "core/error.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/token_layout.hpp"

namespace mano {

using torch::Tensor;

TokenNetwork::TokenNetwork(const Architecture& architecture, std::uint64_t seed)
    : ParameterList(seed), a_(architecture) {
  embed_ = linear("patch_embed.proj", {a_.dim, a_.channels_in, a_.patch, a_.patch});
}

void TokenNetwork::add_head() {
  norm_ = norm("norm", a_.dim);
  head_ = linear("head", {static_cast<int64_t>(a_.channels_out) * a_.patch * a_.patch, a_.dim});
}

Tensor TokenNetwork::blocks(Tensor x, const Tensor&) const {
  for (int n = 0; n < a_.depth; ++n) x = block(static_cast<std::size_t>(n), x);
  return x;
}

Tensor TokenNetwork::forward(const Tensor& input, Precision) const {
  const int64_t height = input.size(2), width = input.size(3);
  check_grid(a_, static_cast<int>(height), static_cast<int>(width));
  const auto whole = whole_patches(input, a_.patch);
  const auto tokens = embed_.convolve(readable(whole), a_.patch, 0).permute({0, 2, 3, 1});
  return from_patches(head_(norm_(blocks(with_positions(tokens), whole))), a_.patch, height, width);
}

Tensor TokenNetwork::Mlp::operator()(const Tensor& x) const {
  return out(torch::gelu(in(x)));
}

TokenNetwork::Mlp TokenNetwork::mlp(const std::string& name) {
  Mlp m;
  m.in = linear(name + ".fc1", {a_.mlp, a_.dim});
  m.out = linear(name + ".fc2", {a_.dim, a_.mlp});
  return m;
}

Tensor TokenNetwork::attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads,
                               const std::optional<Tensor>& bias) {
  const auto split = [&](const Tensor& t) {
    return t.view({t.size(0), t.size(1), heads, t.size(2) / heads}).transpose(1, 2);
  };
  return at::scaled_dot_product_attention(split(q), split(k), split(v), bias).transpose(1, 2).flatten(2);
}

Tensor TokenNetwork::depthwise(const Linear& kernels, const Tensor& x) {
  return mano::depthwise(x, *kernels.weight, *kernels.bias);
}

}  // namespace mano
