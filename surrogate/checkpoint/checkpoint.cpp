#include "surrogate/checkpoint/checkpoint.hpp"

#include <torch/torch.h>

#include <cstring>

#include "core/error.hpp"
#include "surrogate/multigrid/refinement.hpp"

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

constexpr const char* kRefinementPrefix = "refinement.";

// Metadata alone must not make this program allocate more than the file could hold.
void check_size(const Architecture& a, const SafetensorsFile& file, const std::string& where) {
  std::int64_t numbers = 0;
  for (const auto& [name, tensor] : file.tensors)
    numbers += static_cast<std::int64_t>(tensor.bytes.size() / 4);
  check(least_parameters(a) <= numbers,
        "{}: its {} numbers are of another architecture than its metadata say", where, numbers);
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

void save_checkpoint(const std::filesystem::path& path, const SurrogateModel& model) {
  SafetensorsFile file;
  file.metadata = to_metadata(model.card);
  for (const auto& [name, parameter] : model.base->named_parameters()) file.tensors[name] = store(parameter);
  if (model.refinement) {
    for (const auto& [name, parameter] : model.refinement->named_parameters())
      file.tensors[kRefinementPrefix + name] = store(parameter);
  }
  write_safetensors(path, file);
}

SurrogateModel load_checkpoint(const std::filesystem::path& path) {
  const std::string where = path.string();
  const SafetensorsFile file = read_safetensors(path);
  SurrogateModel model;
  model.card = card_from_metadata(file.metadata, where);
  check_size(model.card.architecture, file, where);
  model.base = make_network(model.card.architecture, 0);
  load_parameters(*model.base, file, "", where);
  std::size_t expected = model.base->named_parameters().size();
  if (model.card.refinement) {
    check_size(*model.card.refinement, file, where);
    check(
        model.card.refinement->channels_in == kRefinementChannels && model.card.refinement->channels_out == 1,
        "{}: metadata is damaged: the refinement maps {} channels to {}", where,
        model.card.refinement->channels_in, model.card.refinement->channels_out);
    check(!model.card.knows_equation || knows_equation(model.card.setup, model.card.location),
          "{}: metadata is damaged: no equation is known for set-up '{}'", where, model.card.setup);
    model.refinement = make_network(*model.card.refinement, 0);
    load_parameters(*model.refinement, file, kRefinementPrefix, where);
    expected += model.refinement->named_parameters().size();
  }
  check(file.tensors.size() == expected, "{}: it holds tensors that the architecture does not have", where);
  return model;
}

}  // namespace mano
