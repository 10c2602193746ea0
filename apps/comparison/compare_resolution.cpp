#include "apps/comparison/compare_resolution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "apps/comparison/work_precision.hpp"
#include "apps/pictures/picture.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "apps/samples/verified_solve.hpp"
#include "apps/workflow/prediction.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/interrupt.hpp"
#include "core/resample.hpp"
#include "solver/correction.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "solver/regions.hpp"

namespace mano {

namespace {

Field solve_verified(DarcySolver& solver, const Problem& problem, const std::string& what) {
  SolveResult solved = solver.solve(problem);
  const std::string rejection = solved.converged ? rejection_of(problem, solved.pressure, solved.tolerance)
                                                 : "no convergence (" + solved.reason + ")";
  if (!rejection.empty()) throw RunFailed(what + ": " + rejection);
  return std::move(solved.pressure);
}

// What leaves the domain through its sides.
double total_outflow(const Problem& problem, const Field& pressure) {
  double sum = 0.0;
  for (double out : outflow(problem, pressure)) sum += std::max(0.0, out);
  return sum;
}

double relative_flux_error(const FaceFlux& a, const FaceFlux& b) {
  double error = 0.0;
  double size = 0.0;
  const auto add = [&](const std::vector<double>& u, const std::vector<double>& v) {
    for (std::size_t f = 0; f < u.size(); ++f) {
      error += (u[f] - v[f]) * (u[f] - v[f]);
      size += v[f] * v[f];
    }
  };
  add(a.ux, b.ux);
  add(a.uy, b.uy);
  return std::sqrt(error / size);
}

// What the equation adds to the figures of a sample, and the estimate of the error (prediction less solution).
Field measure_flow(const Problem& problem, const Field& prediction, const Field& solution,
                   ComparedSample& c) {
  Corrector corrector(problem);
  Field estimate = corrector.correction(prediction, kEstimateCycles);
  for (double& e : estimate.values) e = -e;
  const double through = inflow(problem, solution);
  if (through == 0.0) return estimate;
  c.flux_error = relative_flux_error(face_flux(problem, prediction), face_flux(problem, solution));
  const auto sides = sides_of(problem.grid());
  const bool open = std::any_of(sides.begin(), sides.end(), [&](Side side) {
    return problem.on(side).type == BoundaryCondition::Type::pressure;
  });
  if (open)
    c.outflow_error =
        std::abs(total_outflow(problem, prediction) - total_outflow(problem, solution)) / through;
  double defect = 0.0;
  for (double r : residual(corrector.stencil(), prediction).values) defect += std::abs(r);
  c.mass_defect = defect / through;
  c.effectivity = norm(estimate.values) / norm(difference(prediction, solution).values);
  return estimate;
}

// Islands of random inactive cells were dropped where the data were made; a coarser or finer grid has others.
Problem problem_of(const CompareSource& source, const Sample& sample) {
  Problem problem = make_problem(source.problem_name, sample.permeability, sample.active);
  drop_islands(problem);
  return problem;
}

void measure_against_reference(const CompareSource& source, const CompareSettings& settings,
                               std::size_t number, const CellMask& active, const Field& prediction,
                               const Field& solution, ComparedSample& c) {
  const Grid fine{settings.reference->nx, settings.reference->ny, source.grid.lx,
                  source.grid.ly,         source.grid.x0,         source.grid.y0};
  DarcySolver solver({.relative_tolerance = settings.tolerance, .ranks = SolverOptions::Ranks::self});
  const Problem problem = problem_of(source, source.draw(number, fine));
  const Field truth = solve_verified(solver, problem, fmt::format("reference of sample {}", number));
  const Field averaged =
      with_inactive(restrict_to(truth, problem.active, {source.grid.nx, source.grid.ny}), active, 0.0);
  c.discretisation_l2 = relative_l2(solution, averaged);
  c.reference_l2 = relative_l2(prediction, averaged);
}

// A sample with all that is known of it.
struct Compared {
  Sample sample;  // its pressure is the solution
  Field prediction;
  std::optional<Problem> problem;
  Field estimate;  // of the error, where the problem is known
  ComparedSample figures;
};

void write_image(const std::filesystem::path& path, const CompareSource& source, const Compared& c) {
  VtkImage image{.grid = source.grid, .location = source.location, .active = c.sample.active};
  image.scalars = {{"permeability", c.sample.permeability},
                   {"pressure", c.sample.pressure},
                   {"pressure_surrogate", c.prediction},
                   {"error", difference(c.prediction, c.sample.pressure)}};
  if (c.problem) {
    image.scalars.emplace_back("error_estimate", c.estimate);
    image.scalars.emplace_back("mass_defect", residual(Stencil(*c.problem), c.prediction));
    const CellFlux flux = cell_flux(*c.problem, c.sample.pressure);
    const CellFlux surrogate = cell_flux(*c.problem, c.prediction);
    image.vectors = {{"flux", {flux.x, flux.y}}, {"flux_surrogate", {surrogate.x, surrogate.y}}};
  }
  write_vti(path, image);
}

void draw_sample(const std::filesystem::path& path, const Compared& c) {
  using Scale = MapPanel::Scale;
  const CellMask& active = c.sample.active;
  const Range k = least_and_most(c.sample.permeability.values, active);
  const Range solver = least_and_most(c.sample.pressure.values, active);
  const Range surrogate = least_and_most(c.prediction.values, active);
  const auto blank = [&](const Field& field) {
    return with_inactive(field, active, std::numeric_limits<double>::quiet_NaN());
  };
  const std::pair range{std::min(solver.least, surrogate.least), std::max(solver.most, surrogate.most)};
  const bool logarithmic = k.most > 100 * k.least;
  draw_maps(
      path,
      {{logarithmic ? "permeability (log scale)" : "permeability",
        blank(c.sample.permeability),
        logarithmic ? Scale::logarithmic : Scale::sequential,
        {}},
       {"pressure, solver", blank(c.sample.pressure), Scale::sequential, range},
       {"pressure, surrogate", blank(c.prediction), Scale::sequential, range},
       {"surrogate - solver", blank(difference(c.prediction, c.sample.pressure)), Scale::diverging, {}}});
}

// Seconds a field of a batch, the median of up to three after those that are not timed.
double seconds_in_batch(const Surrogate& surrogate, Method method, const std::vector<Field>& fields,
                        double long_enough) {
  std::vector<double> seconds;
  double spent = 0.0;
  const int untimed = surrogate.untimed_predictions();
  for (int repeat = 0; repeat < 3 + untimed && (repeat < 1 + untimed || spent < long_enough); ++repeat) {
    const double start = seconds_now();
    surrogate.predict(fields, method);
    stop_if_interrupted();
    const double now = seconds_now() - start;
    spent += now;
    if (repeat >= untimed) seconds.push_back(now / static_cast<double>(fields.size()));
  }
  return summarize(seconds).median;
}

// The surrogate's time: one field at a time, then doubling the batch while that helps, fits and does not take long.
void time_surrogate(const Surrogate& surrogate, Method method, const std::vector<Field>& rocks,
                    ComparedResolution& r) {
  constexpr int kMostBatch = 64;
  constexpr double kLong = 3.0;  // seconds
  std::vector<double> single;
  for (const Field& k : rocks) single.push_back(seconds_in_batch(surrogate, method, {k}, kLong / 8));
  r.seconds_surrogate = r.seconds_in_batches = summarize(single).median;
  double before = r.seconds_in_batches;
  for (int batch = 2; batch <= kMostBatch && batch * before < kLong; batch *= 2) {
    try {
      surrogate.check_fits(rocks.front().grid, batch);
    } catch (const InvalidInput&) {
      return;
    }
    std::vector<Field> fields;
    for (int b = 0; b < batch; ++b) fields.push_back(rocks[b % rocks.size()]);
    const double now = seconds_in_batch(surrogate, method, fields, kLong);
    if (now < r.seconds_in_batches) {
      r.seconds_in_batches = now;
      r.best_batch = batch;
    } else if (now > 1.3 * before) {
      return;
    }
    before = now;
  }
}

// The surrogate after each number of cycles, its own and up to 8 where the model can; the error that they leave and their time.
WorkCurve surrogate_curve(Surrogate& surrogate, const std::vector<SolvedSample>& solved) {
  constexpr int kCycles = 8;
  WorkCurve curve{"surrogate", {}};
  const int own = surrogate.card().cycles;
  for (int cycles = 0; cycles <= std::min(surrogate.card().most_cycles(), std::max(own, kCycles)); ++cycles) {
    surrogate.set_cycles(cycles);
    curve.points.push_back(work_of(
        fmt::format("{} cycle{}", cycles, cycles == 1 ? "" : "s"), solved, [&](const SolvedSample& s) {
          stop_if_interrupted();
          return surrogate.predict(rock_of(s.problem.permeability, s.problem.active));
        }));
  }
  if (surrogate.card().most_cycles() > 0) surrogate.set_cycles(own);
  return curve;
}

void measure_work(Surrogate& surrogate, const CompareSource& source, const CompareSettings& settings,
                  const std::vector<SolvedSample>& solved, ComparedResolution& r) {
  r.solver = solver_curve(solved, settings.tolerance);
  stop_if_interrupted();
  if (settings.method == Method::multigrid) r.surrogate = surrogate_curve(surrogate, solved);
  r.corrected.push_back(cycles_curve("from the surrogate", solved, [&](const SolvedSample& s) {
    stop_if_interrupted();
    return surrogate.predict(rock_of(s.problem.permeability, s.problem.active), settings.method);
  }));
  r.corrected.push_back(
      cycles_curve("from zero", solved, [](const SolvedSample& s) { return Field(s.problem.grid()); }));
  Resolution coarse = surrogate.base_resolution(r.resolution);
  if (coarse.nx >= r.resolution.nx || coarse.ny >= r.resolution.ny)
    coarse = {std::max(1, r.resolution.nx / 2), std::max(1, r.resolution.ny / 2)};
  r.corrected.push_back(cycles_curve(
      fmt::format("from the solution at {}", coarse.text()), solved,
      [&](const SolvedSample& s) { return coarse_solution(s.problem, source.problem_name, coarse); }));
}

// One sample: predicted, and solved where the equation is known.
Compared compare_sample(const Surrogate& surrogate, const CompareSource& source,
                        const CompareSettings& settings, DarcySolver* solver, std::size_t s) {
  Compared c;
  c.sample = source.read(s);
  ComparedSample& figures = c.figures;
  figures.number = c.sample.number;
  figures.trained_on = source.trained_on(c.sample.number);
  if (solver != nullptr) {
    c.problem = problem_of(source, c.sample);
    c.sample.active = c.problem->active;
  }
  const Field rock = rock_of(c.sample.permeability, c.sample.active);
  c.prediction = surrogate.predict(rock, settings.method);
  if (solver != nullptr) {
    c.sample.pressure =
        solve_verified(*solver, *c.problem, fmt::format("{}, sample {}", source.name, c.sample.number));
    c.estimate = measure_flow(*c.problem, c.prediction, c.sample.pressure, figures);
    if (settings.reference && source.draw)
      measure_against_reference(source, settings, s, c.sample.active, c.prediction, c.sample.pressure,
                                figures);
  }
  const Field& solution = c.sample.pressure;
  figures.relative_l2 = relative_l2(c.prediction, solution);
  figures.relative_h1 = relative_h1(c.prediction, solution, c.sample.active);
  figures.largest_error = largest_error(c.prediction, solution) / largest_error(solution, Field(source.grid));
  if (settings.interpolate)
    figures.interpolated_l2 = relative_l2(surrogate.predict(rock, Method::interpolation), solution);
  if (const auto half_width = settings.method == Method::multigrid
                                  ? surrogate.interval_half_width(c.prediction, c.sample.active)
                                  : std::nullopt)
    figures.covered = covered_part(c.prediction, solution, *half_width, c.sample.active);
  figures.unlike_training = surrogate.card().unlike_training(rock);
  return c;
}

}  // namespace

std::string image_name(std::uint64_t number, const std::string& label) {
  return fmt::format("sample-{:03}-{}.vti", number, label);
}

void stop_if_interrupted() {
  if (const int signal = interrupt_signal())
    throw Interrupted(signal, "interrupted; the comparison is not whole");
}

ComparedResolution compare_resolution(Surrogate& surrogate, const CompareSource& source,
                                      CompareSettings settings, const std::function<void()>& progress) {
  ComparedResolution r{source.name, settings.label, {source.grid.nx, source.grid.ny}};
  r.seen_in_training = surrogate.seen(r.resolution, settings.method);
  const Resolution base = surrogate.base_resolution(r.resolution);
  settings.interpolate = !(base == r.resolution) && base.nx <= r.resolution.nx && base.ny <= r.resolution.ny;
  std::unique_ptr<DarcySolver> solver;
  if (is_named_problem(source.problem_name) && source.location == Location::cell)
    solver = std::make_unique<DarcySolver>(
        SolverOptions{.relative_tolerance = settings.tolerance, .ranks = SolverOptions::Ranks::self});
  std::vector<SolvedSample> solved;
  std::vector<Field> rocks;
  double worst = -1.0;
  for (std::size_t s = 0; s < source.samples; ++s) {
    Compared c = compare_sample(surrogate, source, settings, solver.get(), s);
    c.figures.image = image_name(c.figures.number, settings.label);
    write_image(settings.folder / c.figures.image, source, c);
    if (*c.figures.relative_l2 > worst) {
      worst = *c.figures.relative_l2;
      r.mapped = s;
      r.maps = fmt::format("maps-{}.png", settings.label);
      draw_sample(settings.folder / r.maps, c);
    }
    r.samples.push_back(std::move(c.figures));
    rocks.push_back(rock_of(c.sample.permeability, c.sample.active));
    if (c.problem) solved.push_back({std::move(*c.problem), std::move(c.sample.pressure)});
    progress();
    stop_if_interrupted();
  }
  time_surrogate(surrogate, settings.method, rocks, r);
  if (!solved.empty()) measure_work(surrogate, source, settings, solved, r);
  return r;
}

}  // namespace mano
