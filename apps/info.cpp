// mano info: what a file holds.
//
//   mano info data.h5
//   mano info run

#include <fmt/ranges.h>

#include <filesystem>
#include <fstream>

#include "apps/command_line.hpp"
#include "apps/vtk_image.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/dataset.hpp"
#include "datagen/field_file.hpp"
#include "surrogate/model_card.hpp"
#include "surrogate/safetensors.hpp"

namespace mano {

namespace {

nlohmann::json describe_dataset(const std::string& path) {
  const DatasetReader reader(path);
  const DatasetInfo& i = reader.info();
  int most_iterations = 0;
  double worst_residual = 0.0;
  for (std::size_t s = 0; s < i.samples; ++s) {
    const Sample sample = reader.read_numbers(s);
    most_iterations = std::max(most_iterations, sample.iterations);
    worst_residual = std::max(worst_residual, sample.residual);
  }
  say(fmt::format("dataset (schema {} version {}), written by mano {}", kDatasetSchema, kDatasetSchemaVersion,
                  i.version));
  say(fmt::format("{} samples of {}x{} ({}), values at the {}, domain {:g}x{:g}", i.samples, i.grid.nx,
                  i.grid.ny, i.single_precision ? "float32" : "float64", to_string(i.location), i.grid.lx,
                  i.grid.ly));
  say(fmt::format("field {}, set-up {}, tolerance {:g}", i.field, i.setup, i.tolerance));
  if (most_iterations > 0)
    say(fmt::format("at most {} iterations, relative residual at most {:.2g}", most_iterations,
                    worst_residual));
  say("configuration " + i.configuration);
  return {{"kind", "dataset"},
          {"samples", i.samples},
          {"resolution", {i.grid.nx, i.grid.ny}},
          {"setup", i.setup},
          {"field", i.field},
          {"location", to_string(i.location)},
          {"size", {i.grid.lx, i.grid.ly}},
          {"tolerance", i.tolerance},
          {"largest_residual", worst_residual},
          {"hash", file_hash(path)}};
}

nlohmann::json describe_checkpoint(const std::filesystem::path& path) {
  const ModelCard c = card_from_metadata(read_safetensors(path).metadata, path.string());
  const Architecture& a = c.architecture;
  std::vector<std::string> resolutions;
  for (const Resolution& r : c.resolutions) resolutions.push_back(r.text());
  say(fmt::format("{} checkpoint {}, written by mano {}", to_string(a.model), path.string(), c.version));
  say(fmt::format("{} parameters, {}", c.parameters, to_json(a)));
  say(c.refinement ? "unseen resolutions: a ladder of grids from the training resolution, refined by " +
                         to_json(*c.refinement) +
                         fmt::format(", {} sweep{} a grid, {} form", c.sweeps, c.sweeps == 1 ? "" : "s",
                                     c.knows_equation ? "residual" : "approximate")
                   : std::string("unseen resolutions: interpolated from the training resolution"));
  say(fmt::format("trained at {} on {} data, set-up {}, domain {:g}x{:g}, values at the {}",
                  fmt::join(resolutions, ", "), c.field, c.setup, c.lx, c.ly, to_string(c.location)));
  for (const auto& d : c.data) say(fmt::format("data {}: {} samples, hash {}", d.file, d.samples, d.hash));
  say(fmt::format("epoch {}: relative L2 {:.4f} on the held-out part", c.epoch, c.validation_l2));
  nlohmann::json data = nlohmann::json::array();
  for (const auto& d : c.data) data.push_back({{"file", d.file}, {"samples", d.samples}, {"hash", d.hash}});
  return {{"kind", "checkpoint"},       {"parameters", c.parameters},
          {"resolutions", resolutions}, {"setup", c.setup},
          {"field", c.field},           {"data", data},
          {"epoch", c.epoch},           {"validation_relative_l2", c.validation_l2}};
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

void info(const std::string& path, const std::string& json) {
  const std::string extension = std::filesystem::path(path).extension().string();
  nlohmann::json result;
  if (std::filesystem::is_directory(path)) {
    result = describe_checkpoint(checkpoint_path(path));
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
  app.add_option("FILE", *path, "Dataset, checkpoint, run folder, .vti or .pvd")->required();
  add_json_option(app, *json);
  return [=](const Invocation&) { info(*path, *json); };
}

}  // namespace mano
