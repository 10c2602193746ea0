#pragma once
// Which rocks a dataset holds: those that its configuration's options and seed give, by number. The same at any resolution, whatever flows.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace mano {

/// A dataset's configuration as JSON, null where the text is none.
nlohmann::json configuration_json(const std::string& text);

/// The options that decide the rocks, and their seed; null where the configuration has no seed.
nlohmann::json rock_options(const nlohmann::json& configuration);

/// Whether sample `number` is one of the dataset's: of its range, or of one of its ranges where it was merged with gaps.
bool holds_number(const nlohmann::json& configuration, std::uint64_t number);

}  // namespace mano
