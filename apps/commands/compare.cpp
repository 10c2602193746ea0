// mano compare: surrogate against solver, as pictures, VTK files and one HTML page.
//
//   mano compare --model run --field two-phase --seed 9 --resolution 32x32,64x64 --reference 256x256 -o comparison
//   mano compare --model run --data test.h5 -o comparison

#include <algorithm>
#include <fstream>
#include <map>

#include "apps/comparison/compare_resolution.hpp"
#include "apps/comparison/displacement_comparison.hpp"
#include "apps/options/command_line.hpp"
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
#include "solver/darcy_solver.hpp"

namespace mano {

namespace fs = std::filesystem;

namespace {

struct CompareOptions {
  FieldOptions field;
  std::vector<std::string> models;
  std::string model, resolution, reference, output, json, device = "auto";
  std::vector<std::string> data;
  std::size_t samples = 8;
  double tolerance = SolverOptions{}.relative_tolerance;
  CycleOptions cycles;
  OwnWellOptions wells;
  bool direct = false, force = false, overwrite = false, state = false;
};

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
    source.trained_on = [whole, configuration = nlohmann::json::parse(info.configuration, nullptr, false),
                         &surrogate](std::uint64_t number) {
      return whole || trained_on(surrogate.card(), configuration, number);
    };
    reader->refuse_predicted();
    check_solved(reader->read(0), info.problem_name, info.location, path);
    sources.push_back(std::move(source));
  }
  return sources;
}

std::vector<Grid> grids_of(const CompareOptions& o, const FieldSource& field) {
  if (o.resolution.empty()) {
    check(field.from_file(), "no resolution: pass --resolution WxH,...");
    return {field.grid("")};
  }
  std::vector<Grid> grids;
  for (const Resolution& r : parse_resolutions(o.resolution)) {
    grids.push_back(field.grid(r.text()));
    check(std::find(grids.begin(), grids.end() - 1, grids.back()) == grids.end() - 1,
          "resolution {} is asked for twice", r.text());
  }
  return grids;
}

std::vector<CompareSource> sources_of_fields(const CompareOptions& o, const Surrogate& surrogate) {
  const ModelCard& card = surrogate.card();
  check(is_named_problem(card.problem_name),
        "the model was trained on data whose problem is {}: compare with --data FILE", card.problem_name);
  auto field = std::make_shared<FieldSource>(o.field);
  surrogate.check_takes_inactive(field->has_inactive(), field->description());
  if (!o.force) check_units(card, *field);
  check(o.reference.empty() || !field->from_file(),
        "--reference is for random fields: a file has one resolution");
  std::vector<CompareSource> sources;
  for (const Grid& grid : grids_of(o, *field)) {
    field->check_location(card.location);
    if (!o.force) surrogate.check_problem(card.problem_name, grid, card.location, field->kind());
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

// The folder is new, empty, or one of an earlier comparison that --overwrite gives up; only what that one wrote is removed.
void prepare_folder(const CompareOptions& o) {
  const fs::path folder(o.output);
  std::error_code error;
  const bool used = fs::is_directory(folder, error) && !fs::is_empty(folder, error);
  check(!used || o.overwrite, "{} holds files already: name another folder, or pass --overwrite", o.output);
  fs::create_directories(folder, error);
  check(!error, "cannot make the folder {}: {}", o.output, error.message());
  check_writable(folder / "report.html");
  std::ifstream earlier(folder / "compare.json");
  const auto written = nlohmann::json::parse(earlier, nullptr, false);
  if (!used || !written.is_object() || !written.contains("files")) return;
  for (const auto& name : written["files"]) {
    const fs::path file(name.is_string() ? name.get<std::string>() : "");
    if (!file.empty() && file == file.filename()) fs::remove(folder / file, error);
  }
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

// The part of file names that tells a source from the others.
template <typename Source>
std::string label_of(const std::vector<Source>& sources, std::size_t s) {
  const auto same = std::count_if(sources.begin(), sources.end(), [&](const Source& other) {
    return other.grid.same_cells(sources[s].grid);
  });
  return same > 1 ? fmt::format("{}-{}", sources[s].grid.resolution(), s) : sources[s].grid.resolution();
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

std::vector<DisplacementSamples> displacements_of_data(const CompareOptions& o,
                                                       const DisplacementModel& model) {
  refuse_beside_data(o.wells);
  std::vector<DisplacementSamples> list;
  for (const auto& path : o.data) {
    auto reader = std::make_shared<DatasetReader>(path, DatasetKind::displacement);
    model.check_data(reader->info(), path);
    list.push_back({path, reader->info().grid, std::min(o.samples, reader->info().samples),
                    [reader, read = model.reader_of(*reader)](std::size_t s) { return read(s); }});
  }
  return list;
}

std::vector<DisplacementSamples> displacements_of_fields(const CompareOptions& o,
                                                         const DisplacementModel& model) {
  auto field = std::make_shared<FieldSource>(o.field);
  const auto wells = std::make_shared<OwnWells>(model, o.wells);
  std::vector<DisplacementSamples> list;
  for (const Grid& grid : grids_of(o, *field)) {
    model.check_rock(*field, grid);
    list.push_back({field->description(), grid,
                    field->from_file() ? std::min(o.samples, field->samples()) : o.samples,
                    [field, wells, grid](std::size_t s) { return wells->given_to(field->sample(s, grid)); }});
  }
  return list;
}

// The last folder of each run's path, or the whole path where others have that name too.
std::vector<std::string> names_of_runs(const std::vector<std::string>& paths) {
  std::vector<fs::path> runs;
  std::map<std::string, int> count;
  for (const auto& path : paths) {
    const fs::path plain = fs::path(path).lexically_normal();
    const fs::path run = plain.filename() == "model.safetensors" ? plain.parent_path() : plain;
    runs.push_back(run.has_filename() ? run : run.parent_path());
    check(std::count(runs.begin(), runs.end(), runs.back()) == 1, "model {} is given twice", path);
    ++count[runs.back().filename().string()];
  }
  std::vector<std::string> names;
  for (const auto& run : runs)
    names.push_back(count[run.filename().string()] > 1 ? run.string() : run.filename().string());
  return names;
}

// Models of displacements: any number of them, on the same samples.
void compare_models_of_displacements(const CompareOptions& o, const Invocation& invocation) {
  check(
      !o.direct && !o.force && !o.state && o.reference.empty() && !o.cycles.given(),
      "displacements are compared without --direct, --force, --state, --reference, --cycles and --accuracy");
  const auto names = names_of_runs(o.models);
  std::vector<DisplacementModel> loaded;
  for (const auto& path : o.models) loaded.emplace_back(path, o.device);
  std::vector<NamedModel> models;
  for (std::size_t m = 0; m < loaded.size(); ++m) {
    check(loaded[m].card().history->displacement == loaded.front().card().history->displacement &&
              loaded[m].card().history->times == loaded.front().card().history->times,
          "{} and {} were trained on different displacements", o.models.front(), o.models[m]);
    models.push_back({names[m], &loaded[m]});
  }
  check(o.data.empty() || (o.field.field.empty() && o.field.permeability.empty() && o.resolution.empty()),
        "--data excludes --field, --permeability and --resolution");
  const auto sources =
      o.data.empty() ? displacements_of_fields(o, loaded.front()) : displacements_of_data(o, loaded.front());
  prepare_folder(o);
  catch_interrupts();
  std::size_t steps = 0;
  for (const auto& source : sources) steps += source.count + 3 + models.size();
  Progress progress("compare", "steps", steps);
  std::size_t done = 0;
  std::vector<ComparedDisplacements> all;
  nlohmann::json files = nlohmann::json::array({"report.html", "compare.json"}),
                 results = nlohmann::json::array();
  for (std::size_t s = 0; s < sources.size(); ++s) {
    all.push_back(compare_displacements(models, sources[s], o.output, label_of(sources, s), [&] {
      progress.update(++done);
      stop_if_interrupted();
    }));
    results.push_back(to_json(all.back()));
    for (const auto& name : all.back().files()) files.push_back(name);
  }
  progress.clear();
  const nlohmann::json report{{"command", "compare"},
                              {"models", o.models},
                              {"processor", processor_name()},
                              {"results", results},
                              {"files", files}};
  write_json((fs::path(o.output) / "compare.json").string(), report);
  write_json(o.json, report);
  write_displacement_report(o.output, invocation.command_line, processor_name(), models, all);
  for (const auto& c : all) say(verdict(c));
  say(fmt::format("wrote {0}/report.html (open it in a browser) and {0}/{1} (open it in ParaView)", o.output,
                  all.front().animation));
}

void compare(CompareOptions o, const Invocation& invocation) {
  // 1. What is asked for.
  check(!o.models.empty(), "no model: pass --model RUN");
  check(!o.output.empty(), "no folder for the comparison: pass -o DIR");
  check(o.samples > 0, "samples is {}; it must be at least 1", o.samples);
  check_vtk();
  if (predicts_history(o.models.front())) return compare_models_of_displacements(o, invocation);
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
