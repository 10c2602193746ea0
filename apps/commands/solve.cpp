// mano solve: one Darcy problem.
//
//   mano solve --field two-phase --seed 1 --resolution 256x256 -o field.vti
//   mano solve --permeability data/spe10_model1_permx.grdecl --grid 100x1x20 --section 1 --size 2500x50
//   --problem drive -o rock.vti mpirun -n 2 mano solve --field lognormal --resolution 512x512 -o field.h5 --
//   -ksp_monitor

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "apps/options/command_line.hpp"
#include "apps/options/deck.hpp"
#include "apps/options/field_source.hpp"
#include "apps/options/flow_options.hpp"
#include "apps/options/output_field.hpp"
#include "apps/options/random_field_options.hpp"
#include "apps/options/unit_options.hpp"
#include "apps/pictures/volume_panels.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "apps/samples/flow_report.hpp"
#include "apps/samples/verified_solve.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/dataset.hpp"
#include "datagen/units_json.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "solver/stencil.hpp"

namespace mano {

namespace {

struct SolveOptions {
  FieldOptions field;
  FlowOptions flow;
  UnitOptions units;
  ReportOptions report;
  std::string resolution, output, json, picture;
  double tolerance = SolverOptions{}.relative_tolerance;
};

// Everything that is known once the problem is solved.
struct Solved {
  const Sample& rock;  // as the user gave it
  const Problem& problem;
  const SolveResult& result;
  const FlowSource& flow;
  const FlowReport& report;
};

nlohmann::json results(const SolveOptions& o, const Solved& s) {
  const SolveResult& r = s.result;
  nlohmann::json json{{"converged", r.converged},
                      {"reason", r.reason},
                      {"method", to_string(r.method)},
                      {"iterations", r.iterations},
                      {"residual_norm", r.residual_norm},
                      {"relative_residual", r.relative_residual},
                      {"seconds_setup", r.seconds_setup},
                      {"seconds_solve", r.seconds_solve},
                      {"inactive_cells", s.problem.active.inactive()},
                      {"outflow", outflow_json(s.report)},
                      {"wells", s.report.wells},
                      {"mass_balance_error", mass_balance_error(s.problem, r.pressure)}};
  if (!s.flow.units().consistent()) json["units"] = units_json(s.flow.units());
  if (o.report.report) json["report"] = to_json(s.report);
  return json;
}

void print_wells(const FlowReport& report, const Problem& problem) {
  const UnitNames n = report.units.names();
  std::size_t number = 0;
  for (const auto& w : report.wells) {
    const double pressure = w["pressure"];
    say(fmt::format("well {} in {}: {} {:.6g}, {} {}", w["name"].get<std::string>(),
                    place_of(problem.grid(), problem.wells[number++]), with_unit("rate", n.rate),
                    w["rate"].get<double>(), with_unit("pressure", n.pressure),
                    std::isnan(pressure) ? "unknown without a radius" : fmt::format("{:.6g}", pressure)));
  }
}

// Along y and z, where they differ from that along x.
std::vector<std::pair<std::string, Field>> other_permeabilities(const Solved& s) {
  std::vector<std::pair<std::string, Field>> other;
  if (Field y = s.flow.permeability_y(s.rock); !y.values.empty())
    other.emplace_back("permeability_y", std::move(y));
  if (Field z = s.flow.permeability_z(s.rock); !z.values.empty())
    other.emplace_back("permeability_z", std::move(z));
  return other;
}

void write_vti_of(const SolveOptions& o, const Solved& s) {
  const Units& units = s.flow.units();
  const UnitNames n = units.names();
  CellFlux flux = cell_flux(s.problem, s.result.pressure);
  if (!units.consistent()) {
    for (Field* component : {&flux.x, &flux.y, &flux.z}) {
      for (double& value : component->values) value *= units.velocity();
    }
  }
  VtkImage image{.grid = s.problem.grid(),
                 .active = s.problem.active,
                 .scalars = {{with_unit("permeability", n.permeability), s.rock.permeability},
                             {with_unit("pressure", n.pressure), s.result.pressure}},
                 .vectors = {{with_unit("flux", n.velocity), {flux.x, flux.y, flux.z}}}};
  for (const auto& [name, k] : other_permeabilities(s))
    image.scalars.emplace_back(with_unit(name, n.permeability), k);
  if (o.report.time_of_flight)
    image.scalars.emplace_back(with_unit("time_of_flight", n.time), *s.report.time_of_flight);
  write_vti(o.output, image);
}

// Permeability beside pressure; of a volume, slices through the first well, or the middle, and views of the fifth
// of the cells where each is largest.
void draw_picture(const SolveOptions& o, const Solved& s) {
  const UnitNames n = s.flow.units().names();
  const Grid& grid = s.problem.grid();
  constexpr double kBlank = std::numeric_limits<double>::quiet_NaN();
  const VolumePicture k{with_unit("permeability", n.permeability),
                        with_inactive(s.rock.permeability, s.problem.active, kBlank),
                        MapPanel::Scale::logarithmic, n.length};
  const VolumePicture p{with_unit("pressure", n.pressure),
                        with_inactive(s.result.pressure, s.problem.active, kBlank),
                        MapPanel::Scale::sequential, n.length};
  if (grid.flat()) {
    draw_maps(o.picture, {{k.name, k.field, k.scale}, {p.name, p.field, p.scale}});
    return;
  }
  SliceAt at{grid.nx / 2, grid.ny / 2, grid.nz / 2};
  if (!s.problem.wells.empty()) {
    const Well& well = s.problem.wells.front();
    at = {well.i, well.j, (well.first_layer + well.last_layer) / 2};
  }
  const auto of_k = slices(k, at);
  const auto of_p = slices(p, at);
  std::vector<MapPanel> panels;
  for (std::size_t d = 0; d < of_k.size(); ++d) panels.insert(panels.end(), {of_k[d], of_p[d]});
  panels.push_back(view_of_cells(k, quantile(k.field, 0.8)));
  panels.push_back(view_of_cells(p, quantile(p.field, 0.8)));
  draw_maps(o.picture, panels);
}

void write_dataset(const SolveOptions& o, const Solved& s, const FieldSource& source) {
  const UnitNames n = s.flow.units().names();
  DatasetInfo info;
  info.grid = s.problem.grid();
  info.samples = 1;
  info.problem_name = s.flow.problem_name();
  info.field = source.kind();
  info.tolerance = s.result.tolerance;
  info.has_inactive = !s.problem.active.all();
  info.units = s.flow.units();
  nlohmann::json configuration = source.configuration();
  if (const auto changes = s.flow.configuration(); !changes.is_null()) configuration["flow"] = changes;
  info.configuration = configuration.dump();
  write_atomically(o.output, [&](const std::filesystem::path& temporary) {
    DatasetWriter writer(temporary, info);
    writer.write(0, {s.rock.permeability, s.result.pressure, o.field.seed, s.rock.number, s.result.iterations,
                     s.result.relative_residual, to_string(s.result.method), s.problem.active});
    for (const auto& [name, k] : other_permeabilities(s)) writer.add(name, 0, k, n.permeability);
    if (o.report.time_of_flight) writer.add("time_of_flight", 0, *s.report.time_of_flight, n.time);
    writer.close();
  });
}

void print_summary(const Solved& s, const FieldSource& source) {
  const SolveResult& result = s.result;
  const Grid& grid = s.problem.grid();
  const Range range = least_and_most(result.pressure.values, s.problem.active);
  const UnitNames n = s.flow.units().names();
  say(fmt::format("{}, {} on {}, problem {}", source.description(), grid.resolution(), grid.size(),
                  s.flow.problem_name()));
  if (!s.flow.units().consistent()) say(s.flow.units().description(grid.flat()));
  if (!s.problem.active.all())
    say(fmt::format("{} of {} cells are inactive", s.problem.active.inactive(), grid.cells()));
  say(fmt::format(
      "converged in {} iterations of {}: relative residual {:.2g}, set-up {:.3g} s, solve {:.3g} s",
      result.iterations, to_string(result.method), result.relative_residual, result.seconds_setup,
      result.seconds_solve));
  std::vector<std::string> out;
  for (const auto& [name, flow] : s.report.outflow) out.push_back(fmt::format("{} {:.6g}", name, flow));
  say(fmt::format("{} {:.6g} to {:.6g}; {}: {}", with_unit("pressure", n.pressure), range.least, range.most,
                  with_unit("outflow", n.rate), fmt::join(out, ", ")));
}

SolveResult solve_and_verify(const Problem& problem, double tolerance) {
  SolveResult result = solve_darcy(problem, {.relative_tolerance = tolerance});
  if (!result.converged) {
    throw RunFailed(
        fmt::format("no convergence ({}) after {} iterations, relative residual {:.3g}; nothing was written",
                    result.reason, result.iterations, result.relative_residual));
  }
  const std::string rejection = rejection_of(problem, result.pressure, result.tolerance);
  if (!rejection.empty()) throw RunFailed(rejection + "; nothing was written");
  return result;
}

// Before any work.
void check_picture(const SolveOptions& o) {
  if (o.picture.empty()) return;
  check(o.picture.ends_with(".png"), "--picture is {}; it must end in .png", o.picture);
  check_writable(o.picture);
  check_vtk();
}

void solve(const SolveOptions& o, const Invocation& invocation) {
  // 1. The permeability, from a random field or a file.
  const FieldSource source(o.field);
  const Grid grid = source.volume(o.resolution);
  check_thickness(o.units, grid);
  const FlowSource flow(with_permeabilities_of_file(o.flow, source, grid), source,
                        settle_units(o.units, source));
  check(o.tolerance > 0 && o.tolerance < 1, "tolerance is {}; it must lie in (0, 1)", o.tolerance);
  check(!o.output.empty(), "no output: pass -o FILE.vti or FILE.h5");
  const OutputKind kind = check_output(o.output);
  check_picture(o);
  source.check_location(Location::cell);
  check_memory(solve_memory(grid) + source.memory(grid), fmt::format("a solve at {}", grid.resolution()));

  // 2. The problem: permeability, boundary conditions and source.
  const Sample rock = source.sample(o.field.sample.value_or(0), grid);
  const Problem problem = flow.problem(rock);
  const std::optional<Field> porosity = porosity_of(o.report, source, rock);
  note_unit_domain(flow.units(), source, grid);
  note_rough_field(source.options(), grid);
  note_shared_cell(problem, flow.well_names());

  // 3. The solution, on all ranks together, and its verification.
  const PetscSession session(invocation.petsc_options);
  const SolveResult result = solve_and_verify(problem, o.tolerance);

  // 4. Report and file.
  if (session.rank() != 0) return;
  const FlowReport report =
      make_flow_report(problem, result.pressure, flow.units(), flow.well_names(), porosity);
  const Solved solved{rock, problem, result, flow, report};
  print_summary(solved, source);
  o.report.report ? print_flow_report(report) : print_wells(report, problem);
  kind == OutputKind::vti ? write_vti_of(o, solved) : write_dataset(o, solved, source);
  write_json(o.json, results(o, solved));
  say("wrote " + o.output);
  if (!o.picture.empty()) {
    draw_picture(o, solved);
    say("wrote " + o.picture);
  }
  if (const auto unused = session.unused(); !unused.empty()) {
    say(fmt::format("note: nothing used the option {}; -pc_type chooses PETSc's own preconditioners",
                    fmt::join(unused, ", ")));
  }
}

}  // namespace

std::function<void(const Invocation&)> add_solve(CLI::App& app) {
  auto o = std::make_shared<SolveOptions>();
  add_field_options(app, o->field);
  app.add_option("--sample", o->field.sample, "Which sample of the seed, or field of the file [0]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--resolution", o->resolution, "Cells in x and y, and layers of a volume [a file's own]")
      ->type_name("WxH[xD]");
  add_flow_options(app, o->flow);
  add_unit_options(app, o->units);
  add_report_options(app, o->report);
  app.add_option("--tolerance", o->tolerance, "Relative tolerance [1e-10]");
  app.add_option("-o,--output", o->output, "Result, .vti or .h5")->type_name("FILE");
  app.add_option("--picture", o->picture,
                 "Maps of permeability and pressure; of a volume, slices and a view of cells")
      ->type_name("FILE.png");
  add_json_option(app, o->json);
  app.footer("Options after -- go to PETSc: -- -ksp_monitor -pc_type hypre");
  return [o](const Invocation& invocation) { solve(*o, invocation); };
}

}  // namespace mano
