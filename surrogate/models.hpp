#pragma once
// The networks that can be trained, for those who choose one. No Torch here.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mano {

struct ModelDescription {
  std::string name, title, source, cost;        ///< ModelKind's
  std::map<std::string, std::int64_t> presets;  ///< parameters by name of preset
};

/// All of them, MANO first. Throws MissingPart without LibTorch.
std::vector<ModelDescription> describe_models();

}  // namespace mano
