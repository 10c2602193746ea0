// mano import: HDF5 arrays of others as a dataset.
//
//   mano import data/neuraloperator_darcy_16_train.h5 --phases 3,12 --location node -o train.h5

#include "datagen/import.hpp"

#include "apps/options/command_line.hpp"
#include "apps/options/field_options.hpp"
#include "core/error.hpp"
#include "core/interrupt.hpp"
#include "datagen/dataset.hpp"
#include "solver/problem.hpp"

namespace mano {

namespace {

struct ImportOptions {
  std::string input, output, coefficient, solution, location = "cell", size = "1x1",
                                                    problem_name = kUnknownProblem, json;
  std::string phases;
  bool overwrite = false;
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
  if (!o.phases.empty()) {
    request.phases = parse_two(o.phases, ',', "phases");
    check(request.phases->first > 0 && request.phases->second > 0, "phases are '{}'; both must be above zero",
          o.phases);
  }
  request.location = parse_location(o.location);
  request.size = parse_size(o.size);
  if (o.problem_name != kUnknownProblem)
    make_problem(o.problem_name, Field(Grid{2, 2}, 1.0));  // refuses unknown names
  request.problem_name = o.problem_name;
  nlohmann::json configuration{{"imported_from", request.input.filename().string()},
                               {"hash", file_hash(request.input)}};
  if (request.phases) configuration["phases"] = {request.phases->first, request.phases->second};
  request.configuration = configuration.dump();
  catch_interrupts();
  const std::size_t samples = import_dataset(request);
  const Grid grid = DatasetReader(o.output).info().grid;
  say(fmt::format("wrote {}: {} samples at {}, values at the {}", o.output, samples, grid.resolution(),
                  o.location));
  write_json(o.json, {{"samples", samples}, {"resolution", {grid.nx, grid.ny}}});
}

}  // namespace

std::function<void(const Invocation&)> add_import(CLI::App& app) {
  auto o = std::make_shared<ImportOptions>();
  app.add_option("FILE", o->input, "HDF5 file with arrays [N, H, W] or [N, 1, H, W]")->required();
  app.add_option("--coefficient", o->coefficient, "Name of the permeability [the usual names are tried]")
      ->type_name("NAME");
  app.add_option("--solution", o->solution, "Name of the pressure [the usual names are tried]")
      ->type_name("NAME");
  app.add_option("--phases", o->phases, "Permeabilities where an indicator is 0 and 1, such as 3,12")
      ->type_name("LOW,HIGH");
  app.add_option("--location", o->location,
                 "Where values sit: cell (at (i+1/2)/nx) or node (at i/nx) [cell]");
  app.add_option("--size", o->size, "Size of the domain [1x1]")->type_name("LXxLY");
  app.add_option("--problem", o->problem_name, "benchmark, drive or five-spot, where it is known [unknown]");
  app.add_option("-o,--output", o->output, "Dataset, .h5")->type_name("FILE");
  app.add_flag("--overwrite", o->overwrite, "Replace an existing dataset");
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) { import(*o, invocation); };
}

}  // namespace mano
