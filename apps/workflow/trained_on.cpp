#include "apps/workflow/trained_on.hpp"

#include <algorithm>

#include "apps/options/command_line.hpp"
#include "core/error.hpp"
#include "datagen/content_hash.hpp"
#include "datagen/drawn_rocks.hpp"
#include "datagen/units_json.hpp"

namespace mano {

using nlohmann::json;

bool trained_on(const ModelCard& card, const json& configuration, std::uint64_t number) {
  const json rocks = rock_options(configuration);
  const auto held = [&](const std::string& text) {
    const json training = configuration_json(text);
    return !rocks.is_null() && rock_options(training) == rocks && holds_number(training, number);
  };
  return held(card.data_configuration) ||
         std::any_of(card.data.begin(), card.data.end(),
                     [&](const TrainingData& data) { return held(data.configuration); });
}

std::size_t samples_trained_on(const ModelCard& card, const DatasetReader& data) {
  const std::size_t samples = data.info().samples;
  const std::string hash = file_hash(data.path());
  if (std::any_of(card.data.begin(), card.data.end(), [&](const TrainingData& d) { return d.hash == hash; }))
    return samples;
  const json configuration = configuration_json(data.info().configuration);
  std::size_t count = 0;
  for (std::size_t s = 0; s < samples; ++s)
    count += trained_on(card, configuration, data.read_numbers(s).number) ? 1 : 0;
  return count;
}

Units units_of(const ModelCard& card) {
  const json configuration = configuration_json(card.data_configuration);
  const json::json_pointer at("/flow/units");
  if (!configuration.is_object() || !configuration.contains(at)) return {};
  return units_from_json(configuration.at(at));
}

void check_units(const ModelCard& card, const FieldSource& source, bool force) {
  const UnitSystem model = units_of(card).system;
  const UnitSystem stated = source.units().value_or(Units{model}).system;
  if (stated == model) return;
  const std::string what = fmt::format("{} is in {} units, the model was trained in {} ones",
                                       source.options().permeability, to_string(stated), to_string(model));
  check(force, "{}: convert the file, or pass --force", what);
  say("note: " + what + ": its numbers are taken for the model's, and so is the problem of any estimate");
}

}  // namespace mano
