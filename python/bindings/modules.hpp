#pragma once
// The parts of the extension modules mano._core and, last, mano._surrogate.

#include <nanobind/nanobind.h>

namespace mano::python {

namespace nb = nanobind;

void bind_setup(nb::module_& m);
void bind_differentiable(nb::module_& m);
void bind_solving(nb::module_& m);
void bind_samples(nb::module_& m);
void bind_datasets(nb::module_& m);
void bind_displacement(nb::module_& m);
void bind_networks(nb::module_& m);
void bind_displacement_model(nb::module_& m);

}  // namespace mano::python
