#include "apps/workflow/trained_on.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "datagen/content_hash.hpp"
#include "datagen/units_json.hpp"

namespace mano {

using nlohmann::json;

bool trained_on(const ModelCard& card, const json& configuration, std::uint64_t number) {
  const json training = json::parse(card.data_configuration, nullptr, false);
  if (!training.is_object() || !configuration.is_object() || !training.contains("seed")) return false;
  constexpr const char* kKeys[] = {
      "field",      "seed",   "phases",   "mean",          "deviation", "correlation_length",
      "smoothness", "layers", "channels", "channel_width", "contrast",  "hash"};
  for (const char* key : kKeys) {
    if (training.value(key, json()) != configuration.value(key, json())) return false;
  }
  const auto number_of = [&](const char* key) {
    const json value = training.value(key, json());
    return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
  };
  const std::uint64_t first = number_of("first");
  return number >= first && number - first < number_of("samples");
}

std::size_t samples_trained_on(const ModelCard& card, const DatasetReader& data) {
  const std::size_t samples = data.info().samples;
  const std::string hash = file_hash(data.path());
  if (std::any_of(card.data.begin(), card.data.end(), [&](const TrainingData& d) { return d.hash == hash; }))
    return samples;
  const json configuration = json::parse(data.info().configuration, nullptr, false);
  std::size_t count = 0;
  for (std::size_t s = 0; s < samples; ++s)
    count += trained_on(card, configuration, data.read_numbers(s).number) ? 1 : 0;
  return count;
}

Units units_of(const ModelCard& card) {
  const json configuration = json::parse(card.data_configuration, nullptr, false);
  const json::json_pointer at("/flow/units");
  if (!configuration.is_object() || !configuration.contains(at)) return {};
  return units_from_json(configuration.at(at));
}

void check_units(const ModelCard& card, const FieldSource& source) {
  const UnitSystem model = units_of(card).system;
  const UnitSystem stated = source.units().value_or(Units{model}).system;
  check(stated == model,
        "{} is in {} units, the model was trained in {} ones: convert the file, or pass --force",
        source.options().permeability, to_string(stated), to_string(model));
}

}  // namespace mano
