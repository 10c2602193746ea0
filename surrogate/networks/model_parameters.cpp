// Creation, names and conversion of MANO's parameters.
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/multipole_model.hpp"

namespace mano {

// The one list of parameters: visit(name, tensor, shape, fan-in). A fan-in of 0 is a LayerNorm's weight (ones), -1 its
// bias (zeros); otherwise the tensor is drawn uniformly within +-1/sqrt(fan-in), PyTorch's default for these layers.
template <typename Visit>
void MultipoleModel::for_each_parameter(Visit visit) {
  using Shape = std::vector<int64_t>;
  const Architecture& a = architecture_;
  const int64_t inner = static_cast<int64_t>(a.heads) * a.dim_head;
  const int64_t points = static_cast<int64_t>(a.patch) * a.patch;  // of a token
  const auto norm = [&](const std::string& name, LayerNormWeights& w) {
    visit(name + ".weight", w.weight, Shape{a.dim}, 0);
    visit(name + ".bias", w.bias, Shape{a.dim}, -1);
  };
  const auto linear = [&](const std::string& name, torch::Tensor& weight, torch::Tensor& bias, int64_t out,
                          int64_t in) {
    visit(name + ".weight", weight, Shape{out, in}, in);
    visit(name + ".bias", bias, Shape{out}, in);
  };
  linear("linear_p", weights_.linear_p, weights_.linear_p_bias, a.dim, points * a.channels_in);
  for (std::size_t n = 0; n < weights_.blocks.size(); ++n) {
    BlockWeights& block = weights_.blocks[n];
    const std::string layer = "transformer.layers." + std::to_string(n);
    const std::string attention = layer + ".0.Attention";
    norm(attention + ".norm", block.outer_norm);
    norm(attention + ".Attention.norm", block.inner_norm);
    visit(attention + ".Attention.to_qkv.weight", block.to_qkv, Shape{3 * inner, a.dim}, a.dim);
    if (a.has_output_map())
      linear(attention + ".Attention.to_out.0", block.to_out, block.to_out_bias, a.dim, inner);
    if (a.sampling == Architecture::Sampling::conv) {
      const int64_t fan_in = static_cast<int64_t>(a.dim) * a.rate * a.rate;
      const Shape shape{a.dim, a.dim, a.rate, a.rate};
      visit(layer + ".0.down.1.weight", block.down, shape, fan_in);
      visit(layer + ".0.up.1.weight", block.up, shape, fan_in);
    }
    const auto depthwise = [&](const std::string& name, torch::Tensor& weight, torch::Tensor& bias,
                               int64_t channels) {
      visit(name + ".weight", weight, Shape{channels, 1, 3, 3}, 9);
      visit(name + ".bias", bias, Shape{channels}, 9);
    };
    if (a.convolutions != 0) {
      depthwise(attention + ".Attention.value_convolution", block.value_convolution,
                block.value_convolution_bias, inner);
      depthwise(layer + ".1.convolution", block.mlp_convolution, block.mlp_convolution_bias, a.mlp);
    }
    norm(layer + ".1.net.0", block.mlp_norm);
    linear(layer + ".1.net.1", block.mlp_in, block.mlp_in_bias, a.mlp, a.dim);
    linear(layer + ".1.net.4", block.mlp_out, block.mlp_out_bias, a.dim, a.mlp);
  }
  norm("transformer.norm", weights_.norm);
  if (a.point_width > 0) {
    PointHead& head = weights_.points;
    linear("point_head.token", head.token, head.token_bias, points * a.point_width, a.dim);
    visit("point_head.input.weight", head.input, Shape{a.point_width, a.channels_in}, a.channels_in);
    linear("point_head.output", head.output, head.output_bias, a.channels_out, a.point_width);
    return;
  }
  linear("linear_q", weights_.linear_q, weights_.linear_q_bias, a.dim, a.dim);
  linear("output_layer", weights_.output, weights_.output_bias, points * a.channels_out, a.dim);
}

MultipoleModel::MultipoleModel(const Architecture& architecture, std::uint64_t seed)
    : architecture_(architecture) {
  check_architecture(architecture);
  weights_.blocks.resize(architecture.depth);
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  for_each_parameter(
      [&](const std::string&, torch::Tensor& tensor, const std::vector<int64_t>& shape, int64_t fan_in) {
        if (fan_in <= 0) {
          tensor = fan_in == 0 ? torch::ones(shape) : torch::zeros(shape);
        } else {
          const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
          tensor = torch::empty(shape).uniform_(-bound, bound, generator);
        }
        tensor.requires_grad_(true);
      });
}

std::vector<std::pair<std::string, torch::Tensor>> MultipoleModel::named_parameters() const {
  std::vector<std::pair<std::string, torch::Tensor>> list;
  const_cast<MultipoleModel*>(this)->for_each_parameter([&](const std::string& name, torch::Tensor& tensor,
                                                            const auto&,
                                                            int64_t) { list.emplace_back(name, tensor); });
  return list;
}

void MultipoleModel::to(torch::Device device, torch::Dtype dtype) {
  for_each_parameter([&](const std::string&, torch::Tensor& tensor, const auto&, int64_t) {
    tensor = tensor.detach().to(device, dtype).requires_grad_(true);
  });
  frozen_.clear();
}

void MultipoleModel::freeze() {
  Network::freeze();
  frozen_.clear();
  if (dtype() != torch::kFloat32 || !weights_.linear_p.is_cpu()) return;
  for (const BlockWeights& block : weights_.blocks) frozen_.push_back(operands_of(block, architecture_));
}

void MultipoleModel::put_parameters(const std::vector<torch::Tensor>& tensors) {
  std::size_t next = 0;
  for_each_parameter(
      [&](const std::string&, torch::Tensor& tensor, const auto&, int64_t) { tensor = tensors[next++]; });
  frozen_.clear();
}

}  // namespace mano
