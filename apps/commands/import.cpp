// mano import: HDF5 arrays of others as a dataset.
//
//   mano import data/neuraloperator_darcy_16_train.h5 --phases 3,12 --location node -o train.h5

#include "datagen/import.hpp"

#include <algorithm>

#include "apps/options/command_line.hpp"
#include "apps/options/field_options.hpp"
#include "core/error.hpp"
#include "core/interrupt.hpp"
#include "datagen/content_hash.hpp"
#include "datagen/dataset.hpp"
#include "solver/problem.hpp"

namespace mano {

namespace {

struct ImportOptions {
  std::string input, output, coefficient, solution, location = "cell", size, problem_name = kUnknownProblem,
                                                    json;
  std::string phases, active;
  ArrayOptions arrays;
  bool nan_is_inactive = false, overwrite = false;
};

void import(const ImportOptions& o, const Invocation&) {
  ImportRequest request;
  check(!o.output.empty(), "no output: pass -o FILE.h5");
  check(o.overwrite || !std::filesystem::exists(o.output),
        "{} exists: choose another name or pass --overwrite", o.output);
  request.input = o.input;
  request.output = o.output;
  request.coefficient = o.coefficient;
  request.solution = o.solution;
  request.arrays = o.arrays;
  request.active = o.active;
  request.nan_is_inactive = o.nan_is_inactive;
  if (!o.phases.empty()) request.phases = parse_phases(o.phases);
  request.location = parse_location(o.location);
  const bool volumes = o.arrays.axes.find('z') != std::string::npos;
  if (volumes) {
    request.size = parse_volume_size(o.size.empty() ? "1x1x1" : o.size);
    check(o.size.empty() || std::count(o.size.begin(), o.size.end(), 'x') == 2,
          "size '{}' has two lengths, --axes {} are those of volumes: pass LXxLYxLZ", o.size, o.arrays.axes);
  } else if (!o.size.empty()) {
    const auto [lx, ly] = parse_size(o.size);
    request.size = {lx, ly, 1.0};
  }
  if (o.problem_name != kUnknownProblem)
    make_problem(o.problem_name, Field(Grid{2, 2}, 1.0));  // refuses unknown names
  request.problem_name = o.problem_name;
  nlohmann::json configuration{{"imported_from", request.input.filename().string()},
                               {"hash", file_hash(request.input)}};
  if (request.phases) configuration["phases"] = {request.phases->first, request.phases->second};
  if (!o.arrays.axes.empty()) configuration["axes"] = o.arrays.axes;
  if (o.arrays.time_step) configuration["time_step"] = *o.arrays.time_step;
  if (!o.active.empty()) configuration["active"] = o.active;
  if (o.nan_is_inactive) configuration["nan_is_inactive"] = true;
  request.configuration = configuration.dump();
  catch_interrupts();
  const ImportResult result = import_dataset(request);
  const Grid grid = DatasetReader(o.output, DatasetKind::any).info().grid;
  nlohmann::json resolution{grid.nx, grid.ny};
  if (!grid.flat()) resolution.push_back(grid.nz);
  for (const std::string& line : result.arrays) say(line);
  say(fmt::format("wrote {}: {} samples at {}, values at the {}s", o.output, result.samples,
                  grid.resolution(), o.location));
  write_json(o.json, {{"samples", result.samples}, {"resolution", resolution}, {"arrays", result.arrays}});
}

}  // namespace

std::function<void(const Invocation&)> add_import(CLI::App& app) {
  auto o = std::make_shared<ImportOptions>();
  app.add_option("FILE", o->input, "HDF5 file with arrays [N, H, W] or others that --axes describes")
      ->required();
  app.add_option("--coefficient", o->coefficient, "Name of the permeability [the usual names are tried]")
      ->type_name("NAME");
  app.add_option("--solution", o->solution, "Name of the pressure [the usual names are tried]")
      ->type_name("NAME");
  app.add_option("--phases", o->phases, "Permeabilities where an indicator is 0 and 1, such as 3,12")
      ->type_name("LOW,HIGH");
  add_array_options(app, o->arrays);
  app.add_option("--active", o->active, "Name of an array of 1 (active) and 0 (inactive cells)")
      ->type_name("NAME");
  app.add_flag("--nan-is-inactive", o->nan_is_inactive,
               "Cells whose permeability is not a number are inactive");
  app.add_option("--location", o->location,
                 "Where values sit: cell (at (i+1/2)/nx) or node (at i/nx) [cell]");
  app.add_option("--size", o->size, "Size of the domain [1 in each direction]")->type_name("LXxLY[xLZ]");
  app.add_option("--problem", o->problem_name, "benchmark, drive or five-spot, where it is known [unknown]");
  app.add_option("-o,--output", o->output, "Dataset, .h5")->type_name("FILE");
  app.add_flag("--overwrite", o->overwrite, "Replace an existing dataset");
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) { import(*o, invocation); };
}

}  // namespace mano
