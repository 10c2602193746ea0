#include "surrogate/networks/parameter_list.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;

namespace {

Tensor value_of(const Tensor* tensor) {
  return tensor == nullptr ? Tensor() : *tensor;
}

}  // namespace

Tensor ParameterList::Linear::operator()(const Tensor& x) const {
  return torch::linear(x, *weight, value_of(bias));
}

Tensor ParameterList::Linear::pointwise(const Tensor& x) const {
  // Weights may be those of a convolution of width 1 over flattened space, [out, in, 1].
  const auto w = weight->view({weight->size(0), weight->size(1)});
  auto out = torch::matmul(w, x.flatten(2)).view({x.size(0), w.size(0), x.size(2), x.size(3)});
  return bias == nullptr ? out : out + bias->view({1, -1, 1, 1});
}

Tensor ParameterList::Linear::convolve(const Tensor& x, int stride, int padding) const {
  return torch::conv2d(x, *weight, value_of(bias), stride, padding);
}

Tensor ParameterList::Norm::operator()(const Tensor& x) const {
  return torch::layer_norm(x, {x.size(-1)}, *weight, *bias);
}

ParameterList::ParameterList(std::uint64_t seed)
    : generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {}

std::vector<std::pair<std::string, Tensor>> ParameterList::named_parameters() const {
  return {list_.begin(), list_.end()};
}

void ParameterList::to(torch::Device device, torch::Dtype dtype) {
  for (auto& [name, tensor] : list_) tensor = tensor.detach().to(device, dtype).requires_grad_(true);
}

void ParameterList::put_parameters(const std::vector<Tensor>& tensors) {
  std::size_t next = 0;
  for (auto& [name, tensor] : list_) tensor = tensors[next++];
}

const Tensor* ParameterList::add(const std::string& name, Tensor tensor) {
  list_.emplace_back(name, tensor.requires_grad_(true));
  return &list_.back().second;
}

const Tensor* ParameterList::uniform(const std::string& name, at::IntArrayRef shape, double bound) {
  return add(name, torch::empty(shape).uniform_(-bound, bound, generator_));
}

const Tensor* ParameterList::normal(const std::string& name, at::IntArrayRef shape, double deviation) {
  return add(name, torch::empty(shape).normal_(0.0, deviation, generator_));
}

const Tensor* ParameterList::constant(const std::string& name, at::IntArrayRef shape, double value) {
  return add(name, torch::full(shape, value));
}

ParameterList::Linear ParameterList::linear(const std::string& name, at::IntArrayRef shape, bool bias) {
  double fan_in = 1.0;
  for (std::size_t d = 1; d < shape.size(); ++d) fan_in *= static_cast<double>(shape[d]);
  const double bound = 1.0 / std::sqrt(fan_in);
  Linear l;
  l.weight = uniform(name + ".weight", shape, bound);
  if (bias) l.bias = uniform(name + ".bias", {shape[0]}, bound);
  return l;
}

ParameterList::Norm ParameterList::norm(const std::string& name, int channels) {
  Norm n;
  n.weight = constant(name + ".weight", {channels}, 1.0);
  n.bias = constant(name + ".bias", {channels}, 0.0);
  return n;
}

}  // namespace mano
