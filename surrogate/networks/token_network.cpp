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
  if (a_.point_width > 0) {
    const std::int64_t points = static_cast<std::int64_t>(a_.patch) * a_.patch;
    point_token_ = linear("point_head.token", {a_.point_width * points, a_.dim});
    point_input_ = linear("point_head.input", {a_.point_width, a_.channels_in}, false);
    point_output_ = linear("point_head.output", {a_.channels_out, a_.point_width});
    return;
  }
  head_ = linear("head", {static_cast<int64_t>(a_.channels_out) * a_.patch * a_.patch, a_.dim});
}

Tensor TokenNetwork::blocks(Tensor x, const Tensor&) const {
  for (int n = 0; n < a_.depth; ++n) x = block(static_cast<std::size_t>(n), x);
  return x;
}

// What the head reads: [B, h, w, C].
Tensor TokenNetwork::normed_tokens(const Tensor& input) const {
  check_grid(a_, static_cast<int>(input.size(2)), static_cast<int>(input.size(3)));
  const auto whole = whole_patches(input, a_.patch);
  const auto tokens = embed_.convolve(readable(whole), a_.patch, 0).permute({0, 2, 3, 1});
  return norm_(blocks(with_positions(tokens), whole));
}

PointHead TokenNetwork::point_head() const {
  return {*point_token_.weight, *point_token_.bias, *point_input_.weight, *point_output_.weight,
          *point_output_.bias};
}

Tensor TokenNetwork::point_features(const Tensor& input, Precision precision) const {
  if (a_.point_width == 0) return Network::point_features(input, precision);
  return point_head().features(normed_tokens(input), a_.patch, input.size(2), input.size(3));
}

Tensor TokenNetwork::from_point_features(const Tensor& features, const Tensor& input) const {
  return point_head().outputs(features, input);
}

Tensor TokenNetwork::forward(const Tensor& input, Precision precision) const {
  if (a_.point_width > 0) return from_point_features(point_features(input, precision), input);
  return from_patches(head_(normed_tokens(input)), a_.patch, input.size(2), input.size(3));
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
