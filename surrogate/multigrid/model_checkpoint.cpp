// The whole model to and from a safetensors file.
#include "core/error.hpp"
#include "surrogate/checkpoint/tensor_store.hpp"
#include "surrogate/multigrid/model.hpp"
#include "surrogate/multigrid/refinement.hpp"

namespace mano {

namespace {

// Metadata alone must not make this program allocate more than the file could hold.
void check_size(const Architecture& a, const SafetensorsFile& file, const std::string& where) {
  std::int64_t numbers = 0;
  for (const auto& [name, tensor] : file.tensors)
    numbers += static_cast<std::int64_t>(tensor.bytes.size() / 4);
  check(least_parameters(a) <= numbers,
        "{}: its {} numbers are of another architecture than its metadata say", where, numbers);
}

}  // namespace

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
    check(model.card.refinement->channels_in == kCorrectionInputs && model.card.refinement->channels_out == 1,
          "{}: metadata is damaged: the refinement maps {} channels to {}", where,
          model.card.refinement->channels_in, model.card.refinement->channels_out);
    check(!model.card.knows_equation || knows_equation(model.card.problem_name, model.card.location),
          "{}: metadata is damaged: no equation is known for problem '{}'", where, model.card.problem_name);
    model.refinement = make_network(*model.card.refinement, 0);
    load_parameters(*model.refinement, file, kRefinementPrefix, where);
    expected += model.refinement->named_parameters().size();
  }
  check(file.tensors.size() == expected, "{}: it holds tensors that the architecture does not have", where);
  return model;
}

}  // namespace mano
