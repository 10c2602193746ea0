#pragma once
// Whether a model has seen a field in training: its errors there say nothing of new ones.

#include <cstdint>
#include <nlohmann/json.hpp>

#include "datagen/dataset.hpp"
#include "surrogate/checkpoint/model_card.hpp"

namespace mano {

/// Sample `number` of the field that `configuration` describes (FieldSource::configuration(), or a dataset's) is among those of the
/// model's first dataset: the same kind, parameters and seed, on any grid. Of other datasets that it was trained on nothing is known.
bool trained_on(const ModelCard& card, const nlohmann::json& configuration, std::uint64_t number);

/// All samples of a file that was trained on, else those that trained_on() finds.
std::size_t samples_trained_on(const ModelCard& card, const DatasetReader& data);

}  // namespace mano
