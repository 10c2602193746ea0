// mano solve: one Darcy problem.
//
//   mano solve --field two-phase --seed 1 --resolution 256x256 -o field.vti
//   mano solve --permeability data/spe10_model1_permx.grdecl --grid 100x1x20 --section 1 --size 2500x50
//   --problem drive -o rock.vti mpirun -n 2 mano solve --field lognormal --resolution 512x512 -o field.h5 --
//   -ksp_monitor

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "apps/options/command_line.hpp"
#include "apps/options/field_options.hpp"
#include "apps/options/flow_options.hpp"
#include "apps/options/output_field.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "apps/workflow/verified_solve.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/dataset.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "solver/stencil.hpp"

namespace mano {

namespace {

struct SolveOptions {
  FieldOptions field;
  FlowOptions flow;
  std::string resolution, output, json;
  double tolerance = SolverOptions{}.relative_tolerance;
};

nlohmann::json results(const Problem& problem, const SolveResult& r) {
  const auto out = outflow(problem, r.pressure);
  nlohmann::json wells = nlohmann::json::array();
  const auto states = well_states(problem, r.pressure);
  for (std::size_t w = 0; w < states.size(); ++w) {
    const Well& well = problem.wells[w];
    wells.push_back({{"cell", {well.i, well.j}},
                     {"control", well.control == Well::Control::rate ? "rate" : "bhp"},
                     {"rate", states[w].rate},
                     {"pressure", states[w].pressure}});
  }
  return {{"converged", r.converged},
          {"reason", r.reason},
          {"method", to_string(r.method)},
          {"iterations", r.iterations},
          {"residual_norm", r.residual_norm},
          {"relative_residual", r.relative_residual},
          {"seconds_setup", r.seconds_setup},
          {"seconds_solve", r.seconds_solve},
          {"inactive_cells", problem.active.inactive()},
          {"outflow", {{"left", out[0]}, {"right", out[1]}, {"bottom", out[2]}, {"top", out[3]}}},
          {"wells", wells},
          {"mass_balance_error", mass_balance_error(problem, r.pressure)}};
}

void print_wells(const Problem& problem, const Field& pressure) {
  const auto states = well_states(problem, pressure);
  for (std::size_t w = 0; w < states.size(); ++w) {
    const Well& well = problem.wells[w];
    say(fmt::format("well in cell ({}, {}): rate {:.6g}, pressure {}", well.i, well.j, states[w].rate,
                    std::isnan(states[w].pressure) ? "unknown without a radius"
                                                   : fmt::format("{:.6g}", states[w].pressure)));
  }
}

void write_output(const SolveOptions& o, OutputKind kind, const Problem& problem, const SolveResult& result,
                  const FieldSource& source, const FlowSource& flow, std::uint64_t sample) {
  if (kind == OutputKind::vti) {
    const CellFlux flux = cell_flux(problem, result.pressure);
    VtkImage image{.grid = problem.grid(),
                   .active = problem.active,
                   .scalars = {{"permeability", problem.permeability}, {"pressure", result.pressure}},
                   .vectors = {{"flux", {flux.x, flux.y}}}};
    if (!problem.permeability_y.values.empty())
      image.scalars.emplace_back("permeability_y", problem.permeability_y);
    write_vti(o.output, image);
    return;
  }
  DatasetInfo info;
  info.grid = problem.grid();
  info.samples = 1;
  info.problem_name = flow.problem_name();
  info.field = source.kind();
  info.tolerance = result.tolerance;
  info.has_inactive = !problem.active.all();
  nlohmann::json configuration = source.configuration();
  if (const auto changes = flow.configuration(); !changes.is_null()) configuration["flow"] = changes;
  info.configuration = configuration.dump();
  write_atomically(o.output, [&](const std::filesystem::path& temporary) {
    DatasetWriter writer(temporary, info);
    writer.write(0, {problem.permeability, result.pressure, o.field.seed, sample, result.iterations,
                     result.relative_residual, to_string(result.method), problem.active});
    if (!problem.permeability_y.values.empty()) writer.add("permeability_y", 0, problem.permeability_y);
    writer.close();
  });
}

void solve(const SolveOptions& o, const Invocation& invocation) {
  // 1. The permeability, from a random field or a file.
  const FieldSource source(o.field);
  const FlowSource flow(o.flow, o.field);
  const std::uint64_t sample = o.field.sample.value_or(0);
  const Grid grid = source.grid(o.resolution);
  check(o.tolerance > 0 && o.tolerance < 1, "tolerance is {}; it must lie in (0, 1)", o.tolerance);
  check(!o.output.empty(), "no output: pass -o FILE.vti or FILE.h5");
  const OutputKind kind = check_output(o.output);
  source.check_location(Location::cell);
  check_memory(solve_memory(grid) + source.memory(grid), fmt::format("a solve at {}", grid.resolution()));

  // 2. The problem: permeability, boundary conditions and source.
  const Problem problem = flow.problem(source.sample(sample, grid));

  // 3. The solution, on all ranks together, and its verification.
  const PetscSession session(invocation.petsc_options);
  const SolveResult result = solve_darcy(problem, {.relative_tolerance = o.tolerance});
  if (!result.converged) {
    throw RunFailed(
        fmt::format("no convergence ({}) after {} iterations, relative residual {:.3g}; nothing was written",
                    result.reason, result.iterations, result.relative_residual));
  }

  const std::string rejection = rejection_of(problem, result.pressure, result.tolerance);
  if (!rejection.empty()) throw RunFailed(rejection + "; nothing was written");

  // 4. Report and file.
  if (session.rank() != 0) return;
  const Range range = least_and_most(result.pressure.values, problem.active);
  const auto out = outflow(problem, result.pressure);
  say(fmt::format("{}, {} on {:g}x{:g}, problem {}", source.description(), grid.resolution(), grid.lx,
                  grid.ly, flow.problem_name()));
  if (!problem.active.all())
    say(fmt::format("{} of {} cells are inactive", problem.active.inactive(), grid.cells()));
  say(fmt::format(
      "converged in {} iterations of {}: relative residual {:.2g}, set-up {:.3g} s, solve {:.3g} s",
      result.iterations, to_string(result.method), result.relative_residual, result.seconds_setup,
      result.seconds_solve));
  say(fmt::format("pressure {:.6g} to {:.6g}; outflow: left {:.6g}, right {:.6g}, bottom {:.6g}, top {:.6g}",
                  range.least, range.most, out[0], out[1], out[2], out[3]));
  print_wells(problem, result.pressure);
  write_output(o, kind, problem, result, source, flow, sample);
  write_json(o.json, results(problem, result));
  say("wrote " + o.output);
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
  app.add_option("--resolution", o->resolution, "Cells in x and y [a file's own]")->type_name("WxH");
  add_flow_options(app, o->flow);
  app.add_option("--tolerance", o->tolerance, "Relative tolerance [1e-10]");
  app.add_option("-o,--output", o->output, "Result, .vti or .h5")->type_name("FILE");
  add_json_option(app, o->json);
  app.footer("Options after -- go to PETSc: -- -ksp_monitor -pc_type hypre");
  return [o](const Invocation& invocation) { solve(*o, invocation); };
}

}  // namespace mano
