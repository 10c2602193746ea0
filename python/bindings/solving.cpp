// One solve with all that is asked of it, many solves, effective permeability.

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "apps/samples/sample_stream.hpp"
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
