// mano compare: surrogate against solver, as pictures, VTK files and one HTML page.
//
//   mano compare --model run --field two-phase --seed 9 --resolution 32x32,64x64 --reference 256x256 -o comparison
//   mano compare --model run --data test.h5 -o comparison

#include <algorithm>

#include "apps/commands/compare_options.hpp"
#include "apps/comparison/compare_resolution.hpp"
#include "apps/options/command_line.hpp"
#include "apps/options/deck.hpp"
#include "apps/options/field_source.hpp"
#include "apps/options/progress.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "apps/workflow/cycle_options.hpp"
#include "apps/workflow/own_wells.hpp"
#include "apps/workflow/prediction.hpp"
#include "apps/workflow/trained_on.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "core/machine.hpp"
#include "datagen/content_hash.hpp"
#include "datagen/drawn_rocks.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

namespace fs = std::filesystem;

namespace {

std::vector<CompareSource> sources_of_data(const CompareOptions& o, const Surrogate& surrogate) {
  check(o.field.field.empty() && o.field.permeability.empty() && o.resolution.empty() && o.reference.empty(),
        "--data excludes --field, --permeability, --resolution and --reference");
  std::vector<CompareSource> sources;
  for (const auto& path : o.data) {
    auto reader = std::make_shared<DatasetReader>(path);
    surrogate.check_takes_inactive(reader->info().has_inactive, path);
    const DatasetInfo& info = reader->info();
    if (!o.force) surrogate.check_problem(info.problem_name, info.grid, info.location, path);
    CompareSource source{
        .name = path, .grid = info.grid, .location = info.location, .problem_name = info.problem_name};
    source.samples = std::min(o.samples, info.samples);
    source.read = [reader](std::size_t s) { return reader->read(s); };
    source.number = [reader](std::size_t s) { return reader->read_numbers(s).number; };
    const bool whole = samples_trained_on(surrogate.card(), *reader) == info.samples;
    source.trained_on = [whole, configuration = configuration_json(info.configuration),
                         &surrogate](std::uint64_t number) {
      return whole || trained_on(surrogate.card(), configuration, number);
    };
    reader->refuse_predicted();
    check_solved(reader->read(0), info.problem_name, info.location, path);
    sources.push_back(std::move(source));
  }
  return sources;
}

std::vector<CompareSource> sources_of_fields(const CompareOptions& o, const Surrogate& surrogate) {
  const ModelCard& card = surrogate.card();
  check(is_named_problem(card.problem_name),
        "the model was trained on data whose problem is {}: compare with --data FILE", card.problem_name);
  auto field = std::make_shared<FieldSource>(o.field);
  surrogate.check_takes_inactive(field->has_inactive(), field->description());
  check_units(card, *field, o.force);
  check(o.reference.empty() || !field->from_file(),
        "--reference is for random fields: a file has one resolution");
  std::vector<CompareSource> sources;
  for (const Grid& grid : grids_to_compare(o, *field)) {
    field->check_location(card.location);
    if (!o.force) surrogate.check_problem(card.problem_name, grid, card.location, field->kind());
    check_one_permeability(*field, grid, o.force);
    CompareSource source{.name = field->description(),
                         .grid = grid,
                         .location = card.location,
                         .problem_name = card.problem_name};
    source.samples = field->from_file() ? std::min(o.samples, field->samples()) : o.samples;
    source.read = [field, grid](std::size_t s) { return field->sample(s, grid); };
    source.number = [](std::size_t s) { return s; };
    source.trained_on = [configuration = field->configuration(), &card](std::uint64_t number) {
      return trained_on(card, configuration, number);
    };
    if (!field->from_file()) {
      source.draw = [field](std::size_t s, const Grid& g) { return field->sample(s, g); };
      source.draw_memory = [field](const Grid& g) { return field->memory(g); };
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

std::optional<Resolution> reference_of(const CompareOptions& o, const std::vector<CompareSource>& sources) {
  if (o.reference.empty()) return std::nullopt;
  const Resolution r = parse_resolution(o.reference);
  for (const CompareSource& s : sources) {
    check(r.nx >= 2 * s.grid.nx && r.ny >= 2 * s.grid.ny,
          "reference is {}; it must be at least twice as fine as {} in both directions", r.text(),
          s.grid.resolution());
  }
  return r;
}

// Everything that memory and files must allow, before anything is written. Returns the session of what solves.
std::unique_ptr<PetscSession> check_sources(const Surrogate& surrogate,
                                            const std::vector<CompareSource>& sources,
                                            const std::optional<Resolution>& reference,
                                            const Invocation& invocation) {
  for (const CompareSource& s : sources) {
    surrogate.check_fits(s.grid, 1);
    // Files may hold fields that cannot be used.
    for (std::size_t i = 0; !s.draw && i < s.samples; ++i) s.read(i);
  }
  const bool solves = std::any_of(sources.begin(), sources.end(),
                                  [](const CompareSource& s) { return is_named_problem(s.problem_name); });
  if (!solves) return nullptr;
  auto session = std::make_unique<PetscSession>(invocation.petsc_options);
  check(session->ranks() == 1, "compare runs on one rank, mpirun started {}", session->ranks());
  for (const CompareSource& s : sources) {
    const double fields = 60.0 * static_cast<double>(s.grid.cells() * s.samples);
    check_memory(fields + solve_memory(s.grid), "comparing at " + s.grid.resolution());
    const Grid fine =
        reference ? Grid{reference->nx, reference->ny, s.grid.lx, s.grid.ly, s.grid.x0, s.grid.y0} : s.grid;
    if (reference)
      check_memory(solve_memory(fine) + s.draw_memory(fine), "a reference at " + reference->text());
  }
  return session;
}

Comparison describe(const CompareOptions& o, const Invocation& invocation, const Surrogate& surrogate) {
  Comparison c;
  c.command_line = invocation.command_line;
  c.model = o.model;
  c.model_hash = file_hash(checkpoint_path(o.model));
  c.card = surrogate.card();
  c.device = surrogate.device();
  c.processor = processor_name();
  c.threads = surrogate.threads();
  c.solver_tolerance = o.tolerance;
  c.method = to_string(o.direct ? Method::direct : Method::multigrid);
  c.reference = o.reference;
  c.seed = o.field.seed;
  for (const auto& path : o.data) c.data.emplace_back(path, file_hash(path));
  if (!o.field.permeability.empty())
    c.data.emplace_back(o.field.permeability, file_hash(o.field.permeability));
  return c;
}

void measure(const CompareOptions& o, Surrogate& surrogate, const std::vector<CompareSource>& sources,
             const std::optional<Resolution>& reference, Comparison& c) {
  std::size_t total = 0;
  for (const CompareSource& s : sources) total += s.samples;
  std::size_t done = 0;
  // What may be written, so that --overwrite knows it should this run not end.
  Comparison planned;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    ComparedResolution r{.label = label_of(sources, s)};
    for (std::size_t i = 0; i < sources[s].samples; ++i)
      r.samples.push_back({.image = image_name(sources[s].number(i), r.label)});
    planned.resolutions.push_back(std::move(r));
  }
  write_json((fs::path(o.output) / "compare.json").string(), {{"files", files_of(planned)}});
  Progress progress("compare", "samples", total);
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const CompareSettings settings{o.direct ? Method::direct : Method::multigrid, o.tolerance, reference,
                                   o.output, label_of(sources, s)};
    c.resolutions.push_back(
        compare_resolution(surrogate, sources[s], settings, [&] { progress.update(++done); }));
    stop_if_interrupted();
  }
}

void write_collection(const fs::path& folder, const Comparison& c) {
  std::vector<PvdEntry> entries;
  for (std::size_t r = 0; r < c.resolutions.size(); ++r) {
    for (const auto& s : c.resolutions[r].samples)
      entries.push_back({s.image, static_cast<double>(r), static_cast<int>(s.number)});
  }
  write_pvd(folder / "compare.pvd", entries);
}

void compare(CompareOptions o, const Invocation& invocation) {
  // 1. What is asked for.
  check(!o.models.empty(), "no model: pass --model RUN");
  check(!o.output.empty(), "no folder for the comparison: pass -o DIR");
  check(o.samples > 0, "samples is {}; it must be at least 1", o.samples);
  check_vtk();
  if (predicts_history(o.models.front())) return compare_displacement_models(o, invocation);
  check(o.models.size() == 1, "steady flow is compared for one model at a time; {} are given",
        o.models.size());
  check(!o.wells.given(), "--well and --random-wells are for models of displacements");
  o.model = o.models.front();
  for (const auto& option : invocation.petsc_options)
    check(!option.starts_with("-ksp_rtol"), "-ksp_rtol would override the tolerances that are compared");
  check(o.tolerance > 0 && o.tolerance < 1, "tolerance is {}; it must lie in (0, 1)", o.tolerance);
  Surrogate surrogate(o.model, o.device);
  apply_cycles(o.cycles, !o.direct, surrogate);
  const auto sources = o.data.empty() ? sources_of_fields(o, surrogate) : sources_of_data(o, surrogate);
  const auto reference = reference_of(o, sources);
  const auto session = check_sources(surrogate, sources, reference, invocation);
  prepare_folder(o);
  catch_interrupts();

  // 2. Both on the same fields, resolution by resolution.
  Comparison c = describe(o, invocation, surrogate);
  measure(o, surrogate, sources, reference, c);

  // 3. Pictures, VTK collection, numbers, page.
  draw_charts(o.output, c);
  write_collection(o.output, c);
  if (o.state) write_paraview_state(o.output, c);
  write_json((fs::path(o.output) / "compare.json").string(), to_json(c));
  write_json(o.json, to_json(c));
  write_report(o.output, c);
  say(headline(c));
  for (const auto& r : c.resolutions) say(verdict(r));
  say(fmt::format("wrote {0}/report.html (open it in a browser) and {0}/compare.pvd (open it in ParaView)",
                  o.output));
}

}  // namespace

std::function<void(const Invocation&)> add_compare(CLI::App& app) {
  auto o = std::make_shared<CompareOptions>();
  app.add_option("--model", o->models, "RUN folder or checkpoint; of displacements several may be given")
      ->type_name("RUN");
  app.add_option("--data", o->data, "Dataset; may be repeated")->type_name("FILE");
  add_field_options(app, o->field);
  app.add_option("--resolution", o->resolution, "Resolutions to compare at, for --field")
      ->type_name("WxH,...");
  app.add_option("--reference", o->reference,
                 "Grid at least twice as fine, whose solution stands for the truth: shows the error of the "
                 "compared grid itself beside the surrogate's; for random fields only")
      ->type_name("WxH");
  app.add_option("--samples", o->samples, "Samples a resolution [8]")->check(CLI::NonNegativeNumber);
  app.add_option("--tolerance", o->tolerance,
                 "Relative tolerance of the solution that errors are measured against [1e-10]");
  app.add_option("-o,--output", o->output, "Folder for report, pictures and VTK files")->type_name("DIR");
  app.add_flag("--overwrite", o->overwrite,
               "Allow a folder that is not empty; only files of an earlier comparison are replaced");
  app.add_flag("--state", o->state,
               "Also write compare_state.py, which opens everything in ParaView or pvpython");
  app.add_option("--device", o->device, "auto, cpu or cuda [auto]");
  add_own_well_options(app, o->wells);
  add_cycle_options(app, o->cycles);
  add_direct_option(app, o->direct);
  app.add_flag("--force", o->force, "Compare on another problem or domain than the model's");
  add_json_option(app, o->json);
  app.footer(
      "Take a --seed that training did not use. Options after -- go to PETSc. Example:\n"
      "  mano compare --model run --field two-phase --seed 9 --resolution 32x32,64x64 -o comparison");
  return [o](const Invocation& invocation) { compare(*o, invocation); };
}

}  // namespace mano
