#pragma once
// A network whose parameters are added one by one, under their names. Private to surrogate/.

#include <ATen/core/Generator.h>
#include <torch/types.h>

#include <list>
#include <string>
#include <utility>
#include <vector>

#include "surrogate/networks/network.hpp"

namespace mano {

class ParameterList : public Network {
 public:
  explicit ParameterList(std::uint64_t seed);
  ParameterList(const ParameterList&) = delete;  // layers point into the list
  ParameterList& operator=(const ParameterList&) = delete;

  std::vector<std::pair<std::string, torch::Tensor>> named_parameters() const override;
  void to(torch::Device device, torch::Dtype dtype) override;
  torch::Dtype dtype() const override { return list_.front().second.scalar_type(); }

 protected:
  struct Linear {  ///< or convolution
    const torch::Tensor* weight = nullptr;
    const torch::Tensor* bias = nullptr;
    torch::Tensor operator()(const torch::Tensor& x) const;  ///< over the last dimension
    torch::Tensor pointwise(const torch::Tensor& x) const;   ///< over channels of [B, C, H, W]
    torch::Tensor convolve(const torch::Tensor& x, int stride, int padding) const;
  };
  struct Norm {
    const torch::Tensor* weight = nullptr;
    const torch::Tensor* bias = nullptr;
    torch::Tensor operator()(const torch::Tensor& x) const;  ///< LayerNorm over the last dimension
  };

  // Addresses stay valid; to() replaces what is there.
  const torch::Tensor* uniform(const std::string& name, at::IntArrayRef shape, double bound);
  const torch::Tensor* normal(const std::string& name, at::IntArrayRef shape, double deviation);
  const torch::Tensor* constant(const std::string& name, at::IntArrayRef shape, double value);
  /// Within +-1/sqrt(fan-in), PyTorch's default; `shape` is the weight's.
  Linear linear(const std::string& name, at::IntArrayRef shape, bool bias = true);
  Norm norm(const std::string& name, int channels);

 private:
  void put_parameters(const std::vector<torch::Tensor>& tensors) override;
  const torch::Tensor* add(const std::string& name, torch::Tensor tensor);

  at::Generator generator_;
  std::list<std::pair<std::string, torch::Tensor>> list_;
};

}  // namespace mano
