#include "apps/compare_resolution.hpp"

#include <algorithm>
#include <cmath>

#include "apps/picture.hpp"
#include "apps/prediction.hpp"
#include "apps/verified_solve.hpp"
#include "apps/vtk_image.hpp"
#include "apps/work_precision.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/resample.hpp"
#include "solver/correction.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"

namespace mano {

namespace {

struct Solved {
  Field pressure;
  double seconds = 0.0;
};

Solved solve_verified(DarcySolver& solver, const Problem& problem, const std::string& what) {
  SolveResult solved = solver.solve(problem);
  const std::string rejection = solved.converged ? rejection_of(problem, solved.pressure, solved.tolerance)
                                                 : "no convergence (" + solved.reason + ")";
  if (!rejection.empty()) throw RunFailed(what + ": " + rejection);
  return {std::move(solved.pressure), solved.seconds_setup + solved.seconds_solve};
}

double difference_of_outflows(const Problem& problem, const Field& a, const Field& b) {
  const auto out_a = outflow(problem, a);
  const auto out_b = outflow(problem, b);
  double sum = 0.0;
  for (std::size_t side = 0; side < out_a.size(); ++side) sum += std::abs(out_a[side] - out_b[side]);
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

// What the equation adds to the figures of a sample.
void measure_flow(const Problem& problem, const Field& prediction, const Field& solution, ComparedSample& c) {
  const double through = inflow(problem, solution);
  if (through == 0.0) return;
  c.flux_error = relative_flux_error(face_flux(problem, prediction), face_flux(problem, solution));
  c.outflow_error = difference_of_outflows(problem, prediction, solution) / through;
  Corrector corrector(problem);
  double defect = 0.0;
  for (double r : residual(corrector.stencil(), prediction).values) defect += std::abs(r);
  c.mass_defect = defect / through;
  const Field estimate = corrector.correction(prediction, kEstimateCycles);
  c.effectivity = norm(estimate.values) / norm(difference(prediction, solution).values);
}

void measure_against_reference(const CompareSource& source, const CompareSettings& settings, std::size_t number,
                               const Field& prediction, const Field& solution, ComparedSample& c) {
  const Grid fine{settings.reference->nx, settings.reference->ny, source.grid.lx, source.grid.ly};
  DarcySolver solver({.relative_tolerance = settings.tolerance, .ranks = SolverOptions::Ranks::self});
  const Solved truth = solve_verified(solver, make_problem(source.setup, source.draw(number, fine)),
                                      fmt::format("reference of sample {}", number));
  const Field averaged =
      restrict_to(truth.pressure, {source.grid.nx, source.grid.ny}, Location::cell);
  c.discretisation_l2 = relative_l2(solution, averaged);
  c.reference_l2 = relative_l2(prediction, averaged);
}

void write_image(const std::filesystem::path& path, const CompareSource& source, const Sample& sample,
                 const Field& prediction) {
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

void draw_sample(const std::filesystem::path& path, const Sample& sample, const Field& prediction) {
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

// Sets best_batch and its time a sample: doubles the batch while that helps, fits and does not take long.
void find_best_batch(const Surrogate& surrogate, Method method, const std::vector<Field>& permeabilities,
                     ComparedResolution& r) {
  constexpr int kMostBatch = 64;
  constexpr double kLong = 4.0;  // seconds
  r.seconds_in_batches = r.summary(&ComparedSample::seconds_surrogate)->median;
  double before = r.seconds_in_batches;
  for (int batch = 2; batch <= kMostBatch && batch * before < kLong; batch *= 2) {
    try {
      surrogate.check_fits(permeabilities.front().grid, batch);
    } catch (const InvalidInput&) {
      return;
    }
    std::vector<Field> fields;
    for (int b = 0; b < batch; ++b) fields.push_back(permeabilities[b % permeabilities.size()]);
    const double start = seconds_now();
    surrogate.predict(fields, method);
    const double now = (seconds_now() - start) / batch;
    if (now < r.seconds_in_batches) {
      r.seconds_in_batches = now;
      r.best_batch = batch;
    } else if (now > 1.3 * before) {
      return;
    }
    before = now;
  }
}

void measure_work(const Surrogate& surrogate, const CompareSource& source, const CompareSettings& settings,
                  const std::vector<SolvedSample>& solved, ComparedResolution& r) {
  r.solver = solver_curve(solved);
  r.corrected.push_back(cycles_curve("from the surrogate", solved, [&](const SolvedSample& s) {
    return surrogate.predict(s.problem.permeability, settings.method);
  }));
  r.corrected.push_back(
      cycles_curve("from zero", solved, [](const SolvedSample& s) { return Field(s.problem.grid()); }));
  Resolution coarse = surrogate.base_resolution(r.resolution);
  if (coarse.nx >= r.resolution.nx || coarse.ny >= r.resolution.ny)
    coarse = {std::max(1, r.resolution.nx / 2), std::max(1, r.resolution.ny / 2)};
  r.corrected.push_back(
      cycles_curve(fmt::format("from the solution at {}", coarse.text()), solved,
                   [&](const SolvedSample& s) { return coarse_solution(s.problem, source.setup, coarse); }));
}

// One sample: predicted, solved where the equation is known, and both written. What was solved goes to `solved`.
ComparedSample compare_sample(const Surrogate& surrogate, const CompareSource& source,
                              const CompareSettings& settings, DarcySolver* solver, std::size_t s, bool interpolate,
                              Sample& sample, std::vector<SolvedSample>& solved, Field& prediction) {
  ComparedSample c;
  c.number = sample.number;
  const double start = seconds_now();
  prediction = surrogate.predict(sample.permeability, settings.method);
  c.seconds_surrogate = seconds_now() - start;
  if (solver != nullptr) {
    const Problem problem = make_problem(source.setup, sample.permeability);
    Solved truth = solve_verified(*solver, problem, fmt::format("{}, sample {}", source.name, sample.number));
    c.seconds_solver = truth.seconds;
    if (sample.pressure.values.empty()) sample.pressure = truth.pressure;
    measure_flow(problem, prediction, sample.pressure, c);
    if (settings.reference && source.draw)
      measure_against_reference(source, settings, s, prediction, sample.pressure, c);
    solved.push_back({problem, std::move(truth.pressure)});
  }
  c.relative_l2 = relative_l2(prediction, sample.pressure);
  c.relative_h1 = relative_h1(prediction, sample.pressure);
  c.largest_error =
      largest_error(prediction, sample.pressure) / largest_error(sample.pressure, Field(source.grid));
  if (interpolate)
    c.interpolated_l2 =
        relative_l2(surrogate.predict(sample.permeability, Method::interpolation), sample.pressure);
  if (const auto band = surrogate.band(prediction)) c.covered = covered_part(prediction, sample.pressure, *band);
  c.unlike_training = surrogate.unlike_training(sample.permeability);
  return c;
}

// Both once, not timed: what is allocated and read the first time.
void warm_up(const Surrogate& surrogate, const CompareSource& source, const CompareSettings& settings,
             DarcySolver* solver) {
  Sample sample = source.read(0);
  std::vector<SolvedSample> ignored;
  Field prediction;
  compare_sample(surrogate, source, settings, solver, 0, false, sample, ignored, prediction);
}

}  // namespace

ComparedResolution compare_resolution(const Surrogate& surrogate, const CompareSource& source,
                                      const CompareSettings& settings, const std::function<void()>& progress) {
  ComparedResolution r{source.name, {source.grid.nx, source.grid.ny}};
  r.seen_in_training = surrogate.card().seen(r.resolution);
  const Resolution base = surrogate.base_resolution(r.resolution);
  const bool interpolate = !r.seen_in_training && base.nx <= r.resolution.nx && base.ny <= r.resolution.ny;
  std::vector<SolvedSample> solved;
  std::vector<Field> permeabilities;
  std::unique_ptr<DarcySolver> solver;
  if (is_named_setup(source.setup) && source.location == Location::cell)
    solver = std::make_unique<DarcySolver>(
        SolverOptions{.relative_tolerance = settings.tolerance, .ranks = SolverOptions::Ranks::self});
  warm_up(surrogate, source, settings, solver.get());
  for (std::size_t s = 0; s < source.samples; ++s) {
    Sample sample = source.read(s);
    Field prediction;
    ComparedSample c =
        compare_sample(surrogate, source, settings, solver.get(), s, interpolate, sample, solved, prediction);
    c.image = fmt::format("sample-{:03}-{}.vti", sample.number, settings.label);
    write_image(settings.folder / c.image, source, sample, prediction);
    if (s == 0) {
      r.maps = fmt::format("maps-{}.png", settings.label);
      draw_sample(settings.folder / r.maps, sample, prediction);
    }
    permeabilities.push_back(std::move(sample.permeability));
    r.samples.push_back(std::move(c));
    progress();
  }
  find_best_batch(surrogate, settings.method, permeabilities, r);
  if (!solved.empty()) measure_work(surrogate, source, settings, solved, r);
  return r;
}

}  // namespace mano
