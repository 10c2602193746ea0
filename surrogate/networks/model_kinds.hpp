#pragma once
// The networks that `mano train --model` knows: name, source, cost, published proportions in two sizes, and which numbers of an
// Architecture shape each. Private to surrogate/, apps/ and tests.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "surrogate/networks/architecture.hpp"

namespace mano {

struct ModelKind {
  Architecture::Model model;
  const char* name;    ///< of --model and in checkpoints
  const char* title;   ///< for people
  const char* source;  ///< the paper
  const char* cost;    ///< of a forward pass over N tokens
  /// The numbers beyond channels, dim and depth, under their names in JSON and in options.
  std::vector<std::pair<const char*, int Architecture::*>> numbers;
  Architecture small, large;  ///< about 70,000 and 600,000 parameters
  /// Numbers that a JSON has only where they are not as usual, so that files from before they were there load.
  std::vector<std::pair<const char*, int Architecture::*>> later_numbers = {};
  /// Fewer blocks or modes of more channels than the small one, and of MANO a head point by point: for displacements, which have many
  /// numbers at each point. Where there is none, the small one is as wide as that.
  std::optional<Architecture> wide = {};

  /// Channels, depth and both lists, as options of `mano train` name them: "dim-head", and "token-size" for MANO's patch.
  std::vector<std::pair<std::string, int Architecture::*>> options() const;
};

/// All, MANO first.
const std::vector<ModelKind>& model_kinds();
const ModelKind& kind_of(Architecture::Model model);

}  // namespace mano
