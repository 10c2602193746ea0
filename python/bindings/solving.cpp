// One solve with all that is asked of it, many solves, the adjoint, effective permeability.

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <limits>

#include "apps/samples/sample_stream.hpp"
#include "apps/samples/solved_batch.hpp"
#include "apps/samples/upscaling.hpp"
#include "batch.hpp"
#include "modules.hpp"
#include "solver/flow.hpp"

namespace mano::python {

namespace {

// A pressure and what can be asked of it.
struct Solved {
  Problem problem;
  VerifiedSolution solution;
  Units units;
  std::vector<std::string> well_names;
  Field shown;  // the pressure, not a number in inactive cells

  std::vector<double> flux(std::vector<double> values) const {
    if (!units.consistent()) {
      for (double& u : values) u *= units.velocity();
    }
    return values;
  }
};

template <typename T>
void store(const Field& field, const CellMask& active, T* to) {
  for (std::size_t c = 0; c < field.values.size(); ++c)
    to[c] = active[c] ? static_cast<T>(field.values[c]) : std::numeric_limits<T>::quiet_NaN();
}

std::unique_ptr<Solved> solve(const Setup& setup, const Fields& k, std::optional<Masks> active,
                              std::optional<Fields> source, std::optional<Fields> permeability_y,
                              std::optional<Fields> permeability_z, const Size& size, double tolerance) {
  const nb::gil_scoped_release released;
  const Batch batch(setup, k, active, source, permeability_y, permeability_z, size);
  auto solved = std::make_unique<Solved>();
  solve_many(
      1, 1, tolerance, [&](int) { return batch.problem(0); },
      [&](int, Problem& problem, VerifiedSolution& solution) {
        solved->problem = std::move(problem);
        solved->solution = std::move(solution);
      });
  solved->units = setup.flow().units();
  solved->well_names = setup.flow().well_names();
  const CellMask& mask = solved->problem.active;
  solved->shown =
      mask.all() ? solved->solution.pressure
                 : with_inactive(solved->solution.pressure, mask, std::numeric_limits<double>::quiet_NaN());
  return solved;
}

template <typename T>
Tuple solve_batch(const Batch& batch, double tolerance, int threads) {
  const int n = batch.count();
  const std::size_t cells = batch.grid.cells();
  std::vector<T> pressure(n * cells);
  std::vector<double> residual(n);
  std::vector<std::int32_t> iterations(n);
  {
    const nb::gil_scoped_release released;
    solve_many(
        n, threads, tolerance, [&](int i) { return batch.problem(i); },
        [&](int i, const Problem& problem, const VerifiedSolution& solution) {
          store(solution.pressure, problem.active, pressure.data() + i * cells);
          residual[i] = solution.relative_residual;
          iterations[i] = solution.iterations;
        });
  }
  const auto count = static_cast<std::size_t>(n);
  return nb::make_tuple(give_fields(std::move(pressure), batch.grid), give(std::move(residual), {count}),
                        give(std::move(iterations), {count}));
}

// A batch with what its gradients need.
struct Differentiable {
  std::unique_ptr<SolvedBatch> solved;
  Grid grid;
  Units units;

  std::size_t count() const { return solved->size(); }
  std::size_t wells() const { return solved->problem(0).wells.size(); }

  Out<double> pressure() const {
    const std::size_t n = count(), cells = grid.cells();
    std::vector<double> all(n * cells);
    for (std::size_t i = 0; i < n; ++i)
      store(solved->solution(static_cast<int>(i)).pressure, solved->problem(static_cast<int>(i)).active,
            all.data() + i * cells);
    return give_fields(std::move(all), grid);
  }

  // Rates and pressures of the wells, [N, W] each.
  Tuple well_states() const {
    const std::size_t n = count(), w = wells();
    std::vector<double> rate, bore;
    for (int i = 0; i < solved->size(); ++i) {
      for (const WellState& state : mano::well_states(solved->problem(i), solved->solution(i).pressure)) {
        rate.push_back(state.rate);
        bore.push_back(state.pressure);
      }
    }
    return nb::make_tuple(give(std::move(rate), {n, w}), give(std::move(bore), {n, w}));
  }

  // dJ by permeability and, where asked for, by source [N, 1, ny, nx], by each well's value [N, W], and by the values of the
  // sides left, right, bottom, top [N, faces], from dJ/dp [N, 1, ny, nx] and dJ by the wells' rates and pressures [N, W].
  Tuple gradient(const Fields& by_pressure, const In<double, 2>& by_rate, const In<double, 2>& by_bore,
                 bool with_source, int threads) {
    const std::size_t n = count(), cells = grid.cells(), w = wells();
    check(by_pressure.size() == n * cells && by_rate.size() == n * w && by_bore.size() == n * w,
          "the slopes must have the shapes of pressures and of wells");
    std::vector<double> by_k(n * cells), by_source(with_source ? n * cells : 0), by_well(n * w);
    std::array<std::vector<double>, 4> by_side;
    for (Side side : sides_of(grid))
      by_side.at(static_cast<int>(side)).resize(n * solved->problem(0).on(side).values.size());
    const auto row = [w](const In<double, 2>& of, std::size_t i) {
      return std::vector<double>(of.data() + i * w, of.data() + (i + 1) * w);
    };
    {
      const nb::gil_scoped_release released;
      solved->gradients(
          threads,
          [&](int i) {
            return FunctionalSlope{field_of(by_pressure.data() + i * cells, grid),
                                   {row(by_rate, i), row(by_bore, i)}};
          },
          [&](int i, const FlowGradient& g) {
            const Problem& problem = solved->problem(i);
            for (std::size_t c = 0; c < cells; ++c) {
              if (problem.active[c])
                by_k[i * cells + c] =
                    units.conductance() * g.by_log_permeability.values[c] / problem.permeability.values[c];
            }
            if (with_source)
              std::copy(g.by_source.values.begin(), g.by_source.values.end(), by_source.begin() + i * cells);
            std::copy(g.by_well.begin(), g.by_well.end(), by_well.begin() + i * w);
            for (Side side : sides_of(grid)) {
              const std::vector<double>& values = g.by_boundary[static_cast<int>(side)];
              const bool flux = problem.on(side).type == BoundaryCondition::Type::flux;
              const double unit = flux ? 1.0 / units.velocity() : 1.0;
              std::transform(values.begin(), values.end(),
                             by_side.at(static_cast<int>(side)).begin() + i * values.size(),
                             [&](double v) { return unit * v; });
            }
          });
    }
    nb::list sides;
    for (std::vector<double>& values : by_side) {
      const std::size_t faces = values.size() / n;
      sides.append(give(std::move(values), {n, faces}));
    }
    return nb::make_tuple(give_fields(std::move(by_k), grid),
                          with_source ? nb::cast(give_fields(std::move(by_source), grid)) : nb::none(),
                          give(std::move(by_well), {n, w}), sides);
  }
};

List wells_of(const Solved& s) {
  const std::vector<WellState> states = well_states(s.problem, s.solution.pressure);
  nb::list wells;
  for (std::size_t w = 0; w < states.size(); ++w) {
    const Well& well = s.problem.wells[w];
    nb::list layers;
    if (!s.problem.grid().flat())
      for (const WellState::Layer& layer : states[w].layers)
        layers.append(nb::make_tuple(layer.layer + 1, layer.rate));
    wells.append(nb::make_tuple(s.well_names.at(w), nb::make_tuple(well.i, well.j), states[w].rate,
                                states[w].pressure, layers));
  }
  return wells;
}

void bind_solved(nb::module_& m) {
  nb::class_<Solved>(m, "Solved")
      .def_prop_ro("pressure",
                   [](Solved& s) {
                     const Grid& g = s.shown.grid;
                     return nb::ndarray<nb::numpy, double, nb::ndim<3>>(
                         s.shown.values.data(),
                         {static_cast<std::size_t>(g.nz), static_cast<std::size_t>(g.ny),
                          static_cast<std::size_t>(g.nx)},
                         nb::find(&s));
                   })
      .def_prop_ro("flux",
                   [](const Solved& s) -> Tuple {
                     const auto nx = static_cast<std::size_t>(s.problem.grid().nx);
                     const auto ny = static_cast<std::size_t>(s.problem.grid().ny);
                     const auto nz = static_cast<std::size_t>(s.problem.grid().nz);
                     FaceFlux f = face_flux(s.problem, s.solution.pressure);
                     return nb::make_tuple(give(s.flux(std::move(f.ux)), {nz, ny, nx + 1}),
                                           give(s.flux(std::move(f.uy)), {nz, ny + 1, nx}),
                                           f.uz.empty()
                                               ? nb::none()
                                               : nb::cast(give(s.flux(std::move(f.uz)), {nz + 1, ny, nx})));
                   })
      .def_prop_ro("wells", &wells_of)
      .def_prop_ro("outflow", [](const Solved& s) { return outflow(s.problem, s.solution.pressure); })
      .def_prop_ro("mass_balance_error",
                   [](const Solved& s) { return mass_balance_error(s.problem, s.solution.pressure); })
      .def_prop_ro(
          "active",
          [](const Solved& s) {
            const Grid& g = s.problem.grid();
            std::vector<std::uint8_t> mask = s.problem.active.values;
            mask.resize(g.cells(), 1);
            return give_fields(std::move(mask), g);
          },
          nb::rv_policy::move)
      .def_prop_ro("residual", [](const Solved& s) { return s.solution.relative_residual; })
      .def_prop_ro("iterations", [](const Solved& s) { return s.solution.iterations; })
      .def_prop_ro("method", [](const Solved& s) { return s.solution.method; });
}

}  // namespace

void bind_solving(nb::module_& m) {
  bind_solved(m);
  m.def("solve", &solve, nb::arg("setup"), nb::arg("permeability"), nb::arg("active").none(),
        nb::arg("source").none(), nb::arg("permeability_y").none(), nb::arg("permeability_z").none(),
        nb::arg("size"), nb::arg("tolerance"));
  m.def(
      "solve_many",
      [](const Setup& setup, Fields k, std::optional<Masks> active, std::optional<Fields> source,
         std::optional<Fields> ky, std::optional<Fields> kz, const Size& size, double tolerance, int threads,
         bool single) {
        const Batch batch(setup, k, active, source, ky, kz, size);
        return single ? solve_batch<float>(batch, tolerance, threads)
                      : solve_batch<double>(batch, tolerance, threads);
      },
      nb::arg("setup"), nb::arg("permeability"), nb::arg("active").none(), nb::arg("source").none(),
      nb::arg("permeability_y").none(), nb::arg("permeability_z").none(), nb::arg("size"),
      nb::arg("tolerance"), nb::arg("threads"), nb::arg("single_precision"));
  nb::class_<Differentiable>(m, "Differentiable",
                             "Solved problems with what gradients by all that drives the flow need.")
      .def(
          "__init__",
          [](Differentiable* self, const Setup& setup, Fields k, std::optional<Masks> active,
             std::optional<Fields> source, std::optional<Fields> ky, const Size& size, double tolerance,
             int threads) {
            const nb::gil_scoped_release released;
            const Batch batch(setup, k, active, source, ky, {}, size);
            check(batch.grid.flat(), "gradients are of flat grids, not of a volume of {}",
                  batch.grid.resolution());
            new (self) Differentiable{std::make_unique<SolvedBatch>(batch.count(), threads, tolerance,
                                                                    [&](int i) { return batch.problem(i); }),
                                      batch.grid, setup.flow().units()};
          },
          nb::arg("setup"), nb::arg("permeability"), nb::arg("active").none(), nb::arg("source").none(),
          nb::arg("permeability_y").none(), nb::arg("size"), nb::arg("tolerance"), nb::arg("threads"))
      .def("pressure", &Differentiable::pressure)
      .def("well_states", &Differentiable::well_states)
      .def("gradient", &Differentiable::gradient, nb::arg("by_pressure"), nb::arg("by_well_rate"),
           nb::arg("by_well_pressure"), nb::arg("with_source"), nb::arg("threads"));
  m.def(
      "upscale",
      [](const Setup& setup, const Fields& k, std::optional<Masks> active, std::optional<Fields> ky,
         std::optional<Fields> kz, const Size& size, double tolerance) -> List {
        std::vector<EffectivePermeability> found;
        {
          const nb::gil_scoped_release released;
          const Batch batch(setup, k, active, std::nullopt, ky, kz, size);
          SampleSolver solver(tolerance);
          found = upscaled(batch.problem(0), [&](const Problem& p) { return solver.solve(p); });
        }
        nb::list both;
        for (const auto& d : found)
          both.append(nb::make_tuple(d.effective, d.harmonic_mean, d.geometric_mean, d.arithmetic_mean));
        return both;
      },
      nb::arg("setup"), nb::arg("permeability"), nb::arg("active").none(), nb::arg("permeability_y").none(),
      nb::arg("permeability_z").none(), nb::arg("size"), nb::arg("tolerance"));
}

}  // namespace mano::python
