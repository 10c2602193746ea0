// mano compare: surrogate against solver, as pictures, VTK files and one HTML page.
//
//   mano compare --model run --field two-phase --seed 9 --resolution 32x32,64x64 -o comparison
//   mano compare --model run --data test.h5 -o comparison

#include <algorithm>

#include "apps/command_line.hpp"
#include "apps/comparison.hpp"
#include "apps/curve.hpp"
#include "apps/field_options.hpp"
#include "apps/picture.hpp"
#include "apps/progress.hpp"
#include "apps/verified_solve.hpp"
#include "apps/vtk_image.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/dataset.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "solver/stencil.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

namespace fs = std::filesystem;

namespace {

struct Options {
  FieldOptions field;
  std::string model, resolution, output, json, device = "auto";
  std::vector<std::string> data;
  std::size_t samples = 8;
  double tolerance = SolverOptions{}.relative_tolerance;
  bool direct = false, force = false;
};

// The fields of one resolution; pressures come with a dataset, or from the solver.
struct Source {
  std::string name;
  Grid grid;
  Location location = Location::cell;
  std::string setup;
  std::size_t samples = 0;
  std::function<Sample(std::size_t)> read;
  bool random = false;
};

std::vector<Source> sources_of(const Options& o, const Surrogate& surrogate) {
  std::vector<Source> sources;
  if (!o.data.empty()) {
    check(o.field.field.empty() && o.field.permeability.empty() && o.resolution.empty(),
          "--data excludes --field, --permeability and --resolution");
    for (const auto& path : o.data) {
      auto reader = std::make_shared<DatasetReader>(path);
      const DatasetInfo& info = reader->info();
      if (!o.force) surrogate.check_problem(info.setup, info.grid, info.location, path);
      sources.push_back({path, info.grid, info.location, info.setup, std::min(o.samples, info.samples),
                         [reader](std::size_t s) { return reader->read(s); }});
    }
    return sources;
  }
  const ModelCard& card = surrogate.card();
  check(is_named_setup(card.setup),
        "the model was trained on data whose set-up is {}: compare with --data FILE", card.setup);
  auto field = std::make_shared<FieldSource>(o.field);
  std::vector<std::string> resolutions;
  if (o.resolution.empty()) {
    check(field->from_file(), "no resolution: pass --resolution WxH,...");
    resolutions.push_back("");
  } else {
    for (const Resolution& r : parse_resolutions(o.resolution)) resolutions.push_back(r.text());
  }
  for (const auto& resolution : resolutions) {
    const Grid grid = field->grid(resolution);
    field->check_location(card.location);
    if (!o.force) surrogate.check_problem(card.setup, grid, card.location, field->kind());
    const std::uint64_t seed = o.field.seed;
    sources.push_back({field->description(), grid, card.location, card.setup,
                       field->from_file() ? std::min(o.samples, field->samples()) : o.samples,
                       [field, grid, seed](std::size_t s) {
                         Sample sample;
                         sample.permeability = field->draw(s, grid);
                         sample.seed = seed;
                         sample.number = s;
                         return sample;
                       },
                       !field->from_file()});
  }
  return sources;
}

// Solves anew where the equation is known: for the time, and for the pressure where the source has none.
void solve_sample(const Source& source, double tolerance, Sample& sample, ComparedSample& compared) {
  if (!is_named_setup(source.setup)) return;
  const Problem problem = make_problem(source.setup, sample.permeability);
  SolveResult solved =
      solve_darcy(problem, {.relative_tolerance = tolerance, .ranks = SolverOptions::Ranks::self});
  compared.seconds_solver = solved.seconds_setup + solved.seconds_solve;
  const std::string rejection = solved.converged ? rejection_of(problem, solved.pressure, tolerance)
                                                 : "no convergence (" + solved.reason + ")";
  if (!rejection.empty())
    throw RunFailed(fmt::format("{}, sample {}: {}", source.name, sample.number, rejection));
  if (sample.pressure.values.empty()) sample.pressure = std::move(solved.pressure);
}

void write_image(const fs::path& path, const Source& source, const Sample& sample, const Field& prediction) {
  VtkImage image{.grid = source.grid, .location = source.location};
  image.scalars = {{"permeability", sample.permeability},
                   {"pressure", sample.pressure},
                   {"pressure_surrogate", prediction},
                   {"error", difference(prediction, sample.pressure)}};
  if (is_named_setup(source.setup)) {
    const CellFlux flux = cell_flux(make_problem(source.setup, sample.permeability), sample.pressure);
    image.vectors = {{"flux", {flux.x, flux.y}}};
  }
  write_vti(path, image);
}

void draw_sample(const fs::path& path, const Sample& sample, const Field& prediction) {
  using Scale = MapPanel::Scale;
  const auto [lowest_k, highest_k] =
      std::minmax_element(sample.permeability.values.begin(), sample.permeability.values.end());
  const auto [low, high] = std::minmax_element(sample.pressure.values.begin(), sample.pressure.values.end());
  const std::pair range{*low, *high};
  draw_maps(path, {{"permeability",
                    sample.permeability,
                    *highest_k > 100 * *lowest_k ? Scale::logarithmic : Scale::sequential,
                    {}},
                   {"pressure, solver", sample.pressure, Scale::sequential, range},
                   {"pressure, surrogate", prediction, Scale::sequential, range},
                   {"surrogate - solver", difference(prediction, sample.pressure), Scale::diverging, {}}});
}

ComparedResolution compare_source(const Options& o, const Surrogate& surrogate, const Source& source,
                                  const std::string& label, Progress& progress, std::size_t& done) {
  ComparedResolution r{source.name, {source.grid.nx, source.grid.ny}};
  r.seen_in_training = surrogate.card().seen(r.resolution);
  const Method method = o.direct ? Method::direct : Method::ladder;
  const Resolution base = surrogate.base_resolution(r.resolution);
  const bool interpolate = !r.seen_in_training && base.nx <= r.resolution.nx && base.ny <= r.resolution.ny;
  {  // warm-up of both, not timed
    Sample sample = source.read(0);
    ComparedSample ignored;
    solve_sample(source, o.tolerance, sample, ignored);
    surrogate.predict(sample.permeability, method);
  }
  for (std::size_t s = 0; s < source.samples; ++s) {
    Sample sample = source.read(s);
    ComparedSample compared;
    compared.number = sample.number;
    solve_sample(source, o.tolerance, sample, compared);
    const double start = seconds_now();
    const Field prediction = surrogate.predict(sample.permeability, method);
    compared.seconds_surrogate = seconds_now() - start;
    compared.relative_l2 = relative_l2(prediction, sample.pressure);
    compared.relative_h1 = relative_h1(prediction, sample.pressure);
    compared.largest_error =
        largest_error(prediction, sample.pressure) / largest_error(sample.pressure, Field(source.grid));
    if (interpolate) {
      compared.interpolated_l2 =
          relative_l2(surrogate.predict(sample.permeability, Method::interpolation), sample.pressure);
    }
    compared.image = fmt::format("sample-{:03}-{}.vti", sample.number, label);
    write_image(fs::path(o.output) / compared.image, source, sample, prediction);
    if (s == 0) {
      r.maps = fmt::format("maps-{}.png", label);
      draw_sample(fs::path(o.output) / r.maps, sample, prediction);
    }
    r.samples.push_back(compared);
    progress.update(++done);
  }
  return r;
}

void draw_charts(const fs::path& folder, Comparison& c) {
  Curve error{"surrogate"}, interpolated{"interpolated from training"}, surrogate{"surrogate"},
      solver{"solver"};
  std::vector<std::pair<double, std::string>> ticks;
  for (const auto& r : c.resolutions) {
    const double cells = static_cast<double>(r.resolution.nx) * r.resolution.ny;
    ticks.emplace_back(cells, r.resolution.text());
    const auto add = [&](Curve& curve, double y) {
      curve.x.push_back(cells);
      curve.y.push_back(y);
    };
    add(error, r.summary(&ComparedSample::relative_l2).mean);
    if (const auto i = r.interpolated()) add(interpolated, i->mean);
    add(surrogate, 1e3 * r.summary(&ComparedSample::seconds_surrogate).median);
    if (const auto s = r.solver_seconds()) add(solver, 1e3 * s->median);
  }
  const auto present = [](std::vector<Curve> curves) {
    std::erase_if(curves, [](const Curve& curve) { return curve.x.empty(); });
    return curves;
  };
  const auto name = [](const std::string& path) {
    return path.empty() ? "" : fs::path(path).filename().string();
  };
  c.errors_chart =
      name(draw_chart(folder / "errors.png", {"Error by resolution", "cells", "mean relative L2 error", true,
                                              true, present({error, interpolated}), ticks}));
  c.times_chart =
      name(draw_chart(folder / "times.png", {"Time by resolution", "cells", "milliseconds a sample", true,
                                             true, present({surrogate, solver}), ticks}));
}

void compare(const Options& o, const Invocation& invocation) {
  // 1. What is asked for.
  check(!o.model.empty(), "no model: pass --model RUN");
  check(!o.output.empty(), "no folder for the comparison: pass -o DIR");
  check(o.samples > 0, "samples is {}; it must be at least 1", o.samples);
  check(o.tolerance > 0 && o.tolerance < 1, "tolerance is {}; it must lie in (0, 1)", o.tolerance);
  check_vtk();
  const Surrogate surrogate(o.model, o.device);
  const std::vector<Source> sources = sources_of(o, surrogate);
  for (const Source& s : sources) {
    surrogate.check_fits(s.grid, 1);
    // Files may hold fields that cannot be used: better said before anything is written.
    for (std::size_t i = 0; !s.random && i < s.samples; ++i) s.read(i);
  }
  const bool solves =
      std::any_of(sources.begin(), sources.end(), [](const Source& s) { return is_named_setup(s.setup); });
  std::unique_ptr<PetscSession> session;
  if (solves) {
    session = std::make_unique<PetscSession>(invocation.petsc_options);
    check(session->ranks() == 1, "compare runs on one rank, mpirun started {}", session->ranks());
    for (const Source& s : sources) check_memory(solve_memory(s.grid), "a solve at " + s.grid.resolution());
  }
  std::error_code error;
  fs::create_directories(o.output, error);
  check(!error, "cannot make the folder {}: {}", o.output, error.message());
  check_writable(fs::path(o.output) / "report.html");

  // 2. Both on the same fields, resolution by resolution.
  Comparison c;
  c.command_line = invocation.command_line;
  c.model = o.model;
  c.card = surrogate.card();
  c.device = surrogate.device();
  c.threads = surrogate.threads();
  c.solver_tolerance = o.tolerance;
  std::size_t total = 0;
  for (const Source& s : sources) total += s.samples;
  std::size_t done = 0;
  {
    Progress progress("compare", "samples", total);
    for (const Source& s : sources) {
      const auto same = std::count_if(sources.begin(), sources.end(), [&](const Source& other) {
        return other.grid.nx == s.grid.nx && other.grid.ny == s.grid.ny;
      });
      const std::string label =
          same > 1 ? fmt::format("{}-{}", s.grid.resolution(), &s - sources.data()) : s.grid.resolution();
      c.resolutions.push_back(compare_source(o, surrogate, s, label, progress, done));
    }
  }

  // 3. Pictures, VTK collection, numbers, page.
  draw_charts(o.output, c);
  std::vector<PvdEntry> entries;
  for (std::size_t r = 0; r < c.resolutions.size(); ++r) {
    for (const auto& s : c.resolutions[r].samples) {
      entries.push_back({s.image, static_cast<double>(r), static_cast<int>(s.number)});
    }
  }
  write_pvd(fs::path(o.output) / "compare.pvd", entries);
  write_json((fs::path(o.output) / "compare.json").string(), to_json(c));
  write_json(o.json, to_json(c));
  write_report(o.output, c);
  for (const auto& r : c.resolutions) say(verdict(r));
  say(fmt::format("wrote {0}/report.html (open it in a browser) and {0}/compare.pvd (open it in ParaView)",
                  o.output));
}

}  // namespace

std::function<void(const Invocation&)> add_compare(CLI::App& app) {
  auto o = std::make_shared<Options>();
  app.add_option("--model", o->model, "RUN folder or checkpoint")->type_name("RUN");
  app.add_option("--data", o->data, "Dataset; may be repeated")->type_name("FILE");
  add_field_options(app, o->field);
  app.add_option("--resolution", o->resolution, "Resolutions to compare at, for --field")
      ->type_name("WxH,...");
  app.add_option("--samples", o->samples, "Samples a resolution [8]")->check(CLI::NonNegativeNumber);
  app.add_option("--tolerance", o->tolerance, "Relative tolerance of the solver [1e-10]");
  app.add_option("-o,--output", o->output, "Folder for report, pictures and VTK files")->type_name("DIR");
  app.add_option("--device", o->device, "auto, cpu or cuda [auto]");
  app.add_flag("--direct", o->direct, "At unseen resolutions the network on the grid as it is, as published");
  app.add_flag("--force", o->force, "Compare on another set-up or domain than the model's");
  add_json_option(app, o->json);
  app.footer("Options after -- go to PETSc.");
  return [o](const Invocation& invocation) { compare(*o, invocation); };
}

}  // namespace mano
