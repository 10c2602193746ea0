// mano simulate: how one fluid displaces another through rock.
//
//   mano simulate --field two-phase --seed 1 --resolution 64x64 --until 0.6pv --snapshots 12 -o run.pvd
//   mano simulate --permeability rock.grdecl --layer 3 --units metric --porosity PORO --displaced-viscosity 3 --viscosity 0.5
//   --well 10,10,rate=100,radius=0.1,name=I1 --well 900,500,bhp=80,radius=0.1,name=P1 -o run.pvd

#include <fmt/ranges.h>

#include "apps/displacement/displacement_options.hpp"
#include "apps/displacement/simulation_output.hpp"
#include "apps/options/command_line.hpp"
#include "apps/options/deck.hpp"
#include "apps/options/progress.hpp"
#include "apps/options/random_field_options.hpp"
#include "apps/options/unit_options.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "apps/samples/petsc_reserve.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

namespace {

struct SimulateOptions {
  FieldOptions field;
  FlowOptions flow;
  UnitOptions units;
  DisplacementOptions displacement;
  std::string resolution, output, json;
  bool no_estimate = false;
};

void check_animation(const std::string& output) {
  check(!output.empty(), "no output: pass -o FILE.pvd");
  check(std::filesystem::path(output).extension() == ".pvd", "output is '{}', expected a name in .pvd",
        output);
  check_vtk();
  check_writable(output);
}

void run_simulation(SimulationOutcome& outcome, bool estimate) {
  constexpr std::size_t kTicks = 1000;
  Progress progress("simulate", "thousandths of the time", kTicks);
  const double end = outcome.options.snapshots.back();
  outcome.options.progress = [&](double tau) {
    if (const int signal = interrupt_signal()) throw Interrupted(signal, "interrupted; nothing was written");
    progress.update(static_cast<std::size_t>(kTicks * tau / end));
  };
  const double start = processor_seconds();
  outcome.result = simulate(outcome.displacement, outcome.options);
  outcome.seconds = processor_seconds() - start;
  progress.clear();
  if (estimate) outcome.error = estimate_step_error(outcome.displacement, outcome.options, outcome.result);
  progress.clear();
}

void simulate(SimulateOptions o, const Invocation& invocation) {
  // 1. What is asked for.
  check(invocation.petsc_options.empty(), "mano simulate takes no options of PETSc: leave {} out",
        invocation.petsc_options.empty() ? "" : invocation.petsc_options.front());
  check(launched_processes() == 1, "mano simulate runs in one process: leave mpirun out");
  const FieldSource source(o.field);
  choose_displacement_problem(o.flow);
  const Grid grid = source.grid(o.resolution);
  const FlowSource flow(with_permeabilities_of_file(o.flow, source, grid), source,
                        settle_units(o.units, source));
  const Fluids fluids = settle_fluids(o.displacement, flow.units());
  check_animation(o.output);
  source.check_location(Location::cell);
  check_memory(solve_memory(grid) + source.memory(grid) +
                   40.0 * static_cast<double>(grid.cells()) * o.displacement.snapshots,
               fmt::format("a simulation at {}", grid.resolution()));

  // 2. Rock, wells and fluids.
  const Sample rock = source.sample(o.field.sample.value_or(0), grid);
  SimulationOutcome outcome{
      .description = fmt::format("{}, {} on {:g}x{:g}, problem {}", source.description(), grid.resolution(),
                                 grid.lx, grid.ly, flow.problem_name()),
      .units = flow.units(),
      .well_names = flow.well_names(),
      .permeability = rock.permeability,
      .displacement = make_displacement(o.displacement, source, flow, rock, fluids)};
  outcome.options = settle_simulation(o.displacement, outcome.displacement, flow.units());
  outcome.options.spare = [&](const Problem& problem) {
    return pressure_with_petsc(problem, outcome.options.pressure_tolerance);
  };
  note_unit_domain(flow.units(), source, grid);
  note_rough_field(source.options(), grid);
  note_shared_cell(outcome.displacement.problem, flow.well_names());

  // 3. The run, and once more with longer steps.
  catch_interrupts();
  run_simulation(outcome, !o.no_estimate);
  check_until(o.displacement, outcome.result.curve.back().time);

  // 4. Report and files.
  print_simulation(outcome);
  const auto written = write_simulation(o.output, outcome);
  write_json(o.json, to_json(outcome));
  say(fmt::format("wrote {}", fmt::join(written, ", ")));
}

}  // namespace

std::function<void(const Invocation&)> add_simulate(CLI::App& app) {
  auto o = std::make_shared<SimulateOptions>();
  add_field_options(app, o->field);
  app.add_option("--sample", o->field.sample, "Which sample of the seed, or field of the file [0]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--resolution", o->resolution, "Cells in x and y [a file's own]")->type_name("WxH");
  add_displacement_options(app, o->displacement);
  app.add_flag("--no-estimate", o->no_estimate,
               "Do not run once more with longer steps, for the error estimate");
  add_flow_options(app, o->flow);
  app.get_option("--problem")
      ->description(
          "five-spot, drive, benchmark or closed (no flow, no source) [five-spot; closed with any option "
          "below that drives flow]");
  add_unit_options(app, o->units);
  app.add_option("-o,--output", o->output, "Animation; curves go beside it")->type_name("FILE.pvd");
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) { simulate(*o, invocation); };
}

}  // namespace mano
