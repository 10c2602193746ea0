// Displacement of one fluid by another in time.

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <limits>

#include "apps/displacement/displacement_options.hpp"
#include "apps/samples/petsc_reserve.hpp"
#include "batch.hpp"
#include "displacement/step_doubling.hpp"
#include "modules.hpp"

namespace mano::python {

namespace {

struct Simulated {
  Displacement displacement;
  SimulationResult result;
  std::optional<StepError> error;
  std::vector<std::string> well_names;
};

// A number of each point of the curve.
template <typename Get>
Out<double> column(const Simulated& s, const Get& get) {
  std::vector<double> values;
  for (const CurvePoint& point : s.result.curve) values.push_back(get(point));
  const std::size_t n = values.size();
  return give(std::move(values), {n});
}

// A number of each well, or side, at each point of the curve.
template <typename Openings, typename Get>
Out<double> table(const Simulated& s, Openings CurvePoint::*openings, const Get& get) {
  std::vector<double> values;
  for (const CurvePoint& point : s.result.curve)
    for (const OpeningState& opening : point.*openings) values.push_back(get(opening));
  const std::size_t n = s.result.curve.size();
  const std::size_t count = values.size() / n;
  return give(std::move(values), {n, count});
}

Dict curve_of(const Simulated& s) {
  const auto rate = [](const OpeningState& o) { return o.rate(); };
  const auto cut = [](const OpeningState& o) { return o.cut; };
  nb::dict d;
  d["pore_volumes"] = column(s, [](const CurvePoint& p) { return p.pore_volumes; });
  d["time"] = column(s, [](const CurvePoint& p) { return p.time; });
  d["water_cut"] = column(s, [](const CurvePoint& p) { return p.cut; });
  d["recovery"] = column(s, [](const CurvePoint& p) { return p.recovery; });
  d["produced"] = column(s, [](const CurvePoint& p) { return p.produced; });
  d["well_rate"] = table(s, &CurvePoint::wells, rate);
  d["well_cut"] = table(s, &CurvePoint::wells, cut);
  d["well_pressure"] = table(s, &CurvePoint::wells, [](const OpeningState& o) { return o.pressure; });
  d["side_rate"] = table(s, &CurvePoint::sides, rate);
  d["side_cut"] = table(s, &CurvePoint::sides, cut);
  return d;
}

// One of a snapshot's fields, [T, 1, ny, nx]; not a number in inactive cells.
Out<double> snapshots_of(const Simulated& s, Field Snapshot::*field) {
  std::vector<double> all;
  for (const Snapshot& snapshot : s.result.snapshots) {
    const Field shown = with_inactive(snapshot.*field, s.displacement.problem.active,
                                      std::numeric_limits<double>::quiet_NaN());
    all.insert(all.end(), shown.values.begin(), shown.values.end());
  }
  return give_fields(std::move(all), s.displacement.problem.grid());
}

Out<double> times_of(const Simulated& s, double CurvePoint::*time) {
  std::vector<double> times;
  for (const Snapshot& snapshot : s.result.snapshots) times.push_back(snapshot.at.*time);
  const std::size_t n = times.size();
  return give(std::move(times), {n});
}

// Porosity is an array, or what the options say.
std::unique_ptr<Simulated> run(const Setup& setup, const DisplacementOptions& options, const Fields& k,
                               std::optional<Masks> active, std::optional<Fields> source,
                               std::optional<Fields> permeability_y, std::optional<Fields> porosity,
                               const Size& size, double tolerance, bool estimate) {
  const nb::gil_scoped_release released;
  const Grid grid = grid_of(k, size);
  FlowOptions flow = setup.options();
  choose_displacement_problem(flow);
  const Setup driven(flow, setup.unit_options());
  const Fluids fluids = settle_fluids(options, driven.flow().units());
  const Batch batch(driven, k, active, source, permeability_y, {}, size);
  const auto fits = [&](const Fields& array) { return array.shape(0) == 1 && array.size() == grid.cells(); };
  check(!porosity || fits(*porosity), "porosity has another shape than the permeability");
  Problem problem = batch.problem(0);
  Sample rock;
  rock.permeability = problem.permeability;
  rock.active = problem.active;
  Field pores = porosity ? field_of(porosity->data(), grid)
                         : porosity_of(options, no_file(), rock, driven.flow().units());
  auto simulated = std::make_unique<Simulated>();
  simulated->displacement =
      make_displacement(std::move(problem), std::move(pores), driven.flow().units(), fluids);
  simulated->well_names = driven.flow().well_names();
  SimulationOptions settled = settle_simulation(options, simulated->displacement, driven.flow().units());
  settled.pressure_tolerance = tolerance;
  settled.spare = [&](const Problem& p) { return pressure_with_petsc(p, tolerance); };
  settled.progress = [](double) {
    const nb::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();  // Ctrl-C
  };
  simulated->result = simulate(simulated->displacement, settled);
  check_until(options, simulated->result.curve.back().time);
  if (estimate) simulated->error = estimate_step_error(simulated->displacement, settled, simulated->result);
  return simulated;
}

}  // namespace

void bind_displacement(nb::module_& m) {
  nb::class_<DisplacementOptions>(m, "Displacement", "Fluids, times and accuracy of a displacement.")
      .def(
          "__init__",
          [](DisplacementOptions* self, std::string fluids, std::optional<double> viscosity_ratio,
             std::optional<double> displaced_viscosity, std::string exponents, std::string end_points,
             std::string residuals, std::string porosity, std::string until, int snapshots,
             std::string transport, double step_tolerance) {
            new (self) DisplacementOptions{.fluids = std::move(fluids),
                                           .viscosity_ratio = viscosity_ratio,
                                           .displaced_viscosity = displaced_viscosity,
                                           .exponents = std::move(exponents),
                                           .end_points = std::move(end_points),
                                           .residuals = std::move(residuals),
                                           .porosity = std::move(porosity),
                                           .until = std::move(until),
                                           .snapshots = snapshots,
                                           .transport = std::move(transport),
                                           .step_tolerance = step_tolerance};
          },
          nb::arg("fluids"), nb::arg("viscosity_ratio").none(), nb::arg("displaced_viscosity").none(),
          nb::arg("exponents"), nb::arg("end_points"), nb::arg("residuals"), nb::arg("porosity"),
          nb::arg("until"), nb::arg("snapshots"), nb::arg("transport"), nb::arg("step_tolerance"));
  nb::class_<Simulated>(m, "Simulated")
      .def_prop_ro(
          "saturation", [](const Simulated& s) { return snapshots_of(s, &Snapshot::saturation); },
          nb::rv_policy::move)
      .def_prop_ro(
          "pressure", [](const Simulated& s) { return snapshots_of(s, &Snapshot::pressure); },
          nb::rv_policy::move)
      .def_prop_ro(
          "times", [](const Simulated& s) { return times_of(s, &CurvePoint::pore_volumes); },
          nb::rv_policy::move)
      .def_prop_ro(
          "elapsed", [](const Simulated& s) { return times_of(s, &CurvePoint::time); }, nb::rv_policy::move)
      .def_prop_ro("curve", &curve_of)
      .def_prop_ro("well_names", [](const Simulated& s) { return s.well_names; })
      .def_prop_ro("breakthrough", [](const Simulated& s) { return s.result.breakthrough; })
      .def_prop_ro("pore_volume", [](const Simulated& s) { return s.result.pore_volume; })
      .def_prop_ro("mass_balance_error", [](const Simulated& s) { return s.result.mass_balance_error; })
      .def_prop_ro("steps", [](const Simulated& s) { return s.result.steps.size(); })
      .def_prop_ro("error", [](const Simulated& s) -> nb::object {
        if (!s.error) return nb::none();
        return nb::make_tuple(s.error->saturation, s.error->cut, s.error->recovery);
      });
  m.attr("step_tolerance") = SimulationOptions{}.step_tolerance;
  m.def("simulate", &run, nb::arg("setup"), nb::arg("displacement"), nb::arg("permeability"),
        nb::arg("active").none(), nb::arg("source").none(), nb::arg("permeability_y").none(),
        nb::arg("porosity").none(), nb::arg("size"), nb::arg("tolerance"), nb::arg("estimate"));
}

}  // namespace mano::python
