#pragma once
// A network that was trained to tell which generator drew a field (`mano train --task classify`). No Torch here.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/field.hpp"
#include "surrogate/checkpoint/model_card.hpp"

namespace mano {

class Classifier {
 public:
  /// `model` is a checkpoint or a RUN folder; `device` is auto, cpu or cuda. Throws InvalidInput where it cannot be read, holds no
  /// classifier, or the device cannot be used.
  Classifier(const std::filesystem::path& model, const std::string& device);
  ~Classifier();
  Classifier(Classifier&&) noexcept;

  const ModelCard& card() const;  ///< its `classes` name the columns of probabilities()

  /// The probability of each class, for permeabilities on one grid. Throws InvalidInput for permeabilities that are not finite and
  /// above zero, or a grid that the network does not take.
  std::vector<std::vector<double>> probabilities(const std::vector<Field>& permeabilities) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
