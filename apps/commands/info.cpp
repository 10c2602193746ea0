// mano info: what a file holds.
//
//   mano info data.h5
//   mano info run

#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "apps/comparison/evaluation_table.hpp"
#include "apps/options/command_line.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "apps/workflow/trained_on.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/content_hash.hpp"
#include "datagen/dataset.hpp"
#include "datagen/field_file.hpp"
#include "datagen/units_json.hpp"
#include "surrogate/checkpoint/model_card.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/models.hpp"

namespace mano {

namespace {

// Settings as a reader would list them: "depth 4, phases 3 12, flow (driven_by five-spot)"; also those that are kept as text of JSON.
// Names that older files have are those of today.
std::string in_words(const nlohmann::json& settings) {
  if (settings.is_string()) {
    const auto text = settings.get<std::string>();
    const auto json = nlohmann::json::parse(text, nullptr, false);
    return json.is_object() ? in_words(json) : text;
  }
  if (settings.is_number_float()) return fmt::format("{:g}", settings.get<double>());
  if (settings.is_array()) {
    std::vector<std::string> values;
    for (const auto& value : settings) values.push_back(in_words(value));
    return fmt::format("{}", fmt::join(values, " "));
  }
  if (!settings.is_object()) return settings.dump();
  std::vector<std::string> parts;
  for (const auto& [name, value] : settings.items()) {
    std::string text = in_words(value);
    if (text.empty()) continue;
    if (text.find(", ") != std::string::npos) text = fmt::format("({})", text);
    parts.push_back(fmt::format("{} {}", name == "setup" ? "problem" : name, text));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

// All but the name of the network, which its reader has been told.
std::string numbers_of(const Architecture& a) {
  auto json = nlohmann::json::parse(to_json(a));
  json.erase("model");
  return in_words(json);
}

nlohmann::json describe_dataset(const std::string& path) {
  const DatasetReader reader(path, DatasetKind::any);
  const DatasetInfo& i = reader.info();
  int most_iterations = 0;
  double worst_residual = 0.0;
  for (std::size_t s = 0; s < i.samples; ++s) {
    const Sample sample = reader.read_numbers(s);
    most_iterations = std::max(most_iterations, sample.iterations);
    worst_residual = std::max(worst_residual, sample.residual);
  }
  say(fmt::format("dataset (schema {} version {}), written by mano {}", kDatasetSchema, schema_version(i),
                  i.version));
  say(fmt::format("{} samples of {} ({}), values at the {}s, domain {}", i.samples, i.grid.resolution(),
                  i.single_precision ? "float32" : "float64", to_string(i.location), i.grid.size()));
  if (!i.units.consistent()) say(i.units.description(i.grid.flat()));
  if (i.grid.x0 != 0 || i.grid.y0 != 0)
    say(fmt::format("south-west corner at ({:g}, {:g})", i.grid.x0, i.grid.y0));
  if (i.grid.z0 != 0) say(fmt::format("top at depth {:g}", i.grid.z0));
  say(fmt::format("field {}, problem {}{}", i.field, i.problem_name,
                  i.tolerance > 0 ? fmt::format(", tolerance {:g}", i.tolerance) : ""));
  if (i.most_wells > 0) say(fmt::format("each sample has wells of its own, at most {}", i.most_wells));
  if (!i.times.empty()) {
    say(
        fmt::format("displacement at {} times, {:g} to {:g} pore volumes injected; mass balance error at "
                    "most {:.2g} a step",
                    i.times.size(), i.times.front(), i.times.back(), worst_residual));
    say("displacement: " + in_words(i.displacement));
  } else if (most_iterations > 0)
    say(fmt::format("at most {} iterations, relative residual at most {:.2g}", most_iterations,
                    worst_residual));
  say("configuration: " + in_words(i.configuration));
  nlohmann::json json{{"kind", "dataset"},
                      {"samples", i.samples},
                      {"resolution", {i.grid.nx, i.grid.ny}},
                      {"problem", i.problem_name},
                      {"field", i.field},
                      {"location", to_string(i.location)},
                      {"size", {i.grid.lx, i.grid.ly}},
                      {"origin", {i.grid.x0, i.grid.y0}},
                      {"tolerance", i.tolerance},
                      {"largest_residual", worst_residual},
                      {"hash", file_hash(path)}};
  if (!i.grid.flat()) {
    json["resolution"].push_back(i.grid.nz);
    json["size"].push_back(i.grid.lz);
    json["origin"].push_back(i.grid.z0);
  }
  if (i.most_wells > 0) json["most_wells"] = i.most_wells;
  if (!i.units.consistent()) json["units"] = units_json(i.units);
  if (!i.times.empty()) {
    json["times"] = i.times;
    json["displacement"] = nlohmann::json::parse(i.displacement, nullptr, false);
  }
  return json;
}

// How far the model may be trusted, and on what.
std::vector<std::string> limits_of_use(const ModelCard& c) {
  std::vector<std::string> lines;
  for (const Calibration& b : c.calibrations) {
    lines.push_back(fmt::format(
        "at {}: {:.0f} % of the points lie within {:.3g} times the prediction's rms of the solution, "
        "{:.0f} % of the fields within a relative L2 of {:.3g} (by {} held-out fields)",
        b.resolution.text(), 100 * kCoverage, b.half_width, 100 * kCoverage, b.relative_l2, b.fields));
  }
  const CoefficientRanges& r = c.coefficients;
  if (r.fields > 0) {
    lines.push_back(fmt::format(
        "for permeabilities like those of training ({} fields): {:.3g} to {:.3g}, variance of ln k {:.2g} to "
        "{:.2g}, "
        "correlation length {:.2g} to {:.2g} of the domain in x, {:.2g} to {:.2g} in y; others are flagged",
        r.fields, std::exp(r.least[0]), std::exp(r.most[1]), r.least[2], r.most[2], r.least[3], r.most[3],
        r.least[4], r.most[4]));
  }
  if (r.fields == 0)
    lines.emplace_back(
        "no ranges of the training rock: the training has not ended, or was an older program's");
  if (c.calibrations.empty())
    lines.push_back(
        fmt::format("no prediction intervals: the training has not ended, held out fewer than 10 fields{}, "
                    "or was an older program's",
                    c.history ? "" : " (mano calibrate adds intervals)"));
  return lines;
}

// What `mano evaluate --record` has kept in the folder, of this very checkpoint; null where nothing.
nlohmann::json recorded(const std::filesystem::path& run, const std::string& hash) {
  std::ifstream file(run / kRecordedEvaluation);
  if (!file) return {};
  std::vector<std::string> lines;
  try {
    const auto all = nlohmann::json::parse(file);
    if (all.at("model_hash") != hash) {
      say(fmt::format("{} is of other weights or intervals: evaluate again", kRecordedEvaluation));
      return {};
    }
    for (const auto& r : all.at("results")) {
      std::string covered;
      for (const char* key : {"covered_by_interval", "covered_by_band"})  // the second in older files
        if (r.contains(key))
          covered = fmt::format(", {:.1f} % in the prediction interval", 100 * r.at(key).get<double>());
      const std::string method = r.at("method");
      lines.push_back(fmt::format(
          "evaluated at {}x{} ({}, {} samples of {}{}): relative L2 {:.5f}, interpolated {:.5f}{}",
          r.at("resolution").at(0).get<int>(), r.at("resolution").at(1).get<int>(),
          r.at("seen_in_training").get<bool>() ? "seen" : "unseen", r.at("samples").get<int>(),
          r.at("data").get<std::string>(),
          method == "multigrid" || method == "ladder" ? "" : ", method " + method,
          r.at("relative_l2").at("mean").get<double>(),
          r.at("interpolated_relative_l2").at("mean").get<double>(), covered));
    }
    for (const auto& line : lines) say(line);
    return all.at("results");
  } catch (const nlohmann::json::exception&) {
    say(fmt::format("{} is damaged: evaluate again", kRecordedEvaluation));
    return {};
  }
}

nlohmann::json describe_checkpoint(const std::filesystem::path& path) {
  const ModelCard c = card_from_metadata(read_safetensors(path).metadata, path.string());
  const Architecture& a = c.architecture;
  std::vector<std::string> resolutions;
  for (const Resolution& r : c.resolutions) resolutions.push_back(r.text());
  say(fmt::format("{} checkpoint {}, written by mano {}", to_string(a.model), path.string(), c.version));
  const std::string hash = file_hash(path);
  say(fmt::format("hash {}", hash));
  say(fmt::format("{} parameters: {}", c.parameters, numbers_of(a)));
  std::vector<std::string> grids;
  for (const Resolution& r : c.resolutions) grids.push_back(c.network_grid(r).text());
  say(!c.classes.empty() ? fmt::format("tells kinds of rock apart: {}", fmt::join(c.classes, ", "))
      : c.refinement
          ? fmt::format("grid hierarchy from the network's grid, {}: refined by {} ({}), {} on each grid, {} "
                        "after the network's prediction, {} form, {}",
                        fmt::join(grids, ", "), to_string(c.refinement->model), numbers_of(*c.refinement),
                        c.correction_steps_a_grid() == 1
                            ? "one correction step"
                            : fmt::format("{} correction steps", c.correction_steps_a_grid()),
                        c.base_correction_steps, c.knows_equation ? "residual" : "approximate",
                        c.cycles == 1 ? "one cycle" : fmt::format("{} cycles", c.cycles))
          : fmt::format("no refinement: interpolated from the network's grid, {}", fmt::join(grids, ", ")));
  say(fmt::format("trained at {} on {} data, problem {}, domain {:g}x{:g}, values at the {}s",
                  fmt::join(resolutions, ", "), c.field, c.problem_name, c.lx, c.ly, to_string(c.location)));
  if (const Units units = units_of(c); !units.consistent()) say(units.description());
  for (const auto& d : c.data) say(fmt::format("data {}: {} samples, hash {}", d.file, d.samples, d.hash));
  if (c.classes.empty()) {
    say(fmt::format("epoch {}: relative L2 {:.5f} on the held-out part", c.epoch, c.validation_l2));
    for (const auto& line : limits_of_use(c)) say(line);
  } else {
    say(fmt::format("epoch {}: cross-entropy {:.4f} on the held-out part", c.epoch, c.validation_l2));
  }
  nlohmann::json data = nlohmann::json::array();
  for (const auto& d : c.data) data.push_back({{"file", d.file}, {"samples", d.samples}, {"hash", d.hash}});
  nlohmann::json intervals = nlohmann::json::array();
  for (const Calibration& b : c.calibrations) {
    intervals.push_back({{"resolution", {b.resolution.nx, b.resolution.ny}},
                         {"coverage", kCoverage},
                         {"half_width", b.half_width},
                         {"relative_l2", b.relative_l2},
                         {"fields", b.fields}});
  }
  return {{"hash", file_hash(path)},
          {"intervals", intervals},
          {"kind", "checkpoint"},
          {"parameters", c.parameters},
          {"resolutions", resolutions},
          {"problem", c.problem_name},
          {"field", c.field},
          {"data", data},
          {"epoch", c.epoch},
          {"classes", c.classes},
          {c.classes.empty() ? "validation_relative_l2" : "validation_cross_entropy", c.validation_l2}};
}

nlohmann::json describe_lines(const std::string& kind, const std::vector<std::string>& lines) {
  for (const auto& line : lines) say(line);
  return {{"kind", kind}, {"lines", lines}};
}

std::vector<std::string> describe_pvd(const std::string& path) {
  const std::string text = read_text(path);
  check(text.find("<Collection") != std::string::npos, "{} is not a VTK collection", path);
  std::vector<std::string> lines;
  for (std::size_t at = 0; (at = text.find("file=\"", at)) != std::string::npos;) {
    at += 6;
    lines.push_back("image " + text.substr(at, text.find('"', at) - at));
  }
  lines.insert(lines.begin(), fmt::format("VTK collection of {} images", lines.size()));
  return lines;
}

// The networks that can be trained.
nlohmann::json list_models() {
  nlohmann::json models = nlohmann::json::array();
  for (const ModelDescription& m : describe_models()) {
    std::string sizes;
    for (const auto& [preset, parameters] : m.presets)
      sizes += fmt::format("{}{} {}", sizes.empty() ? "" : ", ", preset, parameters);
    say(fmt::format("{:<11} {}; {}; cost {}; parameters: {}", m.name, m.title, m.source, m.cost, sizes));
    models.push_back({{"name", m.name},
                      {"title", m.title},
                      {"source", m.source},
                      {"cost", m.cost},
                      {"presets", m.presets}});
  }
  return {{"models", models}};
}

void info(const std::string& path, const std::string& json) {
  const std::string extension = std::filesystem::path(path).extension().string();
  nlohmann::json result;
  if (std::filesystem::is_directory(path)) {
    result = describe_checkpoint(checkpoint_path(path));
    result["evaluations"] = recorded(path, result["hash"]);
  } else {
    check_readable(path);
    if (is_hdf5(path)) {
      result = describe_dataset(path);
    } else if (extension == ".vti") {
      result = describe_lines("vti", describe_vti(path));
    } else if (extension == ".pvd") {
      result = describe_lines("pvd", describe_pvd(path));
    } else {
      check(extension == ".safetensors",
            "{} is no dataset (.h5), checkpoint (.safetensors), run folder, .vti or .pvd", path);
      result = describe_checkpoint(path);
    }
  }
  write_json(json, result);
}

}  // namespace

std::function<void(const Invocation&)> add_info(CLI::App& app) {
  auto path = std::make_shared<std::string>();
  auto json = std::make_shared<std::string>();
  auto models = std::make_shared<bool>(false);
  app.add_option("FILE", *path, "Dataset, checkpoint, run folder, .vti or .pvd");
  app.add_flag("--models", *models, "List the networks that 'mano train --model' knows, in place of a file");
  add_json_option(app, *json);
  return [=](const Invocation&) {
    check(!*models || path->empty(), "--models takes no file");
    check(*models || !path->empty(), "a FILE is needed, or --models");
    *models ? write_json(*json, list_models()) : info(*path, *json);
  };
}

}  // namespace mano
