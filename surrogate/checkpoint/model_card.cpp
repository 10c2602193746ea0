#include "surrogate/checkpoint/model_card.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/networks/json_numbers.hpp"

namespace mano {

using nlohmann::json;

std::optional<std::vector<std::string>> ModelCard::unlike_training(const Field& rock) const {
  if (coefficients.fields == 0) return std::nullopt;
  const Resolution at = coarsest();
  const bool coarser = rock.grid.nx < at.nx || rock.grid.ny < at.ny;
  return coefficients.outside(coefficient_statistics(rock, at, location),
                              coarser ? 2 : kCoefficientStatistics.size());
}

bool ModelCard::seen(const Resolution& resolution) const {
  return std::find(resolutions.begin(), resolutions.end(), resolution) != resolutions.end();
}

void ModelCard::check_takes_inactive(bool has_inactive, const std::string& where) const {
  check(!has_inactive || takes_inactive(),
        "{} has inactive cells, and the model was trained on rock without: train one on data with some",
        where);
}

Resolution ModelCard::coarsest() const {
  return *std::min_element(resolutions.begin(), resolutions.end(),
                           [](const Resolution& a, const Resolution& b) {
                             return static_cast<double>(a.nx) * a.ny < static_cast<double>(b.nx) * b.ny;
                           });
}

Resolution ModelCard::base_resolution(const Resolution& target) const {
  const auto cells = [](const Resolution& r) { return static_cast<double>(r.nx) * r.ny; };
  Resolution best = resolutions.front();
  for (const Resolution& r : resolutions) {
    const bool fits = r.nx <= target.nx && r.ny <= target.ny;
    const bool best_fits = best.nx <= target.nx && best.ny <= target.ny;
    if (fits != best_fits ? fits : (fits ? cells(r) > cells(best) : cells(r) < cells(best))) best = r;
  }
  return best;
}

const Calibration* ModelCard::calibration(const Resolution& resolution) const {
  const auto found = std::find_if(calibrations.begin(), calibrations.end(),
                                  [&](const Calibration& c) { return c.resolution == resolution; });
  return found == calibrations.end() ? nullptr : &*found;
}

namespace {

json coefficients_json(const CoefficientRanges& ranges) {
  json j{{"fields", ranges.fields}};
  for (std::size_t i = 0; i < kCoefficientStatistics.size(); ++i)
    j[kCoefficientStatistics[i]] = {ranges.least[i], ranges.most[i]};
  return j;
}

Resolution resolution_from(const json& r) {
  return {whole_number<int>(r.at(0), "a resolution"), whole_number<int>(r.at(1), "a resolution")};
}

CoefficientRanges coefficients_from(const json& j) {
  CoefficientRanges ranges;
  ranges.fields = whole_number<std::size_t>(j.at("fields"), "fields");
  for (std::size_t i = 0; i < kCoefficientStatistics.size(); ++i) {
    ranges.least[i] = j.at(kCoefficientStatistics[i]).at(0);
    ranges.most[i] = j.at(kCoefficientStatistics[i]).at(1);
  }
  return ranges;
}

json calibrations_json(const std::vector<Calibration>& calibrations) {
  json list = json::array();
  for (const Calibration& c : calibrations) {
    list.push_back({{"resolution", {c.resolution.nx, c.resolution.ny}},
                    {"coverage", kCoverage},
                    {"fields", c.fields},
                    {"half_width", c.half_width},
                    {"relative_l2", c.relative_l2}});
  }
  return list;
}

// Of version 1 of the schema, where it was called `old_key`, as well.
const json& entry(const json& j, const char* key, const char* old_key) {
  return j.contains(key) ? j.at(key) : j.at(old_key);
}

std::vector<Calibration> calibrations_from(const json& list) {
  std::vector<Calibration> calibrations;
  for (const json& c : list) {
    calibrations.push_back({resolution_from(c.at("resolution")),
                            whole_number<std::size_t>(c.at("fields"), "fields"),
                            entry(c, "half_width", "band").get<double>(), c.at("relative_l2").get<double>()});
  }
  return calibrations;
}

json history_json(const HistoryCard& h) {
  json j{{"times", h.times},
         {"std_correction", h.std_correction},
         {"saturations", {h.least_saturation, h.most_saturation}},
         {"displacement", h.displacement}};
  if (h.std_pressure_correction) j["std_pressure_correction"] = *h.std_pressure_correction;
  return j;
}

HistoryCard history_from(const json& j) {
  HistoryCard h{j.at("times").get<std::vector<double>>(), j.at("std_correction"), j.at("saturations").at(0),
                j.at("saturations").at(1), j.at("displacement")};
  if (j.contains("std_pressure_correction"))
    h.std_pressure_correction = j.at("std_pressure_correction").get<double>();
  return h;
}

void check_history(const ModelCard& card, const std::string& where) {
  if (!card.history) return;
  const HistoryCard& h = *card.history;
  const int times = static_cast<int>(h.times.size());
  check(!h.times.empty() && h.times.size() <= kMostTimes && h.times.front() > 0 &&
            std::adjacent_find(h.times.begin(), h.times.end(), std::greater_equal<>()) == h.times.end() &&
            std::isfinite(h.times.back()) && h.std_correction > 0 && std::isfinite(h.std_correction) &&
            h.std_pressure_correction.value_or(1) > 0 &&
            std::isfinite(h.std_pressure_correction.value_or(1)) && h.least_saturation >= 0 &&
            h.least_saturation < h.most_saturation && h.most_saturation <= 1,
        "{}: metadata is damaged: times or saturations of the displacement are out of range", where);
  check(card.architecture.channels_out == 2 * times && (card.architecture.channels_in == card.inputs() ||
                                                        card.architecture.channels_in == card.inputs() + 1),
        "{}: metadata is damaged: {} times of a displacement, {} input and {} output channels", where, times,
        card.architecture.channels_in, card.architecture.channels_out);
  check(!card.refinement && card.classes.empty(),
        "{}: metadata is damaged: a displacement has neither refinement nor classes", where);
}

const char* validation_key(const ModelCard& card) {
  return card.classes.empty() ? "validation_relative_l2" : "validation_cross_entropy";
}

// What a model computes with, after reading.
void check_ranges(const ModelCard& card, const std::string& where) {
  const Normalization& n = card.normalization;
  check(std::all_of(card.resolutions.begin(), card.resolutions.end(),
                    [](const Resolution& r) { return is_supported(r); }),
        "{}: metadata is damaged: a training resolution is out of range", where);
  check(std::isfinite(card.refinement_gain) && card.refinement_gain > 0 && card.correction_steps > 0 &&
            card.correction_steps <= 64 && card.base_correction_steps >= 0 &&
            card.base_correction_steps <= 64 && card.cycles >= 1 && card.cycles <= kMostCycles,
        "{}: metadata is damaged: refinement_gain is {}, correction_steps {}, on the network's grid {}, "
        "cycles {}",
        where, card.refinement_gain, card.correction_steps, card.base_correction_steps, card.cycles);
  check(
      card.classes.empty() || card.classes.size() == static_cast<std::size_t>(card.architecture.channels_out),
      "{}: metadata is damaged: {} classes, {} output channels", where, card.classes.size(),
      card.architecture.channels_out);
  check_history(card, where);
  check(card.coarsening >= 1 && std::all_of(card.resolutions.begin(), card.resolutions.end(),
                                            [&](const Resolution& r) {
                                              return r.nx % card.coarsening == 0 &&
                                                     r.ny % card.coarsening == 0;
                                            }),
        "{}: metadata is damaged: coarsening is {}, which does not divide a training resolution", where,
        card.coarsening);
  check(std::isfinite(n.mean_log_k) && n.std_log_k > 0 && std::isfinite(n.mean_pressure) &&
            n.std_pressure > 0 && !card.resolutions.empty() && card.lx > 0 && card.ly > 0,
        "{}: metadata is damaged: normalisation or domain out of range", where);
  constexpr std::size_t kMostFields = 1'000'000'000'000;
  check(std::all_of(card.calibrations.begin(), card.calibrations.end(),
                    [](const Calibration& c) {
                      return std::isfinite(c.half_width) && c.half_width >= 0 &&
                             std::isfinite(c.relative_l2) && c.relative_l2 >= 0 && c.fields > 0 &&
                             c.fields <= kMostFields && is_supported(c.resolution);
                    }),
        "{}: metadata is damaged: an interval is out of range", where);
  check(std::all_of(card.cycle_errors.begin(), card.cycle_errors.end(),
                    [](double error) { return std::isfinite(error) && error >= 0; }) &&
            card.cycle_errors.size() <= kMostCycles + 1,
        "{}: metadata is damaged: an error after some cycles is out of range", where);
  const CoefficientRanges& ranges = card.coefficients;
  check(ranges.fields <= kMostFields &&
            std::equal(ranges.least.begin(), ranges.least.end(), ranges.most.begin(), std::less_equal<>()),
        "{}: metadata is damaged: the coefficient's ranges are out of order", where);
}

}  // namespace

std::map<std::string, std::string> to_metadata(const ModelCard& c) {
  json resolutions = json::array();
  for (const Resolution& r : c.resolutions) resolutions.push_back({r.nx, r.ny});
  json data = json::array();
  for (const auto& d : c.data)
    data.push_back(
        {{"file", d.file}, {"xxh3_128", d.hash}, {"samples", d.samples}, {"configuration", d.configuration}});
  const json normalization{{"mean_log_k", c.normalization.mean_log_k},
                           {"std_log_k", c.normalization.std_log_k},
                           {"mean_pressure", c.normalization.mean_pressure},
                           {"std_pressure", c.normalization.std_pressure}};
  json training{{"resolutions", resolutions}, {"problem", c.problem_name},         {"field", c.field},
                {"size", {c.lx, c.ly}},       {"location", to_string(c.location)}, {"data", data},
                {"epoch", c.epoch},           {validation_key(c), c.validation_l2}};
  if (c.seed) training["seed"] = *c.seed;
  const int version =
      c.history && c.history->std_pressure_correction ? kHistorySchemaVersion : kCheckpointSchemaVersion;
  std::map<std::string, std::string> metadata{{"schema", kCheckpointSchema},
                                              {"schema_version", std::to_string(version)},
                                              {"program_version", c.version},
                                              {"architecture", to_json(c.architecture)},
                                              {"normalization", normalization.dump()},
                                              {"training", training.dump()},
                                              {"parameters", std::to_string(c.parameters)},
                                              {"coarsening", std::to_string(c.coarsening)},
                                              {"data_configuration", c.data_configuration}};
  if (c.coefficients.fields > 0) metadata["coefficients"] = coefficients_json(c.coefficients).dump();
  if (!c.calibrations.empty()) metadata["calibration"] = calibrations_json(c.calibrations).dump();
  if (c.history) metadata["history"] = history_json(*c.history).dump();
  if (!c.classes.empty()) metadata["classes"] = json(c.classes).dump();
  if (!c.cycle_errors.empty()) metadata["cycle_errors"] = json(c.cycle_errors).dump();
  if (c.refinement) {
    metadata["refinement"] = to_json(*c.refinement);
    metadata["refinement_form"] = c.knows_equation ? "residual" : "approximate";
    metadata["correction_steps"] = std::to_string(c.correction_steps);
    metadata["base_correction_steps"] = std::to_string(c.base_correction_steps);
    metadata["cycles"] = std::to_string(c.cycles);
    metadata["refinement_gain"] = json(c.refinement_gain).dump();
  }
  return metadata;
}

ModelCard card_from_metadata(const std::map<std::string, std::string>& metadata, const std::string& where) {
  const auto get = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  check(get("schema") == kCheckpointSchema, "{} is not a mano checkpoint (schema '{}')", where,
        get("schema"));
  const std::string version = get("schema_version");
  check(version == "1" || version == std::to_string(kCheckpointSchemaVersion) ||
            version == std::to_string(kHistorySchemaVersion),
        "{}: checkpoint schema version '{}', this program reads versions 1 to {}", where, version,
        kHistorySchemaVersion);
  const auto renamed = [&](const char* key, const char* old_key) {
    return metadata.contains(key) ? get(key) : get(old_key);
  };
  ModelCard card;
  try {
    card.architecture = architecture_from_json(get("architecture"));
    if (metadata.contains("refinement")) {
      card.refinement = architecture_from_json(get("refinement"));
      card.knows_equation = get("refinement_form") == "residual";
      card.correction_steps = std::stoi(renamed("correction_steps", "sweeps"));
      // Files older than these entries: one step or none on the network's grid, cycles as is usual.
      const std::string base = renamed("base_correction_steps", "base_sweeps");
      card.base_correction_steps = base.empty() ? int{get("refines_base") == "true"} : std::stoi(base);
      const std::string cycles = renamed("cycles", "climbs");
      card.cycles = cycles.empty() ? default_cycles(card.knows_equation) : std::stoi(cycles);
      card.refinement_gain = json::parse(get("refinement_gain"));
    }
    if (metadata.contains("coefficients"))
      card.coefficients = coefficients_from(json::parse(get("coefficients")));
    if (metadata.contains("calibration"))
      card.calibrations = calibrations_from(json::parse(get("calibration")));
    if (metadata.contains("cycle_errors")) {
      const json errors = json::parse(get("cycle_errors"));
      card.cycle_errors = errors.get<std::vector<double>>();
    }
    if (metadata.contains("history")) card.history = history_from(json::parse(get("history")));
    if (metadata.contains("classes"))
      card.classes = json::parse(get("classes")).get<std::vector<std::string>>();
    if (metadata.contains("coarsening"))
      card.coarsening = std::stoi(get("coarsening"));  // before it was there: 1
    const json n = json::parse(get("normalization"));
    card.normalization = {n.at("mean_log_k"), n.at("std_log_k"), n.at("mean_pressure"), n.at("std_pressure")};
    const json t = json::parse(get("training"));
    for (const json& r : t.at("resolutions")) card.resolutions.push_back(resolution_from(r));
    card.problem_name = entry(t, "problem", "setup");
    card.field = t.at("field");
    card.lx = t.at("size").at(0);
    card.ly = t.at("size").at(1);
    card.location = parse_location(t.at("location"));
    for (const json& d : t.at("data"))
      card.data.push_back({d.at("file"), d.at("xxh3_128"),
                           whole_number<std::size_t>(d.at("samples"), "samples"),
                           d.value("configuration", "")});
    if (t.contains("seed")) card.seed = whole_number<std::uint64_t>(t.at("seed"), "seed");
    card.epoch = whole_number<int>(t.at("epoch"), "epoch");
    card.validation_l2 = t.at(validation_key(card));
    card.parameters = std::stoll(get("parameters"));
  } catch (const InvalidInput& e) {
    throw InvalidInput(fmt::format("{}: {}", where, e.what()));
  } catch (const std::exception& e) {
    throw InvalidInput(fmt::format("{}: metadata is damaged: {}", where, e.what()));
  }
  check_ranges(card, where);
  card.version = get("program_version");
  card.data_configuration = get("data_configuration");
  return card;
}

std::filesystem::path checkpoint_path(const std::filesystem::path& model) {
  const std::string extension = model.extension().string();
  for (const char* pickle : {".pt", ".pth", ".pkl", ".ckpt", ".bin"}) {
    check(extension != pickle,
          "{} is a pickle: loading one could run code, so mano does not; save the weights as .safetensors "
          "(docs/mano.md)",
          model.string());
  }
  const auto inside = model / "model.safetensors";
  check(!std::filesystem::is_directory(model) || std::filesystem::exists(inside),
        "{} holds no model.safetensors: is the training finished?", model.string());
  return std::filesystem::is_directory(model) ? inside : model;
}

void store_calibrations(const std::filesystem::path& checkpoint,
                        const std::vector<Calibration>& calibrations) {
  SafetensorsFile file = read_safetensors(checkpoint);
  ModelCard card = card_from_metadata(file.metadata, checkpoint.string());
  for (const Calibration& c : calibrations) {
    std::erase_if(card.calibrations, [&](const Calibration& old) { return old.resolution == c.resolution; });
    card.calibrations.push_back(c);
  }
  const auto metadata = to_metadata(card);
  for (const char* key : {"calibration", "schema_version"}) file.metadata[key] = metadata.at(key);
  write_safetensors(checkpoint, file);
}

}  // namespace mano
