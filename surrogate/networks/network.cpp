#include "surrogate/networks/network.hpp"

#include <stdexcept>

#include "core/error.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/multipole_model.hpp"
#include "surrogate/networks/rivals.hpp"

namespace mano {

torch::Tensor Network::point_features(const torch::Tensor&, Precision) const {
  throw std::logic_error("this network has no head point by point");
}

torch::Tensor Network::from_point_features(const torch::Tensor&, const torch::Tensor&) const {
  throw std::logic_error("this network has no head point by point");
}

std::vector<torch::Tensor> Network::parameters() const {
  std::vector<torch::Tensor> list;
  for (const auto& [name, tensor] : named_parameters()) list.push_back(tensor);
  return list;
}

void Network::freeze() {
  for (const torch::Tensor& tensor : parameters()) tensor.requires_grad_(false);
}

std::int64_t Network::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& tensor : parameters()) count += tensor.numel();
  return count;
}

void Network::use_parameters(const std::vector<torch::Tensor>& tensors) {
  const auto own = named_parameters();
  check(tensors.size() == own.size(), "the network has {} parameters, {} were given", own.size(),
        tensors.size());
  std::vector<torch::Tensor> whole;  // the loops read memory as it lies
  for (std::size_t i = 0; i < own.size(); ++i) {
    const torch::Tensor& t = tensors[i];
    check(t.sizes() == own[i].second.sizes(), "parameter '{}' has another shape than the network's",
          own[i].first);
    check(t.scalar_type() == torch::kFloat32 || t.scalar_type() == torch::kFloat64,
          "parameter '{}' is {}, expected float32 or float64", own[i].first, c10::toString(t.scalar_type()));
    check(t.scalar_type() == tensors[0].scalar_type() && t.device() == tensors[0].device(),
          "parameter '{}' is of another type or on another device than '{}'", own[i].first, own[0].first);
    whole.push_back(t.contiguous());
  }
  put_parameters(whole);
}

std::unique_ptr<Network> make_network(const Architecture& architecture, std::uint64_t seed) {
  check_architecture(architecture);
  switch (architecture.model) {
    case Architecture::Model::fno:
      return make_fno(architecture, seed);
    case Architecture::Model::vit:
      return make_vit(architecture, seed);
    case Architecture::Model::swin:
      return make_swin(architecture, seed);
    case Architecture::Model::unet:
      return make_unet(architecture, seed);
    case Architecture::Model::xcit:
      return make_xcit(architecture, seed);
    case Architecture::Model::qna:
      return make_qna(architecture, seed);
    case Architecture::Model::shunted:
      return make_shunted(architecture, seed);
    case Architecture::Model::hlg:
      return make_hlg(architecture, seed);
    case Architecture::Model::reguformer:
      return make_reguformer(architecture, seed);
    case Architecture::Model::mat:
      return make_mat(architecture, seed);
    case Architecture::Model::lit:
      return make_lit(architecture, seed);
    case Architecture::Model::transdepth:
      return make_transdepth(architecture, seed);
    default:
      return std::make_unique<MultipoleModel>(architecture, seed);
  }
}

}  // namespace mano
