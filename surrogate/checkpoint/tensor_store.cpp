#include "surrogate/checkpoint/tensor_store.hpp"

#include <cstring>

#include "core/error.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {

namespace {

std::string dtype_name(torch::Dtype dtype) {
  if (dtype == torch::kFloat32) return "F32";
  if (dtype == torch::kFloat64) return "F64";
  if (dtype == torch::kInt64) return "I64";
  throw RunFailed(fmt::format("cannot store tensors of type {}", c10::toString(dtype)));
}

torch::Dtype dtype_of(const std::string& name) {
  return name == "F32" ? torch::kFloat32 : name == "F64" ? torch::kFloat64 : torch::kInt64;
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t d = 0; d < shape.size(); ++d) text += (d ? ", " : "") + std::to_string(shape[d]);
  return text + "]";
}

}  // namespace

StoredTensor store(const torch::Tensor& tensor) {
  const auto plain = tensor.detach().to(torch::kCPU).contiguous();
  StoredTensor stored{dtype_name(plain.scalar_type()), plain.sizes().vec(),
                      std::vector<char>(plain.nbytes())};
  std::memcpy(stored.bytes.data(), plain.data_ptr(), stored.bytes.size());
  return stored;
}

torch::Tensor restore(const StoredTensor& stored) {
  auto tensor = torch::empty(stored.shape, dtype_of(stored.dtype));
  std::memcpy(tensor.data_ptr(), stored.bytes.data(), stored.bytes.size());
  return tensor;
}

void load_parameters(Network& network, const SafetensorsFile& file, const std::string& prefix,
                     const std::string& where) {
  torch::NoGradGuard no_grad;
  for (auto& [name, parameter] : network.named_parameters()) {
    const auto entry = file.tensors.find(prefix + name);
    check(entry != file.tensors.end(), "{}: tensor '{}{}' is missing: the file is of another architecture",
          where, prefix, name);
    check(at::IntArrayRef(entry->second.shape) == parameter.sizes(),
          "{}: tensor '{}{}' has shape {}, the architecture needs {}", where, prefix, name,
          shape_text(entry->second.shape), shape_text(parameter.sizes()));
    parameter.copy_(restore(entry->second));
  }
}

}  // namespace mano
