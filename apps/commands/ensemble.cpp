// mano ensemble: mean, spread and percentiles of a quantity over random rock, by multilevel Monte Carlo.
//
//   mano ensemble --field lognormal --deviation 1 --correlation-length 0.1 --resolution 256x256
//     --quantity effective-permeability --tolerance 0.01 -o ensemble
//   mpirun -n 2 mano ensemble --field lognormal --problem drive --resolution 128x128 --quantity pressure@0.3,0.4
//     --quantity outflow@right --tolerance 0.01,0.05 --model run -o ensemble
//
// The same command goes on where a killed one stopped.

#include <algorithm>
#include <cmath>

#include "apps/displacement/dataset_displacement.hpp"
#include "apps/ensemble/control_model.hpp"
#include "apps/ensemble/page.hpp"
#include "apps/ensemble/workplace.hpp"
#include "apps/options/command_line.hpp"
#include "apps/options/progress.hpp"
#include "apps/options/random_field_options.hpp"
#include "apps/options/unit_options.hpp"
#include "apps/workflow/cycle_options.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "core/version.hpp"
#include "datagen/content_hash.hpp"

namespace mano {

namespace {

struct EnsembleOptions {
  FieldOptions field;
  FlowOptions flow;
  UnitOptions units;
  CycleOptions cycles;
  DisplacementOptions displacement;
  std::string resolution, tolerance, model, output, json, device = "auto";
  std::vector<std::string> quantities;
  double solver_tolerance = SolverOptions{}.relative_tolerance;
  std::optional<double> max_seconds;
  bool compare_plain = false, overwrite = false, always_model = false;
};

std::vector<double> parse_tolerances(const std::string& text, std::size_t quantities) {
  check(!text.empty(), "no tolerance: pass --tolerance T, the half-width of the mean's {:.0f} % interval",
        100 * kConfidence);
  std::vector<double> tolerances;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto value = parse_number(text.substr(begin, end - begin));
    check(value && std::isfinite(*value) && *value > 0,
          "tolerance is '{}'; it must be a number above zero, or one for each quantity, with commas", text);
    tolerances.push_back(*value);
    begin = end + 1;
  }
  if (tolerances.size() == 1) tolerances.resize(quantities, tolerances[0]);
  check(tolerances.size() == quantities, "{} tolerances for {} quantities; give one, or one for each",
        tolerances.size(), quantities);
  return tolerances;
}

// What is asked for, checked.
struct Asked {
  FieldSource source;
  FlowSource flow, rock;
  std::vector<double> tolerances;
  bool truth_is_finest;
  std::vector<Grid> grids;  // from the coarsest
  int first_finest;         // level
  EnsembleSetup setup;

  int most() const { return static_cast<int>(grids.size()) - 1; }
  explicit Asked(const EnsembleOptions& o);
  std::string configuration(const EnsembleOptions& o) const;
  void take_displacement(const EnsembleOptions& o);

 private:
  static FlowOptions rock_only(const FlowOptions& flow) {
    FlowOptions options;
    options.problem_name = "closed";  // nothing but the pressure drop drives the flow
    options.anisotropy = flow.anisotropy;
    return options;
  }
};

Asked::Asked(const EnsembleOptions& o)
    : source(o.field),
      flow(o.flow, source, settle_units(o.units, source)),
      rock(rock_only(o.flow), source),
      tolerances(parse_tolerances(o.tolerance, o.quantities.size())),
      truth_is_finest(!o.resolution.empty()) {
  check(!source.from_file(), "an ensemble needs random rock: pass --field KIND; mano solve takes files");
  check(!flow.has_permeability_file() && !flow.has_source_file(),
        "--permeability-y and --source of a file hold one grid, an ensemble needs all: pass numbers");
  check(o.solver_tolerance > 0 && o.solver_tolerance < 1, "solver tolerance is {}; it must lie in (0, 1)",
        o.solver_tolerance);
  check(!o.max_seconds || *o.max_seconds > 0, "max-seconds is {}; it must be above zero",
        o.max_seconds.value_or(0));
  const int fewest = source.has_inactive() ? 16 : 4;  // few cells might all be inactive along a side
  grids =
      halved_grids(truth_is_finest ? source.grid(o.resolution) : finest_of_all(source.grid("1x1")), fewest);
  note_rough_field(source.options(), grids.back());
  first_finest = truth_is_finest ? most() : first_finest_of(grids, source.options().spec);
  // What cannot fit is refused, or not looked at, before any work.
  const auto memory = [&](const Grid& g) { return 2 * (solve_memory(g) + source.memory(g)); };
  check_memory(memory(grids[first_finest]), fmt::format("samples at {}", grids[first_finest].resolution()));
  while (memory(grids.back()) > static_cast<double>(available_memory())) grids.pop_back();
  setup = {.source = &source, .flow = &flow, .rock = &rock, .tolerance = o.solver_tolerance};
  Sample ones;
  ones.permeability = Field(grids.back(), 1.0);
  const Problem problem = flow.problem(ones);
  for (const std::string& text : o.quantities)
    setup.quantities.push_back(parse_quantity(text, flow, problem));
  take_displacement(o);
  for (const Grid& grid : grids)
    LevelSolver(setup, grid);  // what does not fit a grid is refused before any work
}

void Asked::take_displacement(const EnsembleOptions& o) {
  SimulationOptions accuracy = settle_simulation(o.displacement);
  accuracy.pressure_tolerance = o.solver_tolerance;
  setup.fluids = settle_fluids(o.displacement, flow.units());
  setup.simulation = simulation_of(setup.quantities, accuracy);
  check(!setup.simulation.snapshots.empty() || is_default(o.displacement),
        "options of a displacement, such as --viscosity-ratio, belong to the quantities recovery@Tpv, "
        "water-cut@Tpv and breakthrough");
}

// What values of samples depend on. Not the tolerance: another one goes on with the same samples.
std::string Asked::configuration(const EnsembleOptions& o) const {
  nlohmann::json c = source.configuration();
  c.update({{"setup", flow.problem_name()},
            {"quantities", o.quantities},
            {"resolution", grids.back().resolution()},
            {"truth_is_finest", truth_is_finest},
            {"size", {grids.back().lx, grids.back().ly}},
            {"solver_tolerance", o.solver_tolerance},
            {"program_version", kVersion}});
  if (const auto changes = flow.configuration(); !changes.is_null()) c["flow"] = changes;
  if (!setup.simulation.snapshots.empty())
    c["displacement"] = {{"fluids", to_json(setup.fluids)},
                         {"transport", to_string(setup.simulation.transport)},
                         {"step_tolerance", setup.simulation.step_tolerance}};
  if (!o.model.empty()) {
    c["model"] = o.model == kFirstGuess
                     ? nlohmann::json{{"name", kFirstGuess}}
                     : nlohmann::json{{"hash", file_hash(checkpoint_path(o.model))}, {"device", o.device}};
    if (o.cycles.cycles) c["model"]["cycles"] = *o.cycles.cycles;
    if (o.cycles.accuracy) c["model"]["accuracy"] = *o.cycles.accuracy;
    if (o.always_model) c["model"]["always"] = true;
  }
  return c.dump();
}

std::unique_ptr<ControlModel> open_model(const EnsembleOptions& o, const Asked& asked) {
  if (o.model.empty()) {
    check(!o.cycles.given() && !o.always_model, "--cycles, --accuracy and --always-model need --model RUN");
    return nullptr;
  }
  ControlModelOptions options{
      .model = o.model, .device = o.device, .cycles = o.cycles, .wells = o.flow.wells};
  if (!asked.setup.simulation.snapshots.empty()) {
    const DisplacementSource source(o.displacement, o.flow, asked.flow.units(), o.solver_tolerance);
    options.displacement_problem = source.problem_name();
    options.displacement_with_own_wells = source.name_with_own_wells();
  }
  return open_control_model(options, asked.setup, asked.grids.back());
}

// A bar over the expected cost.
class Meter {
 public:
  explicit Meter(const char* what) : bar_(what, "% of the work", 100) {}
  void round(double spent, double whole) {
    spent_ = spent;
    whole_ = whole;
  }
  void drawn(double cost) {
    if (whole_ > 0) bar_.update(static_cast<std::size_t>(100 * std::min(1.0, (spent_ + cost) / whole_)));
  }

 private:
  Progress bar_;
  double spent_ = 0.0, whole_ = 0.0;
};

// What plain Monte Carlo takes: a few samples for their time, all of them where it is to be run.
PlainMonteCarlo plain_monte_carlo(bool run, Meter& meter, StoredSampler& sampler, const SampleStore& store,
                                  const MultilevelResult& result, const std::vector<double>& tolerances) {
  const Term finest{.fine = result.terms.back().fine, .coarse = std::nullopt};
  const double reach = normal_quantile(0.5 + 0.5 * kConfidence);
  double samples = static_cast<double>(MultilevelOptions{}.finest_samples);  // quantiles need as many here
  for (std::size_t q = 0; q < tolerances.size(); ++q) {
    const double variance = std::max(0.0, result.estimates[q].variance);
    samples = std::max(samples, std::ceil(variance * std::pow(reach / tolerances[q], 2)));
  }
  PlainMonteCarlo plain;
  constexpr double kTimed = 8;
  if (run) meter.round(0.0, samples * sampler.cost(finest));
  const bool whole =
      sampler.draw({{finest, static_cast<std::size_t>(run ? samples : std::min(samples, kTimed))}});
  const TermSeconds seconds = store.seconds(finest);
  if (seconds.samples == 0) {  // no time was left: by the finest grid's part of its pairs
    const TermSeconds pairs = store.seconds(result.terms.back());
    plain.seconds_per_sample =
        (pairs.field + pairs.fine) / std::max<double>(1.0, static_cast<double>(pairs.samples));
    plain.seconds = samples * plain.seconds_per_sample;
    return plain;
  }
  plain.seconds_per_sample = seconds.all() / static_cast<double>(seconds.samples);
  plain.seconds = samples * plain.seconds_per_sample;
  if (!run || !whole) return plain;
  for (const LevelSamples& values : sampler.drawn(finest)) plain.estimates.push_back(estimate_of({values}));
  plain.samples = seconds.samples;
  plain.seconds_measured = seconds.all();
  return plain;
}

EnsembleOutcome sample(const EnsembleOptions& o, const Asked& asked, const Ranks& ranks, SampleStore& store,
                       const ControlModel* model, std::optional<double> deadline) {
  EnsembleHierarchy hierarchy(asked.setup, asked.grids, asked.truth_is_finest ? asked.most() : -1, model);
  std::optional<Meter> meter("ensemble");
  StoredSampler sampler(hierarchy, store, ranks, deadline, [&](double cost) { meter->drawn(cost); });
  MultilevelOptions options{.tolerances = asked.tolerances,
                            .finest = asked.first_finest,
                            .most = asked.most(),
                            .surrogate_always = o.always_model};
  if (model != nullptr)
    options.surrogate_levels = control_levels(*model, asked.setup, asked.grids, asked.first_finest);
  options.progress = [&](double spent, double whole) { meter->round(spent, whole); };
  EnsembleOutcome outcome{.quantities = asked.setup.quantities,
                          .tolerances = asked.tolerances,
                          .grids = asked.grids,
                          .truth_is_finest = asked.truth_is_finest,
                          .model = o.model};
  outcome.result = run_multilevel(sampler, options);
  outcome.seconds =
      store.seconds().all() + processor_seconds() - sampler.seconds();  // all runs' samples, this run's rest
  for (const Term& t : outcome.result.terms) outcome.seconds_by_term.push_back(store.seconds(t));
  meter.emplace("plain Monte Carlo");
  outcome.plain =
      plain_monte_carlo(o.compare_plain, *meter, sampler, store, outcome.result, asked.tolerances);
  return outcome;
}

// A displacement has a five-spot for its default, as in mano simulate.
bool is_of_displacement(const std::string& quantity) {
  return quantity.starts_with("recovery@") || quantity.starts_with("water-cut@") ||
         quantity == "breakthrough";
}

void ensemble(EnsembleOptions o, const Invocation& invocation) {
  const double start = seconds_now();
  // 1. What is asked for.
  check(!o.output.empty(), "no output: pass -o FOLDER");
  check(!o.quantities.empty(), "no quantity: pass --quantity NAME");
  if (std::any_of(o.quantities.begin(), o.quantities.end(), is_of_displacement))
    choose_displacement_problem(o.flow);
  const Asked asked(o);
  const std::unique_ptr<ControlModel> model = open_model(o, asked);

  // 2. Where the samples go, so that a killed run goes on.
  const PetscSession session(invocation.petsc_options);
  Workplace workplace(o.output, o.overwrite, asked.configuration(o), session);
  catch_interrupts();
  const Ranks ranks{session.rank(), session.ranks(), [&](int value) { return session.maximum(value); }};
  SampleStore store(workplace.folder(), session.rank());

  // 3. Levels, samples, intervals.
  const auto deadline = o.max_seconds ? std::optional(start + *o.max_seconds) : std::nullopt;
  EnsembleOutcome outcome = sample(o, asked, ranks, store, model.get(), deadline);
  for (const Quantity& q : outcome.quantities) outcome.units.push_back(unit_of(q, asked.flow.units()));
  outcome.wall_seconds = seconds_now() - start;
  outcome.description = fmt::format("{} on {:g}x{:g}, problem {}", asked.source.description(),
                                    asked.grids[0].lx, asked.grids[0].ly, asked.flow.problem_name());
  outcome.command_line = invocation.command_line;

  // 4. The result, whole or not at all.
  if (session.rank() == 0) {
    print_outcome(outcome);
    write_json(o.json, to_json(outcome));
  }
  if (!outcome.result.reached)
    throw RunFailed(fmt::format(
        "the tolerance was not reached{}; the intervals above hold, and the same command goes on from {}",
        o.max_seconds ? fmt::format(" in {:g} s", *o.max_seconds) : " at the finest grid",
        workplace.folder().string()));
  if (session.rank() != 0) return;
  workplace.finish([&](const std::filesystem::path& folder) { write_ensemble(folder, outcome); });
  say("wrote " + workplace.output().string());
}

}  // namespace

std::function<void(const Invocation&)> add_ensemble(CLI::App& app) {
  auto o = std::make_shared<EnsembleOptions>();
  add_field_options(app, o->field);
  app.add_option("--resolution", o->resolution,
                 "Cells in x and y of the finest grid, which then is the truth by definition [as fine as the "
                 "tolerance "
                 "needs]")
      ->type_name("WxH");
  app.add_option(
         "--quantity", o->quantities,
         "effective-permeability (-x, -y), pressure@X,Y, mean-pressure, largest-pressure, outflow@SIDE, "
         "rate@WELL, bhp@WELL, recovery@Tpv, water-cut@Tpv, breakthrough, mean-log-permeability; may be "
         "repeated")
      ->type_name("NAME")
      ->take_all();
  app.add_option(
         "--tolerance", o->tolerance,
         "Half-width of the 95 % interval of the mean; one number, or one for each quantity: 0.01,0.2")
      ->type_name("T");
  add_flow_options(app, o->flow);
  add_unit_options(app, o->units);
  add_fluid_options(app, o->displacement);
  app.add_option(
         "--model", o->model,
         "RUN folder or checkpoint of a surrogate, or first-guess (of a displacement), used where it saves "
         "work")
      ->type_name("RUN");
  add_cycle_options(app, o->cycles);
  app.add_flag("--always-model", o->always_model,
               "Use the model also where it saves nothing: the answer must stay what it is");
  app.add_option("--device", o->device, "Of the model: auto, cpu or cuda [auto]");
  app.add_option("--solver-tolerance", o->solver_tolerance, "Bound on the true relative residual [1e-10]");
  app.add_option("--max-seconds", o->max_seconds, "Stop on time, with the best estimate so far and status 1");
  app.add_flag("--compare-plain", o->compare_plain, "Run plain Monte Carlo to the same tolerance as well");
  app.add_option("-o,--output", o->output, "Folder of the result")->type_name("FOLDER");
  app.add_flag("--overwrite", o->overwrite, "Replace an existing result");
  add_json_option(app, o->json);
  app.footer("Options after -- go to PETSc.");
  return [o](const Invocation& invocation) { ensemble(*o, invocation); };
}

}  // namespace mano
