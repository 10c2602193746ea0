#include "setup.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace mano::python {

const FieldSource& no_file() {
  static const FieldSource source([] {
    FieldOptions o;
    o.field = "two-phase";
    return o;
  }());
  return source;
}

Setup::Setup(const FlowOptions& flow, const UnitOptions& units)
    : options_(flow), unit_options_(units), flow_(flow, no_file(), settle_units(units, no_file())) {}

Problem Setup::problem(Field permeability, CellMask active, const double* source,
                       const double* permeability_y, const double* permeability_z) const {
  Sample sample;
  sample.permeability = std::move(permeability);
  sample.active = std::move(active);
  Problem problem = flow_.problem(sample);
  const Grid& grid = problem.grid();
  if (source != nullptr) problem.source = with_inactive(field_of(source, grid), sample.active, 0.0);
  const auto replace = [&](Field& along, const double* values) {
    if (values == nullptr) return;
    along = field_of(values, grid);
    for (double& k : along.values) k *= flow_.units().conductance();
  };
  replace(problem.permeability_y, permeability_y);
  replace(problem.permeability_z, permeability_z);
  if (source != nullptr || permeability_y != nullptr || permeability_z != nullptr) check_problem(problem);
  return problem;
}

void bind_setup(nb::module_& m) {
  nb::class_<Setup>(m, "Setup", "What drives the flow: a named problem and what changes it.")
      .def(
          "__init__",
          [](Setup* self, std::string problem, std::string left, std::string right, std::string bottom,
             std::string top, std::string front, std::string back, std::string source,
             std::vector<std::string> wells, std::optional<double> anisotropy,
             std::optional<double> anisotropy_z, bool drop_islands, std::string units,
             std::optional<double> viscosity, std::optional<double> thickness, std::string random_wells) {
            FlowOptions flow{.problem_name = std::move(problem),
                             .left = std::move(left),
                             .right = std::move(right),
                             .bottom = std::move(bottom),
                             .top = std::move(top),
                             .front = std::move(front),
                             .back = std::move(back),
                             .source = std::move(source),
                             .wells = std::move(wells),
                             .anisotropy = anisotropy,
                             .drop_islands = drop_islands,
                             .anisotropy_z = anisotropy_z,
                             .random_wells = std::move(random_wells)};
            new (self) Setup(flow, {std::move(units), viscosity, thickness});
          },
          nb::arg("problem"), nb::arg("left"), nb::arg("right"), nb::arg("bottom"), nb::arg("top"),
          nb::arg("front"), nb::arg("back"), nb::arg("source"), nb::arg("wells"),
          nb::arg("anisotropy").none(), nb::arg("anisotropy_z").none(), nb::arg("drop_islands"),
          nb::arg("units"), nb::arg("viscosity").none(), nb::arg("thickness").none(), nb::arg("random_wells"))
      .def_prop_ro("problem", [](const Setup& s) { return s.flow().problem_name(); })
      .def_prop_ro("well_names", [](const Setup& s) { return s.flow().well_names(); });
}

}  // namespace mano::python
