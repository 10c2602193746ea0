#include "surrogate/models.hpp"

#include "surrogate/networks/model_kinds.hpp"
#include "surrogate/networks/network.hpp"

namespace mano {

std::vector<ModelDescription> describe_models() {
  std::vector<ModelDescription> list;
  for (const ModelKind& kind : model_kinds()) {
    ModelDescription d{kind.name, kind.title, kind.source, kind.cost, {}};
    for (const std::string& preset : presets_of(kind.model))
      d.presets[preset] = make_network(architecture_preset(preset, kind.model), 0)->parameter_count();
    list.push_back(std::move(d));
  }
  return list;
}

}  // namespace mano
