#include "datagen/drawn_rocks.hpp"

#include <algorithm>

namespace mano {

using nlohmann::json;

namespace {

std::uint64_t count_of(const json& value) {
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

bool in_range(std::uint64_t number, std::uint64_t first, std::uint64_t samples) {
  return number >= first && number - first < samples;
}

}  // namespace

json configuration_json(const std::string& text) {
  json configuration = json::parse(text, nullptr, false);
  return configuration.is_discarded() ? json() : configuration;
}

json rock_options(const json& configuration) {
  if (!configuration.is_object() || !configuration.contains("seed")) return {};
  constexpr const char* kKeys[] = {
      "field",      "seed",   "phases",   "mean",          "deviation", "correlation_length",
      "smoothness", "layers", "channels", "channel_width", "contrast",  "hash"};
  json options = json::object();
  for (const char* key : kKeys)
    if (configuration.contains(key)) options[key] = configuration.at(key);
  return options;
}

bool holds_number(const json& configuration, std::uint64_t number) {
  if (!configuration.is_object()) return false;
  const json ranges = configuration.value("ranges", json());
  if (!ranges.is_array())
    return in_range(number, count_of(configuration.value("first", json())),
                    count_of(configuration.value("samples", json())));
  return std::any_of(ranges.begin(), ranges.end(), [&](const json& range) {
    return range.is_array() && range.size() == 2 && in_range(number, count_of(range[0]), count_of(range[1]));
  });
}

}  // namespace mano
