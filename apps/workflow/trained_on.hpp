#pragma once
// What a model was trained on: fields (its errors there say nothing of new ones) and units.

#include <cstdint>
#include <nlohmann/json.hpp>

#include "apps/options/field_source.hpp"
#include "core/units.hpp"
#include "datagen/dataset.hpp"
#include "surrogate/checkpoint/model_card.hpp"

namespace mano {

/// Sample `number` of the field that `configuration` describes (FieldSource::configuration(), or a dataset's) is among those that the
/// model was trained on: the same kind, parameters and seed, on any grid. Older checkpoints tell this of their first dataset alone.
bool trained_on(const ModelCard& card, const nlohmann::json& configuration, std::uint64_t number);

/// All samples of a file that was trained on, else those that trained_on() finds.
std::size_t samples_trained_on(const ModelCard& card, const DatasetReader& data);

/// Of the model's first dataset; all datasets of a training have the same, since they are part of the problem's name.
Units units_of(const ModelCard& card);

/// Throws InvalidInput where the file of `source` states other units than the model's; with `force`, says so.
void check_units(const ModelCard& card, const FieldSource& source, bool force = false);

}  // namespace mano
